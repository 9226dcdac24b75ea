//! Listing, reading and deleting VMs; [`super::boot`] creates them, [`super::power`] starts and stops them.

use serde::Deserialize;
use serde_json::Value;

use stockade_provider::abilities::Vms;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, PageRequest, StopMode, Vm, VmDeleteOptions, VmPage, VmSpec};

use super::server::Server;
use super::vm::{Details, ServerImages, to_vm};
use super::{boot, power, snapshots};
use crate::Openstack;
use crate::change::{done, pending};
use crate::cloud::{Cloud, PAGE};
use crate::compute::operations::Operation;
use crate::microversion::COMPUTE_KEEP_VOLUME;
use crate::service::Service;

/// The page size when the caller names none. A server has about 2 KiB, so that a page fits a guest's memory many times.
const DEFAULT_PAGE: u32 = 500;

impl<H: Host> Vms<H> for Openstack {
    fn list_vms(host: &H, page: PageRequest) -> Result<VmPage, Error> {
        let cloud = Cloud::open(host, "list-vms")?;
        let (servers, next) = list(&cloud, &page)?;
        let images = ServerImages::of(&cloud, &servers);
        Ok(VmPage {
            items: servers.iter().map(|server| to_vm(server, &images, None)).collect(),
            next,
        })
    }

    fn get_vm(host: &H, vm: String) -> Result<Vm, Error> {
        let cloud = Cloud::open(host, "get-vm")?;
        let server = cloud.server(&vm)?;
        let details = Details::read(&cloud, &server)?;
        let images = ServerImages::of(&cloud, std::slice::from_ref(&server));
        Ok(to_vm(&server, &images, Some(&details)))
    }

    fn create_vm(host: &H, spec: VmSpec) -> Result<Change, Error> {
        boot::create(&Cloud::open(host, "create-vm")?, spec)
    }

    fn delete_vm(host: &H, vm: String, options: VmDeleteOptions) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-vm")?;
        let server = cloud.server(&vm)?;
        delete(&cloud, &server, options)
    }

    fn start_vm(host: &H, vm: String) -> Result<Change, Error> {
        power::start(&Cloud::open(host, "start-vm")?, &vm)
    }

    fn stop_vm(host: &H, vm: String, mode: StopMode) -> Result<Change, Error> {
        power::stop(&Cloud::open(host, "stop-vm")?, &vm, mode)
    }

    fn restart_vm(host: &H, vm: String, mode: StopMode) -> Result<Change, Error> {
        power::restart(&Cloud::open(host, "restart-vm")?, &vm, mode)
    }
}

#[derive(Debug, Deserialize)]
struct ServersAnswer {
    servers: Vec<Server>,
    #[serde(default)]
    servers_links: Vec<Value>,
}

/// A page of servers in the order of their creation, which never changes, with the cursor of the next.
fn list<H: Host>(cloud: &Cloud<'_, H>, page: &PageRequest) -> Result<(Vec<Server>, Option<String>), Error> {
    let limit = page.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=PAGE).contains(&limit) {
        let message = format!("a page has 1 to {PAGE} items, not {limit}");
        return Err(Error::invalid_argument("limit", message));
    }
    let Some(cursor) = &page.cursor else {
        return list_after(cloud, None, limit);
    };
    let (created, id) = cursor.split_once('/').ok_or_else(|| {
        Error::invalid_argument("cursor", "this cursor is not from this list; start again without one")
    })?;
    match list_after(cloud, Some(id), limit) {
        Err(error) if is_marker_gone(&error) => list_since(cloud, created, limit),
        answer => answer,
    }
}

fn list_after<H: Host>(
    cloud: &Cloud<'_, H>,
    marker: Option<&str>,
    limit: u32,
) -> Result<(Vec<Server>, Option<String>), Error> {
    // One more than wanted tells whether something follows: Nova links a next page behind every full one.
    let mut call = cloud
        .get(Service::Compute, ["servers", "detail"])
        .query("limit", limit.saturating_add(1).to_string())
        .query("sort_key", "created_at")
        .query("sort_dir", "asc")
        .query("sort_key", "uuid")
        .query("sort_dir", "asc");
    if let Some(marker) = marker {
        call = call.query("marker", marker);
    }
    // Straight from the text: a list is the largest answer that there is.
    let mut answer: ServersAnswer = call.send("listing vms")?.json("listing vms")?;
    let is_next = |link: &Value| link.get("rel").and_then(Value::as_str) == Some("next");
    let wanted = limit as usize;
    // Fewer than were asked for, and a link: the cloud's own limit is lower.
    let has_next = answer.servers.len() > wanted || answer.servers_links.iter().any(is_next);
    answer.servers.truncate(wanted);
    let next = answer.servers.last().filter(|_| has_next).map(cursor);
    Ok((answer.servers, next))
}

