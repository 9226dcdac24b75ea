//! The conversation with kweb: the only file that touches the host.
//!
//! kweb answers most failures with 200 and `{"result": "failure", "reason": …}`, a missing VM with 200 and `{}`, and
//! exceptions with an HTML page. Here each becomes a typed error; the abilities see none of it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::retry::Retry;
use stockade_provider::types::{Error, Fault, Request, Response};

use crate::config::ENDPOINT;
use crate::error;
use crate::wire::{
    HostAnswer, ImagesAnswer, IsosAnswer, NetworksAnswer, PoolsAnswer, SnapshotsAnswer, VmsAnswer, WireVm,
};

/// How many requests may be under way: kweb answers one at a time, so more would only wait in its queue.
const PARALLEL: u8 = 2;

/// Whether this can be one path segment: kweb's router matches an encoded slash as a separator, dots would climb, and the
/// host sends no control characters.
fn is_path_segment(name: &str) -> bool {
    let is_harmless = |c: char| c != '/' && !c.is_control();
    !name.is_empty() && name.chars().all(is_harmless) && name != "." && name != ".."
}

/// Whether a name looks like libvirt's id of a VM (RFC 9562, section 4).
fn is_uuid(name: &str) -> bool {
    name.len() == 36
        && name.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// kweb behind a connection.
#[derive(Debug)]
pub(crate) struct Client<'a, H> {
    host: &'a H,
}

impl<'a, H: Host> Client<'a, H> {
    pub(crate) fn new(host: &'a H) -> Self {
        Self { host }
    }

    fn get<T: DeserializeOwned>(&self, path: &[&str], doing: &str) -> Result<T, Error> {
        let outcome = Retry::default().send(self.host, &get_request(path));
        read(outcome, doing)
    }

    /// Reads several paths at once; the answers are in their order.
    fn get_all<T: DeserializeOwned>(&self, paths: &[Vec<&str>], doing: &str) -> Result<Vec<T>, Error> {
        let requests = paths.iter().map(|path| get_request(path)).collect();
        self.host
            .send_many(requests, PARALLEL)
            .into_iter()
            .map(|outcome| read(outcome, doing))
            .collect()
    }

    /// Sends a change. Sent once: kweb has no way to tell a repetition from a new request.
    pub(crate) fn change(&self, method: &str, path: &[&str], body: &impl Serialize, doing: &str) -> Result<(), Error> {
        let request = Request::new(ENDPOINT, method, path.iter().copied()).with_json(body)?;
        read::<Value>(self.host.send(request), doing).map(drop)
    }

    /// All VMs with what kweb's list says about them: neither disks nor sizes.
    pub(crate) fn vms(&self) -> Result<Vec<WireVm>, Error> {
        self.get::<VmsAnswer>(&["vms"], "listing vms").map(|answer| answer.vms)
    }

    /// One VM by id or name, with everything that kweb knows.
    pub(crate) fn vm(&self, vm: &str) -> Result<WireVm, Error> {
        self.find_vm(vm)?.ok_or_else(|| Error::not_found("vm", vm))
    }

