//! What the agents inside a connection's guests can do.

use std::time::Duration;

use stockade_host::contract::{Ability, GuestCommand, GuestCommandResult, GuestInfo};

use super::Service;
use crate::error::Result;

impl Service {
    /// What a guest says about itself.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, `unavailable` when no agent answers.
    pub async fn get_guest_info(&self, vm: &str) -> Result<GuestInfo> {
        let activity = self.begin(Ability::GuestAgent, format!("ask the guest of vm `{vm}` about itself"))?;
        activity.end(self.provider().get_guest_info(activity.call(), vm.to_owned()).await)
    }

    /// Runs a command inside a guest and waits for its end.
    ///
    /// # Errors
    /// `timed-out` when its time is up, `denied` when the agent does not allow commands, `unavailable` when none answers.
    pub async fn run_guest_command(&self, vm: &str, command: GuestCommand) -> Result<GuestCommandResult> {
        let mut activity = self.begin(
            Ability::GuestAgent,
            format!("run `{}` inside the guest of vm `{vm}`", command.path),
        )?;
        activity.allow_more(Duration::from_secs(command.timeout_seconds.into()));
        activity.end(
            self.provider()
                .run_guest_command(activity.call(), vm.to_owned(), command)
                .await,
        )
    }

    /// Sets the password of a user of a guest. It is never logged or recorded.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or user, `unavailable` when no agent answers.
    pub async fn set_guest_password(&self, vm: &str, user: &str, password: &str) -> Result<()> {
        let activity = self.begin(
            Ability::GuestAgent,
            format!("set the password of user `{user}` inside the guest of vm `{vm}`"),
        )?;
        self.hide(password);
        activity.end(
            self.provider()
                .set_guest_password(activity.call(), vm.to_owned(), user.to_owned(), password.to_owned())
                .await,
        )
    }

    /// Replaces the authorized SSH keys of a user of a guest.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or user, `unavailable` when no agent answers.
    pub async fn set_guest_ssh_keys(&self, vm: &str, user: &str, keys: Vec<String>) -> Result<()> {
        let activity = self.begin(
            Ability::GuestAgent,
            format!("set the SSH keys of user `{user}` inside the guest of vm `{vm}`"),
        )?;
        activity.end(
            self.provider()
                .set_guest_ssh_keys(activity.call(), vm.to_owned(), user.to_owned(), keys)
                .await,
        )
    }

    /// Holds all writes of a guest; answers how many file systems were frozen. Thaw it soon: it hangs meanwhile.
    ///
    /// # Errors
    /// `conflict` when it is frozen already, `unavailable` when no agent answers.
    pub async fn freeze_guest(&self, vm: &str) -> Result<u32> {
        let activity = self.begin(Ability::GuestAgent, format!("freeze the guest of vm `{vm}`"))?;
        activity.end(self.provider().freeze_guest(activity.call(), vm.to_owned()).await)
    }

    /// Lets a guest's writes continue; answers how many file systems were thawed.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, `unavailable` when no agent answers.
    pub async fn thaw_guest(&self, vm: &str) -> Result<u32> {
        let activity = self.begin(Ability::GuestAgent, format!("thaw the guest of vm `{vm}`"))?;
        activity.end(self.provider().thaw_guest(activity.call(), vm.to_owned()).await)
    }
}
