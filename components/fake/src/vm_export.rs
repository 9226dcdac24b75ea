//! VMs as images. Disks have no content here: an image is the record of one.

use stockade_provider::abilities::VmExport;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Image, Pool, VmExportSpec, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{DEFAULT, done};
use crate::records::{StoredDisk, StoredVm};
use crate::snapshots;
use crate::vm_spec::{FORMATS, choice};

impl<H: Host> VmExport<H> for Fake {
    fn export_vm(host: &H, vm: String, spec: VmExportSpec) -> Result<Change, Error> {
        let client = Client::open(host, "export-vm")?;
        let VmExportSpec {
            image,
            pool,
            format,
            snapshot,
        } = spec;
        let vm = client.get::<StoredVm>(&vm)?;
        if let Some(snapshot) = snapshot {
            snapshots::find(&vm, &snapshot)?;
        } else if vm.status != VmStatus::Stopped {
            return Err(Error::conflict(format!(
                "vm `{}` must be stopped to be exported; stop it, or export a snapshot",
                vm.name
            )));
        }
        let disks = client.all::<StoredDisk>()?;
        let disk = vm
            .to_vm(&disks)
            .disks
            .into_iter()
            .flatten()
            .find_map(|disk| disk.id.filter(|id| disks.iter().any(|have| &have.id == id)))
            .and_then(|id| disks.iter().find(|have| have.id == id))
            .ok_or_else(|| Error::conflict(format!("vm `{}` has no disk to make an image from", vm.name)))?;
        let pool = client.get::<Pool>(pool.as_deref().unwrap_or(DEFAULT))?;
        let source = vm
            .image
            .as_ref()
            .map(|image| client.find::<Image>(image))
            .transpose()?
            .flatten();
        let id = format!("image-{}", client.next_number()?);
        client.insert(&Image {
            id: id.clone(),
            name: image,
            pool: Some(pool.name),
            format: Some(choice("format", format, &FORMATS)?),
            size_mib: Some(disk.size_gib.saturating_mul(1024)),
            os_name: source.as_ref().and_then(|image| image.os_name.clone()),
            architecture: source.and_then(|image| image.architecture),
            created_at: Some(client.now()),
            public: Some(false),
        })?;
        Ok(done(id))
    }

    fn download_vm_disk(
        host: &H,
        vm: String,
        _disk: String,
        _format: Option<String>,
        _into: &H::Blob,
    ) -> Result<(), Error> {
        Client::open(host, "download-vm-disk")?.get::<StoredVm>(&vm)?;
        Err(Error::unsupported(
            "download-vm-disk",
            "the simulated disks have no content",
        ))
    }
}
