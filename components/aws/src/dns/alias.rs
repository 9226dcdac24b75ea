//! Names that stand for another AWS resource, for those who make both.

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::names::{is_same, shown};
use super::record::Entry;
use super::service::Names;
use super::wire::Set;

/// Makes a name an alias of another AWS resource, in the zone that it belongs to.
///
/// # Errors
/// `already-exists` when the name has addresses.
pub(crate) fn set_alias<H: Host>(
    host: &H,
    function: &'static str,
    name: &str,
    (target_zone, target): (&str, &str),
) -> Result<(), Error> {
    let names = Names::new(host, function);
    let zone = names.zone_of(name)?;
    names
        .set(&zone, &Entry::alias(name, target_zone, target), false)
        .map(drop)
}

/// Refuses a name for which no alias can be made, before anything else is made.
pub(crate) fn expect_no_addresses<H: Host>(host: &H, function: &'static str, name: &str) -> Result<(), Error> {
    let names = Names::new(host, function);
    let zone = names.zone_of(name)?;
    match names.sets_of(&zone, &shown(name), "A")?.is_empty() {
        true => Ok(()),
        false => Err(Error::already_exists("dns-record", name)),
    }
}

/// Deletes a name that is an alias of this target and of nothing else; what somebody made of it meanwhile stays.
pub(crate) fn delete_alias<H: Host>(host: &H, function: &'static str, name: &str, target: &str) -> Result<(), Error> {
    let names = Names::new(host, function);
    let zone = names.zone_of(name)?;
    let existing = names.sets_of(&zone, &shown(name), "A")?;
    let is_ours = |set: &Set| match set.record.values.as_slice() {
        [value] => value
            .rsplit(' ')
            .next()
            .is_some_and(|have| is_alias_target(have, target)),
        _ => false,
    };
    match existing.as_slice() {
        [set] if is_ours(set) => names.delete(&zone, name, "A").map(drop),
        _ => Ok(()),
    }
}

/// Route 53 puts `dualstack.` before names of load balancers that it is shown in its console.
fn is_alias_target(have: &str, target: &str) -> bool {
    is_same(have.strip_prefix("dualstack.").unwrap_or(have), target)
}
