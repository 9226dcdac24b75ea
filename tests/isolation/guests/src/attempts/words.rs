//! Words for a person: harmless ones, floods, and words that would drive a terminal.

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::host::Host;
use stockade_provider::types::{Error, ErrorKind, Level, Vm};

use crate::command::{arguments, told};

#[derive(Deserialize)]
struct Words {
    times: u32,
    message: String,
}

/// Does nothing but answer.
pub(super) fn greet<H: Host>(host: &H, _command: &Value) -> Result<Vm, Error> {
    Ok(told(&json!({ "hello": host.connection_name() })))
}

pub(super) fn log<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let words: Words = arguments(command)?;
    for _ in 0..words.times {
        host.log(Level::Info, &words.message);
    }
    Ok(told(&json!("logged")))
}

pub(super) fn progress<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let words: Words = arguments(command)?;
    for _ in 0..words.times {
        host.progress(Some(255), &words.message);
    }
    Ok(told(&json!("reported")))
}

/// Fails with words of its own.
pub(super) fn complain<H: Host>(_host: &H, command: &Value) -> Result<Vm, Error> {
    let words: Words = arguments(command)?;
    Err(Error::new(
        ErrorKind::Conflict,
        words.message.repeat(words.times as usize),
    ))
}