    /// One VM by id or name; none when there is none.
    pub(crate) fn find_vm(&self, vm: &str) -> Result<Option<WireVm>, Error> {
        if is_uuid(vm) {
            let by_id = self
                .vms()?
                .into_iter()
                .find(|have| have.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(vm)));
            if let Some(found) = by_id {
                return self.find_vm_by_name(&found.name);
            }
        }
        self.find_vm_by_name(vm)
    }

    fn find_vm_by_name(&self, name: &str) -> Result<Option<WireVm>, Error> {
        if !is_path_segment(name) {
            return Ok(None);
        }
        let doing = format!("reading vm `{name}`");
        let answer: Value = self.get(&["vms", name], &doing)?;
        if answer.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(None);
        }
        let vm = serde_json::from_value(answer).map_err(|error| {
            Error::upstream(
                None,
                None,
                format!("while {doing}: kweb's answer has another shape: {error}"),
            )
        })?;
        Ok(Some(vm))
    }

    /// All VMs with everything that kweb knows: one request for each. A VM that is deleted meanwhile is left out.
    pub(crate) fn vms_with_details(&self) -> Result<Vec<WireVm>, Error> {
        let listed = self.vms()?;
        let paths: Vec<Vec<&str>> = listed
            .iter()
            .filter(|vm| is_path_segment(&vm.name))
            .map(|vm| vec!["vms", vm.name.as_str()])
            .collect();
        let answers: Vec<Value> = self.get_all(&paths, "reading the vms")?;
        Ok(answers
            .into_iter()
            .filter_map(|answer| serde_json::from_value(answer).ok())
            .collect())
    }

    /// Changes a VM. kweb answers success for VMs and keys that do not exist, so callers look first and read back.
    pub(crate) fn update_vm(&self, name: &str, body: &Value, doing: &str) -> Result<(), Error> {
        self.change("UPDATE", &["vms", name], body, doing)
    }

    /// Starts a VM; a running one stays as it is.
    pub(crate) fn start_vm(&self, name: &str) -> Result<(), Error> {
        self.change(
            "POST",
            &["vms", name, "start"],
            &json!({}),
            &format!("starting vm `{name}`"),
        )
    }

    /// Cuts a VM's power; a stopped one stays as it is.
    pub(crate) fn stop_vm(&self, name: &str) -> Result<(), Error> {
        self.change(
            "POST",
            &["vms", name, "stop"],
            &json!({}),
            &format!("stopping vm `{name}`"),
        )
    }

    /// Deletes a VM with its disks, and with its snapshots when asked.
    pub(crate) fn delete_vm(&self, name: &str, with_snapshots: bool) -> Result<(), Error> {
        // kweb's truth is Python's: only leaving the key out means no.
        let body = if with_snapshots {
            json!({"snapshots": true})
        } else {
            json!({})
        };
        self.change("DELETE", &["vms", name], &body, &format!("deleting vm `{name}`"))
    }

    /// Names of a VM's snapshots. Only for a VM that is there: for another kweb lists the words of its failure.
    pub(crate) fn snapshots(&self, vm: &str) -> Result<Vec<String>, Error> {
        let doing = format!("listing snapshots of vm `{vm}`");
        self.get::<SnapshotsAnswer>(&["snapshots", vm], &doing)
            .map(|answer| answer.snapshots)
    }

    /// Names and paths of the pools.
    pub(crate) fn pools(&self) -> Result<Vec<(String, String)>, Error> {
        self.get::<PoolsAnswer>(&["pools"], "listing pools")
            .map(|answer| answer.pools)
    }

    pub(crate) fn networks(&self) -> Result<NetworksAnswer, Error> {
        self.get(&["networks"], "listing networks")
    }

    pub(crate) fn host_info(&self, doing: &str) -> Result<HostAnswer, Error> {
        self.get(&["host"], doing)
    }

    /// Paths of images and ISO images.
    pub(crate) fn image_paths(&self) -> Result<Vec<String>, Error> {
        let images: ImagesAnswer = self.get(&["images"], "listing images")?;
        let isos: IsosAnswer = self.get(&["isos"], "listing ISO images")?;
        Ok(images.images.into_iter().chain(isos.isos).collect())
    }
}

fn get_request(path: &[&str]) -> Request {
    Request::new(ENDPOINT, "GET", path.iter().copied())
}

/// Reads an answer: HTTP status first, then kweb's own word for failure, then the shape.
fn read<T: DeserializeOwned>(outcome: Result<Response, Fault>, doing: &str) -> Result<T, Error> {
    let response = outcome.map_err(|fault| fault.to_error(doing))?;
    if !response.is_success() {
        return Err(error::from_status(&response, doing));
    }
    let answer: Value = response.json(doing)?;
    if answer.get("result").and_then(Value::as_str) == Some("failure") {
        return Err(error::from_reason(answer.get("reason"), doing));
    }
    serde_json::from_value(answer).map_err(|error| {
        Error::upstream(
            Some(response.status),
            None,
            format!("while {doing}: kweb's answer has another shape: {error}"),
        )
    })
}
