//! The connection's state: somebody else's, too much of it, keys that mean something to a file system.

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::host::Host;
use stockade_provider::types::{Error, Vm};

use crate::command::{arguments, told};

#[derive(Deserialize)]
struct Step {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

/// Writes a value if one is given, reads it back and lists all keys; answers what it saw.
pub(super) fn step<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let step: Step = arguments(command)?;
    let before = host.state_get(&step.key);
    let version = before
        .as_ref()
        .ok()
        .and_then(|entry| entry.as_ref().map(|entry| entry.version.clone()));
    let written = step
        .value
        .map(|value| host.state_replace(&step.key, version.as_deref(), value.as_bytes()));
    let text = |entry: Option<stockade_provider::types::Entry>| {
        entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned())
    };
    Ok(told(&json!({
        "before": before.map(text),
        "written": written,
        "keys": host.state_list_keys(""),
    })))
}

/// Lists all keys, again and again.
pub(super) fn list_forever<H: Host>(host: &H, _command: &Value) -> Result<Vm, Error> {
    loop {
        let _ = host.state_list_keys("");
    }
}

#[derive(Deserialize)]
struct Filling {
    bytes: usize,
}

/// Writes entry after entry until the host refuses; answers how many went in and why it ended.
pub(super) fn fill<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let filling: Filling = arguments(command)?;
    let value = vec![b'x'; filling.bytes];
    for number in 0..100_000 {
        if let Err(fault) = host.state_replace(&format!("fill/{number}"), None, &value) {
            return Ok(told(&json!({ "written": number, "fault": fault })));
        }
    }
    Ok(told(&json!("the state has no end")))
}
