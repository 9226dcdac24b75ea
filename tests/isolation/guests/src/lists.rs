//! How `list-vms` misbehaves, by the connection's option `list`.

use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Error, PageRequest, VmPage};

use crate::command::vm;

/// The ways to misbehave; `plain` is one VM.
pub const LISTS: &[&str] = &["endless", "repeats", "huge"];

/// One page.
pub(crate) fn page<H: Host>(host: &H, request: &PageRequest) -> Result<VmPage, Error> {
    let options = host.connection_options();
    let number: u32 = request
        .cursor
        .as_deref()
        .and_then(|cursor| cursor.parse().ok())
        .unwrap_or(0);
    let one = |next: Option<String>| {
        Ok(VmPage {
            items: vec![vm("plain", None)],
            next,
        })
    };
    match Options::of(&options).text("list")? {
        Some("endless") => one(Some((number + 1).to_string())),
        Some("repeats") => one(Some((number % 2 + 1).to_string())),
        Some("huge") => Ok(VmPage {
            items: vec![vm(&"x".repeat(1_000), None); 5_000],
            next: None,
        }),
        _ => one(None),
    }
}
