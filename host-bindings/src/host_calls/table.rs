//! The table of host calls: each one's name, arguments and answer, written down once.
//!
//! From it come the two message types, the function that performs a message on the host's side, and the functions by
//! which the guest's side asks. A new import of the contract is a line here and a function of [`CallHost`].

use serde::{Deserialize, Serialize};

use super::{CallHost, Host};
use crate::bindings::stockade::provider::blobs::BlobFault;
use crate::bindings::stockade::provider::http_types::{Fault, Request, Response};
use crate::bindings::stockade::provider::log::Level;
use crate::bindings::stockade::provider::state::{Entry, StateFault};
use crate::blobs::BlobId;
use crate::contract::OptionEntry;

macro_rules! host_calls {
    ($($(#[$doc:meta])* $name:ident: $function:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// Something that a guest asks of the host.
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) enum HostCall {
            $($(#[$doc])* $name { $($argument: $type),* },)*
        }

        /// The host's answer to the [`HostCall`] of the same name.
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) enum HostAnswer {
            $($(#[$doc])* $name($answer),)*
        }

        impl CallHost {
            /// Decides about what a guest asks for, and does it.
            pub(crate) async fn act(&self, call: HostCall) -> HostAnswer {
                match call {
                    $(HostCall::$name { $($argument),* } => HostAnswer::$name(self.$function($($argument),*).await),)*
                }
            }
        }

        impl Host {
            $($(#[$doc])*
            pub(crate) async fn $function(&self, $($argument: $type),*) -> wasmtime::Result<$answer> {
                match self.ask(HostCall::$name { $($argument),* }).await? {
                    HostAnswer::$name(answer) => Ok(answer),
                    _ => Err(wasmtime::format_err!("the host answered something else")),
                }
            })*
        }
    };
}

host_calls! {
    /// Sends a request.
    Send: send(request: Request) -> Result<Response, Fault>;
    /// Sends several requests, at most `parallel` at a time.
    SendMany: send_many(requests: Vec<Request>, parallel: u8) -> Vec<Result<Response, Fault>>;
    /// Signs a request that somebody else sends.
    Presign: presign(request: Request, valid_seconds: u32) -> Result<String, Fault>;
    /// Sends a request whose body is a blob.
    SendBlob: send_blob(request: Request, body: BlobId) -> Result<Response, Fault>;
    /// Sends a request whose body is a part of a blob; offset and length are in bytes.
    SendBlobPart: send_blob_part(request: Request, body: BlobId, offset: u64, length: u64) -> Result<Response, Fault>;
    /// Sends a request and splices the response's body into a blob.
    SendIntoBlob: send_into_blob(request: Request, into: BlobId) -> Result<Response, Fault>;

    /// Makes an empty blob; none when the call has as many as it may.
    NewBlob: new_blob() -> Result<Option<BlobId>, BlobFault>;
    /// A blob's size in bytes; none when it is unknown.
    BlobSize: blob_size(blob: BlobId) -> Option<u64>;
    /// Reads a piece of a blob.
    ReadBlob: read_blob(blob: BlobId, offset: u64, length: u32) -> Result<Vec<u8>, BlobFault>;
    /// Appends to a blob.
    AppendBlob: append_blob(blob: BlobId, bytes: Vec<u8>) -> Result<(), BlobFault>;
    /// Gives a blob up.
    DropBlob: drop_blob(blob: BlobId) -> ();

    /// Reads an entry of the state.
    GetState: get_state(key: String) -> Result<Option<Entry>, StateFault>;
    /// Writes an entry of the state.
    ReplaceState: replace_state(key: String, expected: Option<String>, value: Vec<u8>) -> Result<(), StateFault>;
    /// Removes an entry of the state.
    RemoveState: remove_state(key: String, expected: String) -> Result<(), StateFault>;
    /// Lists keys of the state.
    ListState: list_state(prefix: String) -> Result<Vec<String>, StateFault>;

    /// Writes a line of the provider's log.
    Log: log(level: Level, message: String) -> ();
    /// Says how far the call is.
    Progress: progress(percent: Option<u8>, message: String) -> ();

    /// The connection's name.
    ConnectionName: connection_name() -> String;
    /// The connection's options.
    ConnectionOptions: connection_options() -> Vec<OptionEntry>;

    /// The time in nanoseconds since 1970, UTC. Answered without waiting.
    WallClock: wall_clock() -> u64;
    /// A time in nanoseconds that never goes back. Answered without waiting.
    MonotonicClock: monotonic_clock() -> u64;
    /// Random bytes, at most [`super::MAX_READ_BYTES`]. Answered without waiting.
    Random: random(length: u32) -> Vec<u8>;
    /// Waits.
    Sleep: sleep(milliseconds: u32) -> ();
}
