//! The attempts: one function each, by name.
//!
//! Adding one here without a test that asks for it makes the suite fail.

mod blobs;
mod garbage;
mod http;
mod memory;
mod resources;
mod state;
mod words;

pub(crate) use resources::spin;

use serde_json::Value;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Vm};

use crate::command::{parse, told};

/// Lists the attempts under their names, and runs one by its name.
macro_rules! attempts {
    ($($name:literal => $module:ident::$function:ident,)+) => {
        /// What `get-vm` can try.
        pub const ATTEMPTS: &[&str] = &[$($name),+];

        fn find<H: Host>(name: &str) -> Option<fn(&H, &Value) -> Result<Vm, Error>> {
            match name {
                $($name => Some($module::$function),)+
                _ => None,
            }
        }
    };
}

attempts! {
    "greet" => words::greet,
    "log" => words::log,
    "progress" => words::progress,
    "complain" => words::complain,
    "send" => http::send,
    "operate" => http::operate,
    "send-many" => http::send_many,
    "send-huge" => http::send_huge,
    "presign" => http::presign,
    "state" => state::step,
    "fill-state" => state::fill,
    "list-state" => state::list_forever,
    "forge-handle" => garbage::forge_handle,
    "spin" => resources::spin_forever,
    "sleep" => resources::sleep_forever,
    "allocate" => resources::allocate_forever,
    "recurse" => resources::recurse_forever,
    "panic" => resources::panic,
    "huge-answer" => resources::huge_answer,
    "blobs" => blobs::open_many,
    "fill-blob" => blobs::fill,
    "download" => blobs::download,
    "remember" => memory::remember,
    "search-memory" => memory::search,
    "dump" => memory::dump,
    "invalid-status" => garbage::invalid_status,
    "invalid-text" => garbage::invalid_text,
}

/// What `upload-image` can try.
pub const UPLOADS: &[&str] = &["read", "append", "download-into", "send-part"];

/// Does what a command says.
pub(crate) fn run<H: Host>(host: &H, command: &str) -> Result<Vm, Error> {
    let (name, command) = parse(command)?;
    let attempt = find::<H>(&name).ok_or_else(|| Error::not_found("attempt", &name))?;
    attempt(host, &command)
}

/// Does with a lent blob what a command says; what it saw comes back for an id.
pub(crate) fn run_upload<H: Host>(host: &H, command: &str, content: &H::Blob) -> Result<Change, Error> {
    let (name, command) = parse(command)?;
    let seen = match name.as_str() {
        "read" => blobs::read_lent(content),
        "append" => blobs::append_to_lent(content),
        "download-into" => blobs::download_into_lent(host, &command, content)?,
        "send-part" => blobs::send_part_of_lent(host, &command, content)?,
        _ => return Err(Error::not_found("attempt", &name)),
    };
    Ok(Change {
        id: told(&seen).description.unwrap_or_default(),
        pending: None,
    })
}
