//! What the simulated guests print. There is no screen and nobody at the other end of the serial line.

use stockade_provider::abilities::Consoles;
use stockade_provider::host::Host;
use stockade_provider::types::{Console, ConsoleKind, Error, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::records::StoredVm;

/// Lines that are kept: a vendor keeps 64 KiB at most, and an entry of the state must stay small.
const MAX_LINES: usize = 50;

impl<H: Host> Consoles<H> for Fake {
    fn open_vm_console(host: &H, vm: String, _kind: ConsoleKind) -> Result<Console, Error> {
        Client::open(host, "open-vm-console")?.get::<StoredVm>(&vm)?;
        Err(Error::unsupported(
            "open-vm-console",
            "the simulated guests listen to nobody; their console log can be read",
        ))
    }

    fn read_vm_console_log(host: &H, vm: String) -> Result<String, Error> {
        let client = Client::open(host, "read-vm-console-log")?;
        let lines = client.get::<StoredVm>(&vm)?.console.into_iter();
        Ok(lines.map(|line| line + "\n").collect())
    }

    fn take_vm_screenshot(host: &H, vm: String) -> Result<Vec<u8>, Error> {
        Client::open(host, "take-vm-screenshot")?.get::<StoredVm>(&vm)?;
        Err(Error::unsupported(
            "take-vm-screenshot",
            "the simulated guests have no screen",
        ))
    }
}

/// What a guest prints when its VM goes from its state to another one. Guests that are held print nothing.
pub(crate) fn print(vm: &mut StoredVm, next: VmStatus) {
    let line = match (vm.status, next) {
        (VmStatus::Running, VmStatus::Stopped) => format!("{}: power down", vm.hostname),
        (VmStatus::Paused | VmStatus::Running, VmStatus::Running) | (VmStatus::Suspended, VmStatus::Running) => return,
        (_, VmStatus::Running) => format!("{} login:", vm.hostname),
        _ => return,
    };
    if vm.console.len() >= MAX_LINES {
        vm.console.remove(0);
    }
    vm.console.push(line);
}
