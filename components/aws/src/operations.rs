//! Changes that go on after a call: AWS answers at once and then takes its time.
//!
//! A token says what is waited for: the kind of the thing, the state that it shall reach, its id, and when it began. It
//! holds nothing secret and can be polled by any instance of the provider.

use stockade_provider::abilities::Operations;
use stockade_provider::host::Host;
use stockade_provider::time;
use stockade_provider::types::{Change, Error, ErrorKind, OperationState, Subject};

use crate::Aws;
use crate::client::Client;
use crate::disk_import;
use crate::dns;
use crate::error::{self, Context};
use crate::image::MachineImage;
use crate::instance::Instance;
use crate::instances;
use crate::listed;
use crate::load_balancers;
use crate::networks;
use crate::snapshot::DiskSnapshot;
use crate::volume::Volume;

/// How long something new may be invisible: EC2 is eventually consistent, and its own advice is to wait for up to some
/// minutes (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>).
const INVISIBLE_SECONDS: i64 = 120;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) kind: Kind,
    /// EC2's word for the state.
    pub(crate) state: String,
    pub(crate) id: String,
    /// When it began, in seconds since 1970.
    since: i64,
}

/// The kinds of things that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Vm,
    Disk,
    /// A disk whose size is waited for in place of its state.
    DiskSize,
    Image,
    /// Snapshots; the id is theirs joined by `+`.
    Snapshots,
    /// A disk that becomes an image; the id is all that is known of it.
    DiskImport,
    DnsChange,
    NatGateway,
    LoadBalancer,
}

const KINDS: [(Kind, &str); 9] = [
    (Kind::Vm, "vm"),
    (Kind::Disk, "disk"),
    (Kind::DiskSize, "disk-size"),
    (Kind::Image, "image"),
    (Kind::Snapshots, "snapshot"),
    (Kind::DiskImport, "disk-import"),
    (Kind::DnsChange, "dns-change"),
    (Kind::NatGateway, "nat-gateway"),
    (Kind::LoadBalancer, "load-balancer"),
];

impl Kind {
    fn word(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, word)| word)
    }
}

/// A change that is complete.
pub(crate) fn done(id: impl Into<String>) -> Change {
    Change {
        id: id.into(),
        pending: None,
    }
}

/// A change that is complete when the thing is in this state.
pub(crate) fn pending<H: Host>(host: &H, kind: Kind, id: &str, state: &str) -> Change {
    let awaited = Awaited {
        kind,
        state: state.to_owned(),
        id: id.to_owned(),
        since: now(host),
    };
    Change {
        id: id.to_owned(),
        pending: Some(awaited.write()),
    }
}

/// The time in seconds since 1970.
pub(crate) fn now<H: Host>(host: &H) -> i64 {
    time::parse_rfc3339(&host.now()).unwrap_or(0)
}

impl Awaited {
    fn write(&self) -> String {
        format!("{}/{}/{}/{}", self.kind.word(), self.state, self.id, self.since)
    }

    fn read(token: &str) -> Option<Self> {
        let (kind, rest) = token.split_once('/')?;
        let (state, rest) = rest.split_once('/')?;
        // An id may have slashes: resource names do.
        let (id, since) = rest.rsplit_once('/')?;
        Some(Self {
            kind: KINDS.iter().find(|(_, word)| *word == kind)?.0,
            state: state.to_owned(),
            id: id.to_owned(),
            since: since.parse().ok()?,
        })
    }
}

/// How far a thing is that is in this state now; none when it cannot be seen.
pub(crate) fn judge(awaited: &Awaited, seen: Option<&str>, now: i64) -> Result<OperationState, Error> {
    let state = |done: bool, message: String| OperationState {
        done,
        percent: None,
        message: Some(message),
        id: None,
    };
    match seen {
        Some(seen) => Ok(state(
            seen == awaited.state,
            format!("{} `{}` is `{seen}`", awaited.kind.word(), awaited.id),
        )),
        None if awaited.state == "terminated" || awaited.state == "deleted" => Ok(state(true, "it is gone".to_owned())),
        None if now - awaited.since < INVISIBLE_SECONDS => Ok(state(false, "it cannot be seen yet".to_owned())),
        None => Err(Error::not_found(awaited.kind.word(), &awaited.id)),
    }
}

/// Why an instance ended: a creation or start that fails ends so, and the reason is the only trace of why
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html>).
pub(crate) fn ended<H: Host>(client: &Client<'_, H>, instance: &Instance, doing: &str) -> Error {
    let (code, words) = instance.state_reason.clone().unwrap_or_default();
    let context = Context {
        function: client.function(),
        doing,
        subject: Some(Subject::new("vm", instance.name())),
    };
    let code = code
        .strip_prefix("Server.")
        .or(code.strip_prefix("Client."))
        .unwrap_or(&code);
    match code {
        "" | "UserInitiatedShutdown" | "InstanceInitiatedShutdown" => {
            Error::conflict(format!("while {doing}: it was deleted meanwhile"))
        }
        code => error::from_code(code, &words, None, &context),
    }
}

fn poll_vm<H: Host>(client: &Client<'_, H>, awaited: &Awaited) -> Result<OperationState, Error> {
    let found = instances::by_id(client, &awaited.id)?;
    if let Some(instance) = &found
        && awaited.state != "terminated"
        && (instance.is_gone() || instance.state == "shutting-down")
    {
        let doing = format!("waiting until vm `{}` is `{}`", instance.name(), awaited.state);
        return Err(ended(client, instance, &doing));
    }
    judge(
        awaited,
        found.as_ref().map(|instance| instance.state.as_str()),
        now(client.host()),
    )
}

