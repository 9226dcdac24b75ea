//! VMs of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, PageRequest, StopMode, Vm, VmDeleteOptions, VmPage, VmSpec};

use super::Service;
use crate::connections::{OptionInput, validate};
use crate::error::Result;

impl Service {
    /// Every VM, in the provider's order.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_vms(&self) -> Result<Vec<Vm>> {
        let activity = self.begin(Ability::Vms, "list vms")?;
        self.collect(&activity, |page| self.provider().list_vms(activity.call(), page))
            .await
    }

    /// A part of the list of VMs.
    ///
    /// # Errors
    /// When the provider cannot list them, or does not know the cursor.
    pub async fn list_vms_page(&self, page: PageRequest) -> Result<VmPage> {
        let activity = self.begin(Ability::Vms, "list vms")?;
        activity.end(self.provider().list_vms(activity.call(), page).await)
    }

    /// One VM with everything known about it.
    ///
    /// # Errors
    /// `not-found` when there is none, `ambiguous` when there are several.
    pub async fn get_vm(&self, vm: &str) -> Result<Vm> {
        let activity = self.begin(Ability::Vms, format!("read vm `{vm}`"))?;
        activity.end(self.provider().get_vm(activity.call(), vm.to_owned()).await)
    }

    /// Creates a VM and waits until it is complete; answers its id. `options` are the provider-specific ones.
    ///
    /// # Errors
    /// When the spec cannot be honoured or the vendor refuses; nothing of it is left.
    pub async fn create_vm(&self, mut spec: VmSpec, options: &BTreeMap<String, OptionInput>) -> Result<String> {
        let activity = self.begin(Ability::Vms, format!("create vm `{}`", spec.name))?;
        spec.options.extend(
            self.spec_options("vm", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().create_vm(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Deletes a VM and what was created for it.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it has snapshots that must not be deleted.
    pub async fn delete_vm(&self, vm: &str, options: VmDeleteOptions) -> Result<String> {
        let activity = self.begin(Ability::Vms, format!("delete vm `{vm}`"))?;
        let answer = self.provider().delete_vm(activity.call(), vm.to_owned(), options).await;
        self.settle(&activity, answer).await
    }

    /// Starts a VM.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn start_vm(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::Vms, format!("start vm `{vm}`"))?;
        let answer = self.provider().start_vm(activity.call(), vm.to_owned()).await;
        self.settle(&activity, answer).await
    }

    /// Stops a VM.
    ///
    /// # Errors
    /// `not-found` when there is none, `timed-out` when the guest does not stop in time.
    pub async fn stop_vm(&self, vm: &str, mode: StopMode) -> Result<String> {
        let mut activity = self.begin(Ability::Vms, format!("stop vm `{vm}`"))?;
        activity.allow_for(&mode);
        let answer = self.provider().stop_vm(activity.call(), vm.to_owned(), mode).await;
        self.settle(&activity, answer).await
    }

    /// Restarts a VM.
    ///
    /// # Errors
    /// `not-found` when there is none, `timed-out` when the guest does not stop in time.
    pub async fn restart_vm(&self, vm: &str, mode: StopMode) -> Result<String> {
        let mut activity = self.begin(Ability::Vms, format!("restart vm `{vm}`"))?;
        activity.allow_for(&mode);
        let answer = self.provider().restart_vm(activity.call(), vm.to_owned(), mode).await;
        self.settle(&activity, answer).await
    }

    /// Validates the provider-specific options of a spec.
    pub(super) fn spec_options(
        &self,
        noun: &str,
        options: &BTreeMap<String, OptionInput>,
    ) -> Result<Vec<stockade_host::contract::OptionEntry>> {
        let place = format!("a {noun} of provider `{}`", self.installed().info.name);
        let schema = self.installed().spec_options(noun);
        let options = validate(schema, options, &place)?;
        if let Some(tape) = &self.inner.traces.tape {
            let is_secret = |name: &str| schema.iter().any(|option| option.secret && option.name == name);
            let secrets = options.iter().filter(|option| is_secret(&option.name));
            secrets.for_each(|option| tape.hide(option));
        }
        Ok(options)
    }
}
