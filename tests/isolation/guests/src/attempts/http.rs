//! Requests, as hostile as the test writes them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::host::Host;
use stockade_provider::types::{Error, Request, Vm};

use crate::command::{WantedRequest, arguments, outcome, told};

#[derive(Deserialize)]
struct Sending {
    #[serde(default)]
    request: WantedRequest,
    #[serde(default)]
    times: u32,
    #[serde(default)]
    parallel: u8,
    #[serde(default)]
    mib: usize,
    #[serde(default)]
    seconds: u32,
}

/// Sends one request, and answers with all that it learnt.
pub(super) fn send<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let sending: Sending = arguments(command)?;
    Ok(told(&outcome(&host.send(sending.request.into_request()))))
}

/// Sends one request as an honest provider does: a fault becomes the operation's error.
pub(super) fn operate<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let sending: Sending = arguments(command)?;
    let answer = host.send(sending.request.into_request());
    answer
        .map(|response| told(&json!(response.status)))
        .map_err(|fault| fault.to_error("working"))
}

/// Sends one request many times, one after the other or at once, and counts how they ended.
pub(super) fn send_many<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let sending: Sending = arguments(command)?;
    let request: Request = sending.request.into_request();
    let answers = if sending.parallel == 0 {
        (0..sending.times).map(|_| host.send(request.clone())).collect()
    } else {
        host.send_many(vec![request; sending.times as usize], sending.parallel)
    };
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    for answer in &answers {
        let ending = match answer {
            Ok(response) => response.status.to_string(),
            Err(fault) => format!("{fault:?}"),
        };
        *counted.entry(ending).or_default() += 1;
    }
    Ok(told(&json!(counted)))
}

/// Sends a body of this many MiB.
pub(super) fn send_huge<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let sending: Sending = arguments(command)?;
    let request = Request {
        body: vec![b'x'; sending.mib << 20],
        ..sending.request.into_request()
    };
    Ok(told(&outcome(&host.send(request))))
}

/// Asks for a URL by which others can send a request.
pub(super) fn presign<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let sending: Sending = arguments(command)?;
    let answer = host.presign(sending.request.into_request(), sending.seconds);
    Ok(told(&match answer {
        Ok(url) => json!({ "url": url }),
        Err(fault) => json!({ "fault": fault }),
    }))
}
