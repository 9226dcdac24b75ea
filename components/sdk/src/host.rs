//! What a provider can do to the outside, as one trait.
//!
//! A generated import aborts the process when it is called natively. Behind this trait, the same provider code runs in a
//! component, where the crate's own `WasmHost` passes each call to an import, and in a native test, where
//! [`crate::fake_host::FakeHost`] answers. A component imports only those interfaces whose functions it really calls.

use crate::bindings::shared::stockade::provider as imports;
use crate::types::{BlobFault, ByteSize, Entry, Fault, Level, OptionEntry, Request, Response, StateFault};

/// A byte sequence that the host holds.
pub trait Blob {
    /// Its size; none when it is a stream of unknown length.
    fn size(&self) -> Option<ByteSize>;

    /// Reads at most `length` bytes from an offset; fewer at the end, none after it. At most 1 MiB in one call.
    ///
    /// # Errors
    /// Why the host could not read.
    fn read(&self, offset: ByteSize, length: u32) -> Result<Vec<u8>, BlobFault>;

    /// Appends bytes.
    ///
    /// # Errors
    /// Why the host could not write.
    fn append(&self, bytes: &[u8]) -> Result<(), BlobFault>;
}

/// The functions that the host may grant. `wit/` documents each beside its declaration.
pub trait Host {
    /// What the host's blobs are.
    type Blob: Blob;

    /// Sends one request and waits for the whole response; redirects are responses.
    ///
    /// # Errors
    /// Why there is no response.
    fn send(&self, request: Request) -> Result<Response, Fault>;

    /// Sends several requests, at most `parallel` at a time, and answers in their order.
    fn send_many(&self, requests: Vec<Request>, parallel: u8) -> Vec<Result<Response, Fault>>;

    /// Sends a request whose body is a blob.
    ///
    /// # Errors
    /// Why there is no response.
    fn send_blob(&self, request: Request, body: &Self::Blob) -> Result<Response, Fault>;

    /// Sends a request whose body is `length` bytes of a blob from `offset`.
    ///
    /// # Errors
    /// Why there is no response; `protocol` when the blob ends before the part does.
    fn send_blob_part(
        &self,
        request: Request,
        body: &Self::Blob,
        offset: ByteSize,
        length: ByteSize,
    ) -> Result<Response, Fault>;

    /// Sends a request and puts the body of a 2xx response into a blob.
    ///
    /// # Errors
    /// Why there is no response.
    fn send_into_blob(&self, request: Request, into: &Self::Blob) -> Result<Response, Fault>;

    /// Reads an entry of the connection's state; none when there is none.
    ///
    /// # Errors
    /// Why the store refused.
    fn state_get(&self, key: &str) -> Result<Option<Entry>, StateFault>;

    /// A URL by which whoever holds it can send this request until it expires; see `presign` in `wit/http.wit`.
    ///
    /// # Errors
    /// Why the host signs none.
    fn presign(&self, request: Request, valid_seconds: u32) -> Result<String, Fault>;

    /// Writes an entry if it is still at the expected version; none expects that there is none.
    ///
    /// # Errors
    /// Why the store refused; `conflict` when somebody else wrote.
    fn state_replace(&self, key: &str, expected: Option<&str>, value: &[u8]) -> Result<(), StateFault>;

    /// Removes an entry if it is still at the expected version.
    ///
    /// # Errors
    /// Why the store refused; `conflict` when somebody else wrote.
    fn state_remove(&self, key: &str, expected: &str) -> Result<(), StateFault>;

    /// Lists the keys that start with a prefix, sorted.
    ///
    /// # Errors
    /// Why the store refused.
    fn state_list_keys(&self, prefix: &str) -> Result<Vec<String>, StateFault>;

    /// Writes one line for the operator.
    fn log(&self, level: Level, message: &str);

    /// Reports progress, 0 to 100 percent, none when unknown.
    fn progress(&self, percent: Option<u8>, message: &str);

    /// The time now, RFC 3339 in UTC with milliseconds.
    fn now(&self) -> String;

    /// Waits; the wait counts towards the call's time limit.
    fn sleep(&self, milliseconds: u32);

    /// The connection's name, for messages.
    fn connection_name(&self) -> String;

    /// The connection's options, validated, with defaults filled in.
    fn connection_options(&self) -> Vec<OptionEntry>;
}

impl Blob for imports::blobs::Blob {
    fn size(&self) -> Option<ByteSize> {
        self.size()
    }

    fn read(&self, offset: ByteSize, length: u32) -> Result<Vec<u8>, BlobFault> {
        self.read(offset, length)
    }

    fn append(&self, bytes: &[u8]) -> Result<(), BlobFault> {
        self.append(bytes)
    }
}

/// The host as a component sees it. Only this crate can make one, because natively every call of it aborts the process.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
#[non_exhaustive]
pub struct WasmHost;

impl Host for WasmHost {
    type Blob = imports::blobs::Blob;

    fn send(&self, request: Request) -> Result<Response, Fault> {
        imports::http::send(&request)
    }

    fn send_many(&self, requests: Vec<Request>, parallel: u8) -> Vec<Result<Response, Fault>> {
        imports::http::send_many(&requests, parallel)
    }

    fn send_blob(&self, request: Request, body: &Self::Blob) -> Result<Response, Fault> {
        imports::http::send_blob(&request, body)
    }

    fn send_blob_part(
        &self,
        request: Request,
        body: &Self::Blob,
        offset: ByteSize,
        length: ByteSize,
    ) -> Result<Response, Fault> {
        imports::http::send_blob_part(&request, body, offset, length)
    }

    fn send_into_blob(&self, request: Request, into: &Self::Blob) -> Result<Response, Fault> {
        imports::http::send_into_blob(&request, into)
    }

    fn presign(&self, request: Request, valid_seconds: u32) -> Result<String, Fault> {
        imports::presign::url(&request, valid_seconds)
    }

    fn state_get(&self, key: &str) -> Result<Option<Entry>, StateFault> {
        imports::state::get(key)
    }

    fn state_replace(&self, key: &str, expected: Option<&str>, value: &[u8]) -> Result<(), StateFault> {
        imports::state::replace(key, expected, value)
    }

    fn state_remove(&self, key: &str, expected: &str) -> Result<(), StateFault> {
        imports::state::remove(key, expected)
    }

    fn state_list_keys(&self, prefix: &str) -> Result<Vec<String>, StateFault> {
        imports::state::list_keys(prefix)
    }

    fn log(&self, level: Level, message: &str) {
        imports::log::write(level, message);
    }

    fn progress(&self, percent: Option<u8>, message: &str) {
        imports::progress::report(percent, message);
    }

    fn now(&self) -> String {
        imports::clock::now()
    }

    fn sleep(&self, milliseconds: u32) {
        imports::clock::sleep(milliseconds);
    }

    fn connection_name(&self) -> String {
        imports::connection::name()
    }

    fn connection_options(&self) -> Vec<OptionEntry> {
        imports::connection::options()
    }
}
