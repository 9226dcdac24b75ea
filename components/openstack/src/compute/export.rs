//! VMs as images and files.

use serde_json::json;

use stockade_provider::abilities::VmExport;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, VmExportSpec};

use super::server::Server;
use super::spec::refuse;
use crate::Openstack;
use crate::change::done;
use crate::cloud::Cloud;
use crate::find;
use crate::image::{COPY, MARK, WireImage};
use crate::name::check_name;
use crate::service::Service;

impl<H: Host> VmExport<H> for Openstack {
    fn export_vm(host: &H, vm: String, spec: VmExportSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "export-vm")?;
        let VmExportSpec {
            image,
            pool,
            format,
            snapshot,
        } = spec;
        check_name(&image)?;
        refuse("pool", pool.is_some(), "Glance has no pools")?;
        refuse(
            "format",
            format.is_some(),
            "the cloud chooses the format of images of vms",
        )?;
        refuse(
            "snapshot",
            snapshot.is_some(),
            "a snapshot is an image already; vms can be created from its id",
        )?;
        let server = cloud.server(&vm)?;
        cloud.refuse_image_name(&image)?;
        let doing = format!("making image `{image}` of vm `{vm}`");
        let id = crate::image::made_of_server(&cloud, &server, &image, &json!({}), &doing)?;
        Ok(done(id))
    }

    fn download_vm_disk(
        host: &H,
        vm: String,
        disk: String,
        format: Option<String>,
        into: &H::Blob,
    ) -> Result<(), Error> {
        let cloud = Cloud::open(host, "download-vm-disk")?;
        let server = cloud.server(&vm)?;
        require_first_disk(&server, &disk)?;
        let doing = format!("downloading disk `{disk}` of vm `{vm}`");
        let name = format!("download of {vm}");
        let id = crate::image::made_of_server(&cloud, &server, &name, &json!({ MARK: COPY }), &doing)?;
        let written = download(&cloud, &id, format.as_deref(), into, &doing);
        let removed = cloud.call(Service::Image, "DELETE", ["images", &id]).remove(&doing);
        written.and(removed)
    }
}

/// Nova makes images of first disks only.
fn require_first_disk(server: &Server, disk: &str) -> Result<(), Error> {
    let root = server.root_device.as_deref().unwrap_or("/dev/vda");
    let names = [root, root.rsplit('/').next().unwrap_or(root)];
    if server.image.is_some() && names.contains(&disk) {
        return Ok(());
    }
    if server.volumes.iter().any(|volume| volume.id == disk) {
        let why = "it is a volume, and Cinder hands volumes out as images only";
        return Err(Error::unsupported("download-vm-disk", why));
    }
    find::one("disk", disk, [], |name: &String| name, |name: &String| name).map(drop)
}

fn download<H: Host>(
    cloud: &Cloud<'_, H>,
    image: &str,
    format: Option<&str>,
    into: &H::Blob,
    doing: &str,
) -> Result<(), Error> {
    let made: WireImage = cloud.image(image)?;
    if let (Some(wanted), Some(have)) = (format, made.disk_format.as_deref())
        && wanted != have
    {
        let why = format!("the cloud keeps it as `{have}` and converts nothing");
        return Err(Error::cannot_honour("format", &why));
    }
    cloud
        .get(Service::Image, ["images", image, "file"])
        .into_blob(into, doing)
        .map(drop)
}
