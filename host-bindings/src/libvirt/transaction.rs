//! What has been made so far, so that it can be unmade when a later step fails.

use virt::domain::Domain;
use virt::storage_vol::StorageVol;

use super::delete::undefine;
use super::error::Fault;
use super::ffi::Owned;
use super::metadata::VolumeMetadata;

/// What was made so far, to be unmade in reverse.
#[derive(Default)]
pub(super) struct Transaction {
    volumes: Vec<(VolumeMetadata, Owned<StorageVol>)>,
    domain: Option<Owned<Domain>>,
}

impl Transaction {
    /// A volume was made.
    pub(super) fn created(&mut self, pool: &str, name: &str, handle: Owned<StorageVol>) {
        let metadata = VolumeMetadata {
            pool: pool.to_owned(),
            name: name.to_owned(),
        };
        self.volumes.push((metadata, handle));
    }

    /// The VM was defined.
    pub(super) fn defined(&mut self, domain: Owned<Domain>) -> &Owned<Domain> {
        self.domain.insert(domain)
    }

    /// The volumes that were made.
    pub(super) fn volume_names(&self) -> Vec<VolumeMetadata> {
        self.volumes.iter().map(|(metadata, _)| metadata.clone()).collect()
    }

    /// What was made, when it is to stay.
    pub(super) fn into_volumes(self) -> Vec<(VolumeMetadata, Owned<StorageVol>)> {
        self.volumes
    }

    /// Unmakes everything, the last first; the fault says what could not be unmade.
    pub(super) fn undo(self, mut fault: Fault) -> Fault {
        if let Some(domain) = &self.domain
            && let Err(left) = undefine(domain, "the unfinished vm", true)
        {
            fault = fault.and(&left.error.message);
        }
        for (metadata, volume) in self.volumes.iter().rev() {
            if let Err(error) = volume.delete(0) {
                let VolumeMetadata { pool, name } = metadata;
                fault = fault.and(&format!(
                    "volume `{name}` of pool `{pool}` could not be removed: {}",
                    error.message()
                ));
            }
        }
        fault
    }
}
