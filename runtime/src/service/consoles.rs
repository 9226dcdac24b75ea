//! The screens and serial lines of a connection's VMs.

use stockade_host::contract::{Ability, Console, ConsoleKind};

use super::Service;
use crate::error::Result;

impl Service {
    /// Opens a console of a running VM. The answer is a secret: whoever has it is at the console.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, `conflict` when it is stopped, `unsupported` when it has no such console.
    pub async fn open_vm_console(&self, vm: &str, kind: ConsoleKind) -> Result<Console> {
        let kind_word = match kind {
            ConsoleKind::Graphical => "graphical",
            ConsoleKind::Serial => "serial",
        };
        let activity = self.begin(Ability::Consoles, format!("open the {kind_word} console of vm `{vm}`"))?;
        activity.end(
            self.provider()
                .open_vm_console(activity.call(), vm.to_owned(), kind)
                .await,
        )
    }

    /// What a VM's serial line printed lately, control characters included: clean it before a terminal sees it.
    ///
    /// # Errors
    /// `not-found` when there is no such VM.
    pub async fn read_vm_console_log(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::Consoles, format!("read the console log of vm `{vm}`"))?;
        activity.end(
            self.provider()
                .read_vm_console_log(activity.call(), vm.to_owned())
                .await,
        )
    }

    /// A picture of a VM's screen, as PNG.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, `conflict` when it is stopped.
    pub async fn take_vm_screenshot(&self, vm: &str) -> Result<Vec<u8>> {
        let activity = self.begin(Ability::Consoles, format!("take a screenshot of vm `{vm}`"))?;
        activity.end(self.provider().take_vm_screenshot(activity.call(), vm.to_owned()).await)
    }
}
