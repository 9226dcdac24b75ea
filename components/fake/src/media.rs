//! CD-ROM drives of VMs.

use stockade_provider::abilities::VmMedia;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Image};

use crate::Fake;
use crate::client::Client;
use crate::cloud::done;
use crate::records::{Drive, StoredVm};

impl<H: Host> VmMedia<H> for Fake {
    fn insert_vm_media(host: &H, vm: String, image: String) -> Result<Change, Error> {
        let client = Client::open(host, "insert-vm-media")?;
        client.get::<StoredVm>(&vm)?;
        let image = client.get::<Image>(&image)?;
        if image.format.as_deref() != Some("iso") {
            let format = image.format.unwrap_or_default();
            return Err(Error::invalid_argument(
                "image",
                format!("image `{}` is no ISO image but `{format}`", image.name),
            ));
        }
        let changed = client.update::<StoredVm>(&vm, |vm| {
            vm.drive = Some(Drive {
                image: Some(image.id.clone()),
            });
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn eject_vm_media(host: &H, vm: String) -> Result<Change, Error> {
        let client = Client::open(host, "eject-vm-media")?;
        let changed = client.update::<StoredVm>(&vm, |vm| {
            if let Some(drive) = &mut vm.drive {
                drive.image = None;
            }
            Ok(())
        })?;
        Ok(done(changed.id))
    }
}
