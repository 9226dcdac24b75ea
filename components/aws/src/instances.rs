//! Finding instances: by id, by name, all of them; and waiting for a state.

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::types::{Error, ErrorKind, PageRequest};

use crate::client::Client;
use crate::instance::{self, Instance};
use crate::operations;
use crate::paging::{self, Part};
use crate::query::{Query, pattern};

/// Every state but `terminated`, in which EC2 shows an instance for about an hour after its end.
const STATES: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// Whether a text has the shape of an id of this kind: `i-` and 8 or 17 hexadecimal digits
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>).
pub(crate) fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| [8, 17].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The one thing of a name, of those that carry it.
///
/// # Errors
/// `ambiguous` when there are several.
pub(crate) fn one_of<T>(
    noun: &str,
    name: &str,
    mut found: Vec<T>,
    id: impl Fn(&T) -> &str,
) -> Result<Option<T>, Error> {
    if found.len() > 1 {
        let candidates = found.iter().map(|thing| id(thing).to_owned()).collect();
        return Err(Error::ambiguous(noun, name, candidates));
    }
    Ok(found.pop())
}

/// A page of the instances that are there.
pub(crate) fn page<H: Host>(client: &Client<'_, H>, request: &PageRequest) -> Result<Part<Instance>, Error> {
    let query = Query::ec2("DescribeInstances").with_filter("instance-state-name", STATES);
    let key = |instance: &Instance| format!("{} {}", instance.name(), instance.id);
    paging::page(request, paging::USUAL, key, |size, token| {
        part(client, &query, size, token, "listing vms")
    })
}

fn part<H: Host>(
    client: &Client<'_, H>,
    query: &Query,
    size: u32,
    token: Option<&str>,
    doing: &str,
) -> Result<Part<Instance>, Error> {
    let query = query.clone().with("MaxResults", size).with_some("NextToken", token);
    client.read(&query, doing, |root| {
        Ok((instance::all(root), root.string("nextToken")))
    })
}

fn described<H: Host>(client: &Client<'_, H>, query: &Query, doing: &str) -> Result<Vec<Instance>, Error> {
    paginate::collect(doing, |token| part(client, query, paging::USUAL.largest, token, doing))
}

/// The instance of this id, whatever its state; none when there is none.
pub(crate) fn by_id<H: Host>(client: &Client<'_, H>, id: &str) -> Result<Option<Instance>, Error> {
    let query = Query::ec2("DescribeInstances").with_filter("instance-id", [id]);
    let found = described(client, &query, &format!("reading vm `{id}`"))?;
    Ok(found.into_iter().find(|instance| instance.id == id))
}

/// The instances of these ids, at most 200, whatever their state.
pub(crate) fn by_ids<H: Host>(client: &Client<'_, H>, ids: &[&str]) -> Result<Vec<Instance>, Error> {
    let query = Query::ec2("DescribeInstances").with_filter("instance-id", ids);
    described(client, &query, "reading the names of vms")
}

/// The instances that were created with this client token and are still there.
pub(crate) fn by_client_token<H: Host>(client: &Client<'_, H>, token: &str) -> Result<Vec<Instance>, Error> {
    let query = Query::ec2("DescribeInstances").with_filter("client-token", [token]);
    let mut found = described(client, &query, "looking for what a creation made")?;
    // Clouds with the same API do not all know the filter.
    found.retain(|instance| instance.client_token.as_deref() == Some(token) && !instance.is_gone());
    Ok(found)
}

/// One VM by id or name; none when there is none.
///
/// # Errors
/// `ambiguous` when several carry the name.
pub(crate) fn find<H: Host>(client: &Client<'_, H>, vm: &str) -> Result<Option<Instance>, Error> {
    if is_id(vm, "i")
        && let Some(found) = by_id(client, vm)?.filter(|instance| !instance.is_gone())
    {
        return Ok(Some(found));
    }
    // No tag holds a longer text or one with a control character
    // (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>).
    if vm.is_empty() || vm.chars().count() > 256 || vm.chars().any(char::is_control) {
        return Ok(None);
    }
    let query = Query::ec2("DescribeInstances")
        .with_filter("tag:Name", [pattern(vm)])
        .with_filter("instance-state-name", STATES);
    let mut found = described(client, &query, &format!("reading vm `{vm}`"))?;
    // A filter's `*` and `?` match more than themselves.
    found.retain(|instance| instance.name.as_deref() == Some(vm) && !instance.is_gone());
    one_of("vm", vm, found, |instance| &instance.id)
}

/// One VM by id or name.
///
/// # Errors
/// `not-found` and `ambiguous`.
pub(crate) fn get<H: Host>(client: &Client<'_, H>, vm: &str) -> Result<Instance, Error> {
    find(client, vm)?.ok_or_else(|| Error::not_found("vm", vm))
}

/// Asks again and again within the call until there is an answer; only where the next step needs it. `what` completes
/// "waiting for …".
///
/// # Errors
/// `timed-out` when it takes longer than `max_seconds`; what `ask` answered.
pub(crate) fn until<H: Host, T>(
    client: &Client<'_, H>,
    what: &str,
    max_seconds: u32,
    mut ask: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let mut waited_ms = 0;
    let mut wait_ms = 500;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if waited_ms >= max_seconds.saturating_mul(1000) {
            let message = format!("waited {max_seconds} seconds for {what}; read it before going on");
            return Err(Error::new(ErrorKind::TimedOut, message));
        }
        client.host().sleep(wait_ms);
        waited_ms += wait_ms;
        wait_ms = (wait_ms * 2).min(4000);
    }
}

/// Waits within the call until an instance is in a state.
///
/// # Errors
/// As [`until`]; `conflict` when the instance is gone.
pub(crate) fn wait_for<H: Host>(client: &Client<'_, H>, id: &str, state: &str, max_seconds: u32) -> Result<(), Error> {
    let what = format!("vm `{id}` to be `{state}`");
    until(client, &what, max_seconds, || match by_id(client, id)? {
        Some(instance) if instance.state == state => Ok(Some(())),
        Some(instance) if instance.is_gone() => {
            Err(operations::ended(client, &instance, &format!("waiting for {what}")))
        }
        // What was just created may not be seen yet.
        _ => Ok(None),
    })
}

/// Does something to an instance that was created a moment ago, again while EC2 does not see it yet
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>).
///
/// # Errors
/// What the last attempt answered.
pub(crate) fn soon<H: Host, T>(
    client: &Client<'_, H>,
    mut attempt: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    for wait_ms in [250, 500, 1000, 2000, 4000] {
        match attempt() {
            Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => client.host().sleep(wait_ms),
            answer => return answer,
        }
    }
    attempt()
}
