//! VMs as images: exports, and copies, which go through an image.

use stockade_provider::abilities::{VmClone, VmExport};
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Level, Subject, Tag, VmCloneSpec, VmExportSpec};

use crate::Aws;
use crate::client::Client;
use crate::create::{self, RUNNING_SECONDS};
use crate::image::MachineImage;
use crate::images;
use crate::instance::{Instance, NAME_TAG};
use crate::instances;
use crate::listed;
use crate::metadata;
use crate::operations::{self, Kind};
use crate::query::Query;
use crate::vm_spec::{check_name, refuse};

/// How long a copy waits for the image: EBS copies what is on the disks, which takes minutes for large ones.
const IMAGE_SECONDS: u32 = 900;

impl<H: Host> VmExport<H> for Aws {
    fn export_vm(host: &H, vm: String, spec: VmExportSpec) -> Result<Change, Error> {
        let VmExportSpec {
            image,
            pool,
            format,
            snapshot,
        } = spec;
        refuse("pool", pool.is_some(), "EC2 keeps images in one place")?;
        refuse(
            "format",
            format.is_some_and(|format| format != "ami"),
            "EC2 makes images of its own kind",
        )?;
        refuse(
            "snapshot",
            snapshot.is_some(),
            "EC2 makes images of a vm's present state",
        )?;
        let client = Client::new(host, "export-vm");
        let found = instances::get(&client, &vm)?;
        images::check_name(&image).map_err(|error| Error::invalid_argument("image", error.message))?;
        images::ensure_free(&client, &image)?;
        let id = make(&client, &found, &image, false)?;
        Ok(operations::pending(host, Kind::Image, &id, "available"))
    }

    fn download_vm_disk(
        host: &H,
        vm: String,
        _disk: String,
        _format: Option<String>,
        _into: &<H as Host>::Blob,
    ) -> Result<(), Error> {
        instances::get(&Client::new(host, "download-vm-disk"), &vm)?;
        let why = "EC2 writes disks into S3 buckets only (VM Export)";
        Err(Error::unsupported("download-vm-disk", why))
    }
}

/// Makes an image of the first disk, or of all. A running VM keeps running: the image is crash-consistent, as after a loss
/// of power (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>, `NoReboot`).
fn make<H: Host>(client: &Client<'_, H>, vm: &Instance, name: &str, with_all_disks: bool) -> Result<String, Error> {
    let mut query = Query::ec2("CreateImage")
        .with("InstanceId", &vm.id)
        .with("Name", name)
        .with("NoReboot", true);
    let others = vm
        .disks
        .iter()
        .filter(|disk| Some(&disk.device) != vm.root_device.as_ref() && !with_all_disks);
    for (index, disk) in others.enumerate() {
        query.set(format!("BlockDeviceMapping.{}.DeviceName", index + 1), &disk.device);
        query.set(format!("BlockDeviceMapping.{}.NoDevice", index + 1), "");
    }
    let doing = format!("making image `{name}` of vm `{}`", vm.name());
    client.read_about(&query, &doing, Some(Subject::new("image", name)), |root| {
        root.string("imageId")
            .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
    })
}

impl<H: Host> VmClone<H> for Aws {
    fn clone_vm(host: &H, vm: String, spec: VmCloneSpec) -> Result<Change, Error> {
        let VmCloneSpec {
            name,
            linked,
            snapshot,
            start,
        } = spec;
        refuse("linked", linked, "EBS volumes stand alone")?;
        refuse("snapshot", snapshot.is_some(), "EC2 copies a vm's present state")?;
        check_name("name", &name)?;
        let client = Client::new(host, "clone-vm");
        let found = instances::get(&client, &vm)?;
        if instances::find(&client, &name)?.is_some() {
            return Err(Error::already_exists("vm", &name));
        }
        // Its name must be new in the account, and is of no interest to anybody: it is gone at the end.
        let image = format!(
            "stockade-clone-{}",
            crate::digest::digest(&format!("{} {name} {}", found.id, host.now()))
        );
        let id = make(&client, &found, &image, true)?;
        let copied = wait_for_image(&client, &id)
            .and_then(|image| run(&client, &found, &image, &name).map(|copy| (image, copy)));
        let (image, copy) = copied.inspect_err(|_| clean_up_image(&client, &id))?;
        let finished = finish(&client, &copy, &name, start).inspect_err(|_| create::clean_up(&client, &copy));
        // The copy's volumes stand alone once they are made.
        if let Err(error) = images::delete(&client, &image) {
            host.log(Level::Warn, &format!("{}: delete it", error.message));
        }
        finished
    }
}

