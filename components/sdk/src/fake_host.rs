//! A host for native unit tests: scripted HTTP answers, state in memory, a clock that only a sleep moves.
//!
//! It keeps the contract's rules that a provider must be able to rely on (versions of state entries, valid keys,
//! answers in order), and panics with a reason when a test sends a request for which there is no answer. It enforces no
//! grants: that is the real host's work.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use crate::host::{Blob, Host};
use crate::time;
use crate::types::{BlobFault, ByteSize, Entry, Fault, Level, OptionEntry, OptionValue, Request, Response, StateFault};

/// When the fake clock starts.
const START: &str = "2026-01-01T00:00:00Z";

/// A blob in memory.
#[derive(Debug, Default)]
pub struct FakeBlob {
    bytes: RefCell<Vec<u8>>,
    has_unknown_size: bool,
}

impl FakeBlob {
    /// A blob with this content.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: RefCell::new(bytes.into()),
            has_unknown_size: false,
        }
    }

    /// The same blob as a stream of unknown length.
    #[must_use]
    pub fn with_unknown_size(mut self) -> Self {
        self.has_unknown_size = true;
        self
    }

    /// What it holds now.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl Blob for FakeBlob {
    fn size(&self) -> Option<ByteSize> {
        (!self.has_unknown_size).then(|| ByteSize::from_bytes(self.bytes.borrow().len() as u64))
    }

    fn read(&self, offset: ByteSize, length: u32) -> Result<Vec<u8>, BlobFault> {
        let bytes = self.bytes.borrow();
        let start = usize::try_from(offset.to_bytes())
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let end = start.saturating_add(length.min(1 << 20) as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn append(&self, bytes: &[u8]) -> Result<(), BlobFault> {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }
}

/// The fake host.
#[derive(Debug, Default)]
pub struct FakeHost {
    options: RefCell<Vec<OptionEntry>>,
    answers: RefCell<VecDeque<Result<Response, Fault>>>,
    routes: RefCell<BTreeMap<String, VecDeque<Response>>>,
    requests: RefCell<Vec<Request>>,
    state: RefCell<BTreeMap<String, Entry>>,
    next_version: Cell<u64>,
    conflicts: Cell<u32>,
    elapsed_ms: Cell<u64>,
    sleeps: RefCell<Vec<u32>>,
    log: RefCell<Vec<(Level, String)>>,
}

impl FakeHost {
    /// A host without options, answers and state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a connection option.
    #[must_use]
    pub fn with_option(self, name: &str, value: impl Into<OptionValue>) -> Self {
        self.options.borrow_mut().retain(|entry| entry.name != name);
        self.options.borrow_mut().push(OptionEntry {
            name: name.to_owned(),
            value: value.into(),
        });
        self
    }

    /// Answers the next request for which no route is set; answers are used in the order in which they were given.
    pub fn answer(&self, answer: Result<Response, Fault>) {
        self.answers.borrow_mut().push_back(answer);
    }

    /// Answers requests of this method and path (`GET /vms/a`, unencoded) with a status and a body. Several answers for
    /// one route are used in order, the last again and again.
    #[must_use]
    pub fn with_route(self, method_and_path: &str, status: u16, body: &str) -> Self {
        self.set_route(method_and_path, status, body);
        self
    }

    /// Adds an answer for a route to a host that is in use; see [`FakeHost::with_route`].
    pub fn set_route(&self, method_and_path: &str, status: u16, body: &str) {
        let response = Response::new(status).with_body(body);
        self.routes
            .borrow_mut()
            .entry(method_and_path.to_owned())
            .or_default()
            .push_back(response);
    }

    /// Makes the next writes of state conflict, as when somebody else wrote first.
    pub fn conflict_next_writes(&self, count: u32) {
        self.conflicts.set(count);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// The requests so far as `METHOD /path?query body`.
    pub fn request_lines(&self) -> Vec<String> {
        self.requests.borrow().iter().map(request_line).collect()
    }

    /// The waits so far in milliseconds.
    pub fn sleeps(&self) -> Vec<u32> {
        self.sleeps.borrow().clone()
    }

    /// The log lines so far.
    pub fn log_lines(&self) -> Vec<(Level, String)> {
        self.log.borrow().clone()
    }

    fn take_conflict(&self) -> bool {
        let left = self.conflicts.get();
        self.conflicts.set(left.saturating_sub(1));
        left > 0
    }
}

fn request_line(request: &Request) -> String {
    let mut line = format!("{} /{}", request.method, request.path.join("/"));
    for (index, (name, value)) in request.query.iter().enumerate() {
        line.push_str(&format!("{}{name}={value}", if index == 0 { '?' } else { '&' }));
    }
    if !request.body.is_empty() {
        line.push_str(&format!(" {}", String::from_utf8_lossy(&request.body)));
    }
    line
}

fn check_key(key: &str) -> Result<(), StateFault> {
    let is_valid = (1..=200).contains(&key.len())
        && !key.starts_with('/')
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    if is_valid { Ok(()) } else { Err(StateFault::InvalidKey) }
}

impl Host for FakeHost {
    type Blob = FakeBlob;

    fn send(&self, request: Request) -> Result<Response, Fault> {
        let route = format!("{} /{}", request.method, request.path.join("/"));
        let line = request_line(&request);
        self.requests.borrow_mut().push(request);
        if let Some(answers) = self.routes.borrow_mut().get_mut(&route) {
            let first = if answers.len() > 1 {
                answers.pop_front()
            } else {
                answers.front().cloned()
            };
            if let Some(response) = first {
                return Ok(response);
            }
        }
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| panic!("the test has no answer for `{line}`"))
    }

    fn send_many(&self, requests: Vec<Request>, _parallel: u8) -> Vec<Result<Response, Fault>> {
        requests.into_iter().map(|request| self.send(request)).collect()
    }

    fn send_blob(&self, request: Request, body: &Self::Blob) -> Result<Response, Fault> {
        assert!(request.body.is_empty(), "a request with a blob has no other body");
        self.send(Request {
            body: body.bytes(),
            ..request
        })
    }

    fn send_blob_part(
        &self,
        request: Request,
        body: &Self::Blob,
        offset: ByteSize,
        length: ByteSize,
    ) -> Result<Response, Fault> {
        let (content, offset, length) = (body.bytes(), offset.to_bytes(), length.to_bytes());
        let part = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(offset + length).ok())
            .and_then(|(start, end)| content.get(start..end));
        match part {
            None => Err(Fault::Protocol("the blob ends before the part does".to_owned())),
            Some(part) => self.send_blob(request, &FakeBlob::new(part)),
        }
    }

    fn send_into_blob(&self, request: Request, into: &Self::Blob) -> Result<Response, Fault> {
        let mut response = self.send(request)?;
        if response.is_success() {
            let body = std::mem::take(&mut response.body);
            into.append(&body)
                .map_err(|fault| Fault::Protocol(format!("{fault:?}")))?;
        }
        Ok(response)
    }

    fn presign(&self, request: Request, valid_seconds: u32) -> Result<String, Fault> {
        let line = request_line(&request);
        self.requests.borrow_mut().push(request);
        Ok(format!("https://presigned.example/{valid_seconds}/{line}"))
    }

    fn state_get(&self, key: &str) -> Result<Option<Entry>, StateFault> {
        check_key(key)?;
        Ok(self.state.borrow().get(key).cloned())
    }

    fn state_replace(&self, key: &str, expected: Option<&str>, value: &[u8]) -> Result<(), StateFault> {
        check_key(key)?;
        let mut state = self.state.borrow_mut();
        if self.take_conflict() || state.get(key).map(|entry| entry.version.as_str()) != expected {
            return Err(StateFault::Conflict);
        }
        self.next_version.set(self.next_version.get() + 1);
        state.insert(
            key.to_owned(),
            Entry {
                value: value.to_vec(),
                version: self.next_version.get().to_string(),
            },
        );
        Ok(())
    }

    fn state_remove(&self, key: &str, expected: &str) -> Result<(), StateFault> {
        check_key(key)?;
        let mut state = self.state.borrow_mut();
        if self.take_conflict() || state.get(key).map(|entry| entry.version.as_str()) != Some(expected) {
            return Err(StateFault::Conflict);
        }
        state.remove(key);
        Ok(())
    }

    fn state_list_keys(&self, prefix: &str) -> Result<Vec<String>, StateFault> {
        Ok(self
            .state
            .borrow()
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }

    fn log(&self, level: Level, message: &str) {
        self.log.borrow_mut().push((level, message.to_owned()));
    }

    fn progress(&self, _percent: Option<u8>, _message: &str) {}

    fn now(&self) -> String {
        let elapsed_ms = self.elapsed_ms.get();
        let seconds = time::parse_rfc3339(START).unwrap_or(0) + (elapsed_ms / 1000).cast_signed();
        time::format_rfc3339(seconds).replace('Z', &format!(".{:03}Z", elapsed_ms % 1000))
    }

    fn sleep(&self, milliseconds: u32) {
        self.sleeps.borrow_mut().push(milliseconds);
        self.elapsed_ms.set(self.elapsed_ms.get() + u64::from(milliseconds));
    }

    fn connection_name(&self) -> String {
        "test".to_owned()
    }

    fn connection_options(&self) -> Vec<OptionEntry> {
        self.options.borrow().clone()
    }
}
