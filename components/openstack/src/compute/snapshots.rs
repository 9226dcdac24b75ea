//! Saved states of VMs: images that Nova makes of their first disk
//! (<https://docs.openstack.org/api-ref/compute/#create-image-createimage-action>).
//!
//! OpenStack knows no difference between a snapshot that belongs to a VM and an image that was made from one. A snapshot
//! here is an image that carries this provider's mark; what other tools made is listed among the images, and no deletion of
//! a VM takes it along. Going back to a snapshot rebuilds the VM from it: the VM keeps its addresses.

use serde_json::json;

use stockade_provider::abilities::Snapshots;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, Snapshot, SnapshotPage, SnapshotSpec, VmStatus};

use super::power;
use super::server::Server;
use super::spec::refuse;
use crate::Openstack;
use crate::change::done;
use crate::cloud::{Cloud, PAGE};
use crate::find;
use crate::image::{MARK, SNAPSHOT, WireImage};
use crate::name::check_name;
use crate::service::Service;

/// The snapshots of a server, oldest first.
pub(super) fn of_server<H: Host>(cloud: &Cloud<'_, H>, server: &Server) -> Result<Vec<WireImage>, Error> {
    let query = [("instance_uuid", server.id.as_str()), (MARK, SNAPSHOT)];
    let doing = format!("listing snapshots of vm `{}`", server.name());
    let mut all: Vec<WireImage> = cloud.list(Service::Image, &["images"], "images", &query, &doing)?;
    all.sort_by(|one, other| (&one.created_at, &one.id).cmp(&(&other.created_at, &other.id)));
    Ok(all)
}

fn snapshot<H: Host>(cloud: &Cloud<'_, H>, server: &Server, name: &str) -> Result<WireImage, Error> {
    let all = of_server(cloud, server)?;
    find::one("snapshot", name, all, |image| &image.id, |image| image.name())
}

impl<H: Host> Snapshots<H> for Openstack {
    fn list_snapshots(host: &H, vm: String, page: PageRequest) -> Result<SnapshotPage, Error> {
        let cloud = Cloud::open(host, "list-snapshots")?;
        let server = cloud.server(&vm)?;
        let all = of_server(&cloud, &server)?;
        let key = |image: &WireImage| format!("{} {}", image.created_at.as_deref().unwrap_or_default(), image.id);
        let (all, next) = page::cut(all, &page, PAGE, key)?;
        let item = |image: &WireImage| Snapshot {
            id: image.id.clone(),
            name: image.name().to_owned(),
            parent: None,
            current: server.image.as_ref() == Some(&image.id),
            with_memory: false,
            description: image.description(),
            created_at: image.created_at.clone(),
        };
        Ok(SnapshotPage {
            items: all.iter().map(item).collect(),
            next,
        })
    }

    fn create_snapshot(host: &H, vm: String, spec: SnapshotSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "create-snapshot")?;
        let SnapshotSpec {
            name,
            description,
            with_memory,
            quiesce,
        } = spec;
        check_name(&name)?;
        refuse("with-memory", with_memory, "Nova saves disks only")?;
        refuse(
            "quiesce",
            quiesce,
            "Nova asks the guest's agent when the image has the property `os_require_quiesce`, not when a caller does",
        )?;
        let server = cloud.server(&vm)?;
        if of_server(&cloud, &server)?.iter().any(|image| image.name() == name) {
            return Err(Error::already_exists("snapshot", &name));
        }
        let mut properties = json!({ MARK: SNAPSHOT });
        if let Some(description) = description {
            properties["description"] = json!(description);
        }
        let doing = format!("taking snapshot `{name}` of vm `{vm}`");
        crate::image::of_server(&cloud, &server, &name, &properties, &doing)
    }

    fn revert_snapshot(host: &H, vm: String, snapshot: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "revert-snapshot")?;
        let server = cloud.server(&vm)?;
        let image = self::snapshot(&cloud, &server, &snapshot)?;
        let doing = format!("putting vm `{vm}` back into snapshot `{snapshot}`");
        if !matches!(
            server.vm_status(),
            VmStatus::Stopped | VmStatus::Running | VmStatus::Error
        ) {
            let message = format!("while {doing}: it is `{}`; stop it first", server.status);
            return Err(Error::conflict(message));
        }
        // Nova rebuilds a stopped server and leaves it stopped.
        if server.vm_status() == VmStatus::Running {
            power::stop_server(&cloud, &server, &doing)?;
        }
        power::go(
            &cloud,
            &server,
            "rebuild",
            &json!({"imageRef": image.id}),
            &doing,
            "SHUTOFF",
        )?;
        Ok(done(server.id))
    }

    fn delete_snapshot(host: &H, vm: String, snapshot: String, _children: bool) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-snapshot")?;
        let server = cloud.server(&vm)?;
        // Snapshots stand alone here, so that there are no children to keep or to delete.
        let image = self::snapshot(&cloud, &server, &snapshot)?;
        cloud
            .call(Service::Image, "DELETE", ["images", &image.id])
            .about("snapshot", &snapshot)
            .send(&format!("deleting snapshot `{snapshot}` of vm `{vm}`"))?;
        Ok(done(image.id))
    }
}
