//! What a trial works with: a connection of its own, and what may be taken for granted on it.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use stockade::connections::{ConnectionConfig, OptionInput};
use stockade::contract::{Ability, ErrorKind, StopMode, Vm, VmDeleteOptions, VmSpec, VmStatus};
use stockade::{Result, Runtime, Service};

use crate::outcome::Outcome;
use crate::setup::{Evidence, Gaps, Given};

/// No provider-specific options.
pub(crate) const NO_OPTIONS: BTreeMap<String, OptionInput> = BTreeMap::new();

/// What one trial runs on.
pub(crate) struct Subject {
    /// For trials that open further connections.
    pub(crate) runtime: Runtime,
    /// The connection.
    pub(crate) service: Service,
    /// What the connection was made from.
    pub(crate) config: ConnectionConfig,
    /// An image that is there, at most 1 GiB large.
    pub(crate) image: String,
    /// An image that is there and larger than 1 GiB.
    pub(crate) large_image: String,
    /// What else may be taken for granted.
    pub(crate) given: Given,
    /// The provider's own documentation: what it cannot do is unsupported only if it says so here.
    pub(crate) document: String,
    /// A second opinion about what is there, where one can be had.
    pub(crate) evidence: Option<Evidence>,
    /// What the things behind the provider cannot do.
    pub(crate) gaps: Gaps,
}

impl Subject {
    /// A small VM that is not started, from the image that is there.
    pub(crate) fn spec(&self, name: &str) -> Outcome<VmSpec> {
        let spec = serde_json::json!({"name": name, "image": self.image, "cpus": 1, "memory_mib": 256});
        serde_json::from_value(spec).map_err(Failed::from)
    }

    /// Creates a small VM that is not started; answers its id.
    pub(crate) async fn create(&self, name: &str) -> Outcome<String> {
        Ok(self.service.create_vm(self.spec(name)?, &NO_OPTIONS).await?)
    }

    /// Creates and starts a small VM; answers its id.
    pub(crate) async fn create_started(&self, name: &str) -> Outcome<String> {
        let spec = VmSpec {
            start: true,
            ..self.spec(name)?
        };
        Ok(self.service.create_vm(spec, &NO_OPTIONS).await?)
    }

    /// Deletes a VM with its snapshots.
    pub(crate) async fn delete(&self, vm: &str) -> Result<String> {
        self.service.delete_vm(vm, WITH_SNAPSHOTS).await
    }

    /// Cuts a VM's power.
    pub(crate) async fn stop(&self, vm: &str) -> Result<String> {
        self.service.stop_vm(vm, StopMode::Forced).await
    }

    /// Whether the provider has an ability.
    pub(crate) fn has(&self, ability: Ability) -> bool {
        self.service.installed().has(ability) && !self.gaps.absent.contains(&ability)
    }

    /// Takes `unsupported` (a function) or `invalid-argument` (a field) for an answer only where the provider documents
    /// it; then there is nothing.
    pub(crate) fn unless_documented<T>(&self, answer: Result<T>) -> Outcome<Option<T>> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => match error.kind() {
                ErrorKind::Unsupported(what) | ErrorKind::InvalidArgument(what) if self.documents(what) => Ok(None),
                ErrorKind::Unsupported(what) | ErrorKind::InvalidArgument(what) => Err(format!(
                    "`{what}` is refused, but the provider's documentation does not say so: {error}"
                )
                .into()),
                _ => Err(error.into()),
            },
        }
    }

    /// Whether the provider's documentation names this function or field.
    pub(crate) fn documents(&self, what: &str) -> bool {
        self.document.contains(&format!("`{what}`"))
    }

    /// Whether a VM has the CPUs and MiB that were asked for, or a flavor that has room for them.
    pub(crate) fn is_sized(&self, vm: &Vm, cpus: u32, memory_mib: u32) -> bool {
        if self.given.sizes_are_flavors {
            vm.cpus >= Some(cpus) && vm.memory_mib >= Some(memory_mib)
        } else {
            (vm.cpus, vm.memory_mib) == (Some(cpus), Some(memory_mib))
        }
    }

    /// Checks what a VM is doing.
    pub(crate) async fn expect_status(&self, vm: &str, expected: VmStatus) -> Outcome<Vm> {
        let read = self.service.get_vm(vm).await?;
        if read.status == expected {
            return Ok(read);
        }
        Err(format!(
            "vm `{vm}` is {:?} (`{}`), not {expected:?}",
            read.status, read.vendor_status
        )
        .into())
    }

    /// Opens another connection like this one, with some options replaced.
    pub(crate) async fn sibling(&self, name: &str, options: &[(&str, OptionInput)]) -> Result<Service> {
        let mut config = self.config.clone();
        for (option, value) in options {
            config.options.insert((*option).to_owned(), value.clone());
        }
        self.runtime.create_connection(name, &config).await
    }
}

/// Deletes a VM, but not its disks.
pub(crate) const KEEPING_DISKS: VmDeleteOptions = VmDeleteOptions {
    keep_disks: true,
    ..WITH_SNAPSHOTS
};

/// Deletes a VM and everything that was created for it.
pub(crate) const WITH_SNAPSHOTS: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: true,
};