/// When the marker was deleted: everything that was created in its second or later. That may repeat some, and leaves
/// out none.
fn list_since<H: Host>(
    cloud: &Cloud<'_, H>,
    created: &str,
    limit: u32,
) -> Result<(Vec<Server>, Option<String>), Error> {
    let mut marker: Option<String> = None;
    for _ in 0..stockade_provider::paginate::MAX_PAGES {
        let (mut servers, next) = list_after(cloud, marker.as_deref(), PAGE)?;
        marker = servers.last().map(|server| server.id.clone());
        servers.retain(|server| server.created.as_deref().is_none_or(|at| at >= created));
        if !servers.is_empty() {
            let has_more = next.is_some() || servers.len() > limit as usize;
            servers.truncate(limit as usize);
            let next = servers.last().filter(|_| has_more).map(cursor);
            return Ok((servers, next));
        }
        if next.is_none() {
            break;
        }
    }
    Ok((vec![], None))
}

fn cursor(server: &Server) -> String {
    format!("{}/{}", server.created.as_deref().unwrap_or_default(), server.id)
}

/// Nova answers 400 "marker [ID] not found" for a server that is gone.
fn is_marker_gone(error: &Error) -> bool {
    let is_refusal = matches!(
        error.kind,
        ErrorKind::Upstream(_) | ErrorKind::InvalidArgument(_) | ErrorKind::NotFound(_)
    );
    is_refusal && error.message.contains("marker")
}

/// Deletes a server, its disks and what was created for it: interfaces and public addresses.
pub(super) fn delete<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    options: VmDeleteOptions,
) -> Result<Change, Error> {
    let doing = format!("deleting vm `{}`", server.name());
    let saved = snapshots::of_server(cloud, server)?;
    if !saved.is_empty() && !options.delete_snapshots {
        let message = format!(
            "vm `{}` has {} snapshots; delete them first, or ask for their deletion too",
            server.name(),
            saved.len()
        );
        return Err(Error::conflict(message));
    }
    if options.keep_disks {
        keep_disks(cloud, server)?;
    }
    let ports = cloud.ports_of(&server.id, &doing)?;
    let request = cloud.call(Service::Compute, "DELETE", ["servers", &server.id]);
    request.about("vm", server.name()).send(&doing)?;
    let is_gone = cloud.wait_until_gone(&server.id)?;
    cloud.delete_made_for(&ports, &doing)?;
    for snapshot in saved {
        cloud
            .call(Service::Image, "DELETE", ["images", &snapshot.id])
            .remove(&doing)?;
    }
    match is_gone {
        true => Ok(done(&server.id)),
        false => Ok(pending(&server.id, &Operation::Delete(server.id.clone()))),
    }
}

/// Has Nova keep the volumes that it would delete with a server.
fn keep_disks<H: Host>(cloud: &Cloud<'_, H>, server: &Server) -> Result<(), Error> {
    if server.image.is_some() {
        let why =
            "its first disk is on its host and goes with it; create vms with the option `boot_volume` to keep disks";
        return Err(Error::cannot_honour("keep-disks", why));
    }
    for volume in server.volumes.iter().filter(|volume| volume.delete_on_termination) {
        cloud.require_compute(COMPUTE_KEEP_VOLUME, "keep-disks")?;
        let path = ["servers", &server.id, "os-volume_attachments", &volume.id];
        let body = serde_json::json!({"volumeAttachment": {"volumeId": volume.id, "delete_on_termination": false}});
        cloud
            .call(Service::Compute, "PUT", path)
            .json(body)
            .send(&format!("keeping the disks of vm `{}`", server.name()))?;
    }
    Ok(())
}
