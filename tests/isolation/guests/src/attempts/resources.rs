//! Too much of what the host shares out: time, memory, stack, data.

use std::hint::black_box;

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::host::Host;
use stockade_provider::types::{Error, Vm};

use crate::command::{arguments, told, vm};

/// Computes without end.
pub(crate) fn spin() -> ! {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

pub(super) fn spin_forever<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    spin()
}

pub(super) fn sleep_forever<H: Host>(host: &H, _command: &Value) -> Result<Vm, Error> {
    loop {
        host.sleep(u32::MAX);
    }
}

pub(super) fn allocate_forever<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    let mut all = Vec::new();
    loop {
        all.push(black_box(vec![1_u8; 64 << 10]));
    }
}

pub(super) fn recurse_forever<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    Ok(told(&json!(deeper(black_box(0)))))
}

fn deeper(depth: u64) -> u64 {
    let place = black_box([depth; 8]);
    if black_box(true) {
        deeper(depth + 1) + black_box(place)[0]
    } else {
        depth
    }
}

#[expect(clippy::panic, reason = "it is the attempt")]
pub(super) fn panic<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    panic!("as asked");
}

#[derive(Deserialize)]
struct Size {
    kib: usize,
}

/// Answers with this much text.
pub(super) fn huge_answer<H: Host>(_host: &H, command: &Value) -> Result<Vm, Error> {
    let size: Size = arguments(command)?;
    Ok(vm("huge", Some("x".repeat(size.kib << 10))))
}