/// A volume's state, or its size when that is waited for.
fn poll_disk<H: Host>(client: &Client<'_, H>, awaited: &Awaited) -> Result<OperationState, Error> {
    let found: Option<Volume> = listed::by_id(client, &awaited.id)?;
    let seen = found.map(|volume| match awaited.kind {
        Kind::DiskSize => volume.size_gib.to_string(),
        _ => volume.state,
    });
    if seen.as_deref() == Some("error") {
        let message = format!("disk `{}` could not be created: EBS calls it `error`", awaited.id);
        return Err(Error::upstream(None, None, message));
    }
    judge(awaited, seen.as_deref(), now(client.host()))
}

fn poll_image<H: Host>(client: &Client<'_, H>, awaited: &Awaited) -> Result<OperationState, Error> {
    let found: Option<MachineImage> = listed::by_id(client, &awaited.id)?;
    if let Some(image) = &found
        && ["failed", "error", "invalid"].contains(&image.state.as_str())
    {
        let (code, words) = image.state_reason.clone().unwrap_or_default();
        let message = format!("image `{}` could not be made: {code}: {words}", awaited.id);
        return Err(Error::upstream(None, None, message));
    }
    judge(
        awaited,
        found.as_ref().map(|image| image.state.as_str()),
        now(client.host()),
    )
}

/// Snapshots of several volumes, which are waited for together.
fn poll_snapshots<H: Host>(client: &Client<'_, H>, awaited: &Awaited) -> Result<OperationState, Error> {
    let ids: Vec<&str> = awaited.id.split('+').collect();
    let query = listed::query::<DiskSnapshot>().with_filter("snapshot-id", &ids);
    let found: Vec<DiskSnapshot> = listed::all(client, &query, "waiting for a snapshot")?;
    if let Some(failed) = found.iter().find(|snapshot| snapshot.state == "error") {
        let message = format!("snapshot `{}` could not be taken: EBS calls it `error`", failed.id);
        return Err(Error::upstream(None, None, message));
    }
    let unfinished = found.iter().find(|snapshot| snapshot.state != awaited.state);
    let seen = match unfinished {
        Some(snapshot) => Some(snapshot.state.as_str()),
        None => (found.len() == ids.len()).then_some(awaited.state.as_str()),
    };
    judge(awaited, seen, now(client.host()))
}

impl<H: Host> Operations<H> for Aws {
    fn poll_operation(host: &H, token: String) -> Result<OperationState, Error> {
        let awaited = Awaited::read(&token).ok_or_else(|| Error::not_found("operation", &token))?;
        let client = Client::new(host, "poll-operation");
        match awaited.kind {
            Kind::Vm => poll_vm(&client, &awaited),
            Kind::Disk | Kind::DiskSize => poll_disk(&client, &awaited),
            Kind::Image => poll_image(&client, &awaited),
            Kind::Snapshots => poll_snapshots(&client, &awaited),
            Kind::DiskImport => disk_import::poll(&client, &awaited),
            Kind::LoadBalancer => {
                let state = load_balancers::state(&client, &awaited.id)?;
                judge(&awaited, state.as_deref(), now(host))
            }
            Kind::NatGateway => {
                let state = networks::nat_state(&client, &awaited.id)?;
                judge(&awaited, state.as_deref(), now(host))
            }
            Kind::DnsChange => {
                let status = dns::status_of(&client, &awaited.id)?;
                judge(&awaited, Some(status), now(host))
            }
        }
    }

    fn cancel_operation(host: &H, token: String) -> Result<(), Error> {
        match Awaited::read(&token) {
            None => Err(Error::not_found("operation", &token)),
            Some(awaited) if awaited.kind == Kind::DiskImport => {
                disk_import::cancel(&Client::new(host, "cancel-operation"), &awaited)
            }
            Some(awaited) => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "AWS does not give up what it has begun: wait until {} `{}` is `{}`",
                    awaited.kind.word(),
                    awaited.id,
                    awaited.state
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_and_nothing_else_is_one() {
        let awaited = Awaited {
            kind: Kind::Vm,
            state: "running".to_owned(),
            id: "arn:aws:x:1:y/a/b".to_owned(),
            since: 7,
        };
        assert_eq!(Awaited::read(&awaited.write()), Some(awaited));
        for token in ["", "absent", "vm/running/i-1", "vm/running/i-1/x", "moon/full/m-1/7"] {
            assert_eq!(Awaited::read(token), None, "{token}");
        }
    }

    #[test]
    fn what_is_new_may_be_invisible_for_a_while_and_what_is_deleted_for_ever() {
        let awaited = |state: &str| Awaited {
            kind: Kind::Vm,
            state: state.to_owned(),
            id: "i-1".to_owned(),
            since: 1000,
        };
        let is_done = |state, seen, now| judge(&awaited(state), seen, now).map(|state| state.done);
        assert_eq!(is_done("running", Some("pending"), 1001), Ok(false));
        assert_eq!(is_done("running", Some("running"), 1001), Ok(true));
        assert_eq!(is_done("running", None, 1001), Ok(false));
        assert_eq!(is_done("terminated", None, 1001), Ok(true));
        let error = judge(&awaited("running"), None, 2000).expect_err("gone");
        assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("vm", "i-1")));
    }
}