fn wait_for_image<H: Host>(client: &Client<'_, H>, id: &str) -> Result<MachineImage, Error> {
    let what = format!("image `{id}` to be `available`");
    instances::until(client, &what, IMAGE_SECONDS, || {
        let found: Option<MachineImage> = listed::by_id(client, id)?;
        match found {
            Some(image) if ["failed", "error", "invalid"].contains(&image.state.as_str()) => {
                let (code, words) = image.state_reason.unwrap_or_default();
                Err(Error::upstream(
                    None,
                    None,
                    format!("image `{id}` could not be made: {code}: {words}"),
                ))
            }
            found => Ok(found.filter(|image| image.state == "available")),
        }
    })
}

/// Creates the copy where the original is, of its type, with its groups and tags.
fn run<H: Host>(
    client: &Client<'_, H>,
    original: &Instance,
    image: &MachineImage,
    name: &str,
) -> Result<String, Error> {
    let mut tags: Vec<Tag> = original
        .tags
        .iter()
        .filter(|tag| tag.key != NAME_TAG && !tag.key.starts_with("aws:"))
        .cloned()
        .collect();
    tags.push(Tag {
        key: NAME_TAG.to_owned(),
        value: name.to_owned(),
    });
    let mut query = Query::ec2("RunInstances")
        .with("ImageId", &image.id)
        .with("InstanceType", &original.instance_type)
        .with("MinCount", 1)
        .with("MaxCount", 1);
    if original.nics.is_empty() {
        query = query.with_some("Placement.AvailabilityZone", original.zone.as_ref());
    }
    for (index, nic) in original.nics.iter().enumerate() {
        let prefix = format!("NetworkInterface.{}", index + 1);
        query = query
            .with(format!("{prefix}.DeviceIndex"), index)
            .with(format!("{prefix}.DeleteOnTermination"), true)
            .with_some(&format!("{prefix}.SubnetId"), nic.subnet.as_ref())
            .with_list(&format!("{prefix}.SecurityGroupId"), &nic.groups);
    }
    // Without this, volumes beside the first would outlive the copy.
    for (index, (device, size_gib)) in image.sizes.iter().enumerate() {
        let prefix = format!("BlockDeviceMapping.{}", index + 1);
        query.set(format!("{prefix}.DeviceName"), device);
        // Clouds with the same API do not all take the size from the image.
        query.set(format!("{prefix}.Ebs.VolumeSize"), size_gib);
        query.set(format!("{prefix}.Ebs.DeleteOnTermination"), true);
    }
    let query = client.once(metadata::with_tag_specification(query, 1, "instance", &tags));
    create::run(client, &query, name)
}

fn finish<H: Host>(client: &Client<'_, H>, id: &str, name: &str, start: bool) -> Result<Change, Error> {
    instances::wait_for(client, id, "running", RUNNING_SECONDS)?;
    if start {
        return Ok(operations::done(id));
    }
    create::stop(client, id, name)
}

fn clean_up_image<H: Host>(client: &Client<'_, H>, id: &str) {
    let deleted = listed::by_id::<MachineImage, H>(client, id).and_then(|found| match found {
        Some(image) => images::delete(client, &image),
        None => Ok(()),
    });
    if let Err(error) = deleted {
        client.host().log(Level::Warn, &format!("{}: delete it", error.message));
    }
}
