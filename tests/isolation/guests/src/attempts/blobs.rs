//! Blobs: many, large, and those that were only lent to be read.

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::bindings::shared::stockade::provider as imports;
use stockade_provider::host::{Blob, Host};
use stockade_provider::types::{ByteSize, Error, Vm};

use crate::command::{WantedRequest, arguments, outcome, told};

#[derive(Deserialize)]
struct Amount {
    #[serde(default)]
    times: u32,
    #[serde(default)]
    request: WantedRequest,
}

/// Opens this many blobs and holds them.
pub(super) fn open_many<H: Host>(_host: &H, command: &Value) -> Result<Vm, Error> {
    let amount: Amount = arguments(command)?;
    let held: Vec<_> = (0..amount.times).map(|_| imports::blobs::Blob::new()).collect();
    Ok(told(&json!(held.len())))
}

/// Appends this many MiB to two blobs in turn, or as many as the host takes; answers how many it took.
pub(super) fn fill<H: Host>(_host: &H, command: &Value) -> Result<Vm, Error> {
    let amount: Amount = arguments(command)?;
    let (piece, blobs) = (
        vec![0; 1 << 20],
        [imports::blobs::Blob::new(), imports::blobs::Blob::new()],
    );
    for number in 0..amount.times {
        if let Err(fault) = blobs[number as usize % 2].append(&piece) {
            return Ok(told(&json!({ "taken": number, "fault": format!("{fault:?}") })));
        }
    }
    Ok(told(&json!({ "taken": amount.times })))
}

/// Sends a request whose response goes into a new blob; answers its size and how it went.
pub(super) fn download<H: Host>(_host: &H, command: &Value) -> Result<Vm, Error> {
    let amount: Amount = arguments(command)?;
    let blob = imports::blobs::Blob::new();
    let answer = imports::http::send_into_blob(&amount.request.into_request(), &blob);
    let size = blob.size().map(|size| (size.mib, size.rest));
    Ok(told(&json!({ "outcome": outcome(&answer), "size": size })))
}

const START: ByteSize = ByteSize { mib: 0, rest: 0 };

pub(super) fn read_lent(content: &impl Blob) -> Value {
    let read = content.read(START, 1 << 10);
    json!(read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok())
}

pub(super) fn append_to_lent(content: &impl Blob) -> Value {
    json!(format!("{:?}", content.append(b"forged")))
}

#[derive(Deserialize)]
struct Part {
    offset: (u32, u32),
    length: (u32, u32),
    request: WantedRequest,
}

/// Sends a part of the blob that was lent; sizes are mebibytes and the bytes beyond them, as the guest gives them.
pub(super) fn send_part_of_lent<H: Host>(host: &H, command: &Value, content: &H::Blob) -> Result<Value, Error> {
    let part: Part = arguments(command)?;
    let size = |(mib, rest)| ByteSize { mib, rest };
    let request = part.request.into_request();
    let answer = host.send_blob_part(request, content, size(part.offset), size(part.length));
    Ok(outcome(&answer))
}

/// Lets the host write a response into the blob that was lent to be read.
pub(super) fn download_into_lent<H: Host>(host: &H, command: &Value, content: &H::Blob) -> Result<Value, Error> {
    let amount: Amount = arguments(command)?;
    Ok(outcome(&host.send_into_blob(amount.request.into_request(), content)))
}
