//! Values that no type of the contract has and handles that nobody gave, as a broken or hostile toolchain would hand them
//! over.

#![expect(
    unsafe_code,
    reason = "safe Rust cannot make values that its types exclude; the host must not mind"
)]

use std::hint::black_box;

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::bindings::shared::stockade::provider as imports;
use stockade_provider::host::Host;
use stockade_provider::types::{ByteSize, Error, Vm, VmStatus};

use crate::command::{arguments, told, vm};

/// A status beyond the last one.
pub(super) fn invalid_status<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    // SAFETY: not sound, and on purpose: the value is only handed over, by code that copies the byte. Should a compiler
    // do something else with it, the test sees another answer than the refusal that it expects.
    let status = unsafe { std::mem::transmute::<u8, VmStatus>(black_box(200)) };
    Ok(Vm {
        status,
        ..vm("garbage", None)
    })
}

/// A text that is not UTF-8.
pub(super) fn invalid_text<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    // SAFETY: as above; nothing reads the text as text before it is handed over.
    let text = unsafe { String::from_utf8_unchecked(black_box(vec![0xff, 0xfe, b'x'])) };
    Ok(vm("garbage", Some(text)))
}

#[derive(Deserialize)]
struct Guess {
    /// Which handle to guess; one of its own when there is none.
    number: Option<u32>,
}

/// Reads a blob by a guessed handle; answers whether it could.
pub(super) fn forge_handle<H: Host>(_host: &H, command: &Value) -> Result<Vm, Error> {
    let guess: Guess = arguments(command)?;
    let own = imports::blobs::Blob::new();
    let blob = match guess.number {
        // SAFETY: not sound, and on purpose: the number is only handed to the host, which must refuse it.
        Some(number) => unsafe { imports::blobs::Blob::from_handle(number) },
        None => own,
    };
    let read = blob.read(ByteSize { mib: 0, rest: 0 }, 16);
    Ok(told(&json!(read.is_ok())))
}
