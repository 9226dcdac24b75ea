//! One call's part of a recording: writes down what it asks and is answered, or answers from what was written down.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::line::Line;
use super::readable::readable;
use super::tape::{ConnectionTape, TapeError};
use super::{MAX_SPLICED_BYTES, question};
use crate::bindings::stockade::provider::http_types::Fault;
use crate::bindings::stockade::provider::state::StateFault;
use crate::blobs::BlobId;
use crate::component::Function;
use crate::contract::{Error, ErrorKind};
use crate::host_calls::{CallHost, HostAnswer, HostCall, MAX_READ_BYTES};

/// The part of one call.
pub(crate) struct CallTape {
    connection: ConnectionTape,
    function: Function,
    /// None when the recording has no such call.
    id: Option<u32>,
    /// Why the call cannot be recorded or given back; the first reason stays.
    failure: Mutex<Option<Error>>,
}

impl CallTape {
    /// The part of the next call of a function on a connection.
    pub(crate) fn begin(connection: &ConnectionTape, function: Function) -> Self {
        let mut tape = Self {
            connection: connection.clone(),
            function,
            id: None,
            failure: Mutex::new(None),
        };
        let name = function.to_string();
        let recorded = connection
            .tape
            .recorder()
            .map(|mut recorder| recorder.call(&connection.connection, &name));
        match recorded {
            Some(Ok(id)) => tape.id = Some(id),
            Some(Err(error)) => tape.cannot_record(&error),
            None => {
                let replayed = connection.tape.replayed();
                tape.id = replayed.and_then(|mut replay| replay.call(&connection.connection, &name));
                if tape.id.is_none() {
                    tape.fail(misfit(format!(
                        "the recording has no further call of `{name}` on connection `{}`",
                        connection.connection
                    )));
                }
            }
        }
        tape
    }

    /// Why the call's answer is worth nothing, if it is.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has a host call done and writes it down, or answers it from the recording.
    pub(crate) async fn perform(&self, host: &CallHost, call: HostCall) -> HostAnswer {
        let is_replay = self.connection.tape.is_replay();
        match call {
            HostCall::NewBlob {}
            | HostCall::BlobSize { .. }
            | HostCall::ReadBlob { .. }
            | HostCall::AppendBlob { .. }
            | HostCall::DropBlob { .. }
            | HostCall::Log { .. }
            | HostCall::Progress { .. } => host.act(call).await,
            HostCall::Sleep { .. } if is_replay => HostAnswer::Sleep(()),
            HostCall::Sleep { .. } => host.act(call).await,
            call if is_replay => self.replay(host, call).await,
            call => self.record(host, call).await,
        }
    }

    async fn record(&self, host: &CallHost, call: HostCall) -> HostAnswer {
        if let HostCall::SendMany { requests, parallel } = call {
            let asked: Vec<Value> = requests.iter().map(|request| send(&value(request))).collect();
            let answer = host.act(HostCall::SendMany { requests, parallel }).await;
            if let HostAnswer::SendMany(answers) = &answer {
                for (asked, answer) in asked.into_iter().zip(answers) {
                    self.write(asked, json!({ "Send": value(answer) }), None);
                }
            }
            return answer;
        }
        let asked = self.asked(host, &call).await;
        let into = match &call {
            HostCall::SendIntoBlob { into, .. } => Some((*into, host.size_of(*into).unwrap_or(0))),
            _ => None,
        };
        let answer = host.act(call).await;
        let spliced = match into {
            Some((into, before)) => self.spliced(host, into, before).await,
            None => None,
        };
        let redaction = self.connection.redaction();
        let answered = match &answer {
            HostAnswer::ConnectionOptions(options) => {
                json!({ "ConnectionOptions": value(&redaction.options(options)) })
            }
            HostAnswer::Presign(Ok(url)) => json!({ "Presign": { "Ok": redaction.url(url) } }),
            answer => value(answer),
        };
        self.write(asked, answered, spliced);
        answer
    }

    /// What a request put into a blob.
    async fn spliced(&self, host: &CallHost, into: BlobId, before: u64) -> Option<Value> {
        let length = host.size_of(into).unwrap_or(before) - before;
        if length > MAX_SPLICED_BYTES {
            let most = MAX_SPLICED_BYTES >> 20;
            self.cannot_record(&format!(
                "a response of {length} bytes was put into a blob, and at most {most} MiB of one are recorded"
            ));
            return None;
        }
        let mut bytes = Vec::new();
        while let Some(piece) = host.piece_of(into, before + bytes.len() as u64).await {
            bytes.extend_from_slice(&piece);
        }
        Some(value(&bytes))
    }

    async fn replay(&self, host: &CallHost, call: HostCall) -> HostAnswer {
        if let HostCall::SendMany { requests, .. } = &call {
            let answers = requests.iter().map(|request| match self.find(&send(&value(request))) {
                Some((HostAnswer::Send(answer), _)) => answer,
                _ => Err(Fault::Connect),
            });
            return HostAnswer::SendMany(answers.collect());
        }
        let asked = self.asked(host, &call).await;
        let Some((answer, spliced)) = self.find(&asked) else {
            return nothing(&call);
        };
        if let (HostCall::SendIntoBlob { into, .. }, Some(bytes)) = (&call, spliced) {
            for piece in bytes.chunks(MAX_READ_BYTES as usize) {
                let (blob, bytes) = (*into, piece.to_vec());
                host.act(HostCall::AppendBlob { blob, bytes }).await;
            }
        }
        answer
    }

    /// The recorded answer, and what was spliced.
    fn find(&self, asked: &Value) -> Option<(HostAnswer, Option<Vec<u8>>)> {
        let id = self.id?;
        let asked = readable(asked.clone(), &self.connection.redaction());
        let mut replay = self.connection.tape.replayed()?;
        let Some(kept) = replay.answer(id, &asked) else {
            let instead = match replay.expects(id) {
                Some((line, question)) => format!("line {line} expects {question}"),
                None => "nothing more was asked in this call".to_owned(),
            };
            let (function, question) = (self.function, question::describe(&asked));
            self.fail(misfit(format!(
                "the recording has no answer to {question} in `{function}`; {instead}"
            )));
            return None;
        };
        let line = kept.line;
        let answer = serde_json::from_value(kept.answered);
        let spliced = kept.spliced.map(serde_json::from_value).transpose();
        match (answer, spliced) {
            (Ok(answer), Ok(spliced)) => Some((answer, spliced)),
            (Err(error), _) | (_, Err(error)) => {
                self.fail(misfit(format!("line {line} of the recording is broken: {error}")));
                None
            }
        }
    }

    /// What is asked, as the recording has it: a blob is known by its content.
    async fn asked(&self, host: &CallHost, call: &HostCall) -> Value {
        match call {
            HostCall::Send { request } => send(&value(request)),
            HostCall::SendBlob { request, body } => {
                let blob = content(host, *body, 0, u64::MAX).await;
                json!({ "SendBlob": { "request": value(request), "blob": blob } })
            }
            HostCall::SendBlobPart {
                request,
                body,
                offset,
                length,
            } => {
                let blob = content(host, *body, *offset, *length).await;
                json!({ "SendBlobPart": { "request": value(request), "blob": blob } })
            }
            HostCall::SendIntoBlob { request, .. } => json!({ "SendIntoBlob": { "request": value(request) } }),
            call => value(call),
        }
    }

    fn write(&self, asked: Value, answered: Value, spliced: Option<Value>) {
        let (Some(call), Some(mut recorder)) = (self.id, self.connection.tape.recorder()) else {
            return;
        };
        let redaction = self.connection.redaction();
        let line = Line::Answer {
            call,
            asked: readable(asked, &redaction),
            answered: readable(answered, &redaction),
            spliced: spliced.map(|spliced| readable(spliced, &redaction)),
        };
        let written = recorder.write(&line);
        drop(recorder);
        if let Err(error) = written {
            self.cannot_record(&error);
        }
    }

    fn cannot_record(&self, why: &impl std::fmt::Display) {
        self.fail(Error::new(
            ErrorKind::Unavailable,
            format!("`{}` cannot be recorded: {why}", self.function),
        ));
    }

    fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }
}

impl From<TapeError> for Error {
    fn from(error: TapeError) -> Self {
        match error {
            TapeError::Io { .. } | TapeError::TooLarge => Self::new(ErrorKind::Unavailable, error.to_string()),
            TapeError::Exists(_) => Self::invalid_argument("record", error.to_string()),
            _ => misfit(error.to_string()),
        }
    }
}

/// The recording does not fit what is done. Nothing that trying again would change.
fn misfit(message: String) -> Error {
    Error::invalid_argument("replay", message)
}

fn send(request: &Value) -> Value {
    json!({ "Send": { "request": request } })
}

/// Plain data always has a form in JSON.
fn value(data: &impl serde::Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}

/// What is sent of a blob: at most `length` bytes from `offset`.
async fn content(host: &CallHost, blob: BlobId, offset: u64, length: u64) -> Value {
    let mut digest = Sha256::new();
    let mut bytes = 0_u64;
    while bytes < length
        && let Some(piece) = host.piece_of(blob, offset.saturating_add(bytes)).await
    {
        let left = usize::try_from(length - bytes).unwrap_or(usize::MAX);
        let piece = &piece[..piece.len().min(left)];
        digest.update(piece);
        bytes += piece.len() as u64;
    }
    let sha256: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "sha256": sha256, "bytes": bytes })
}

/// What the guest is told when the recording has no answer. The call fails whatever it makes of it.
fn nothing(call: &HostCall) -> HostAnswer {
    let state = || StateFault::Unavailable("the recording has no answer".to_owned());
    match call {
        HostCall::SendBlob { .. } => HostAnswer::SendBlob(Err(Fault::Connect)),
        HostCall::SendBlobPart { .. } => HostAnswer::SendBlobPart(Err(Fault::Connect)),
        HostCall::SendIntoBlob { .. } => HostAnswer::SendIntoBlob(Err(Fault::Connect)),
        HostCall::Presign { .. } => HostAnswer::Presign(Err(Fault::Denied)),
        HostCall::GetState { .. } => HostAnswer::GetState(Err(state())),
        HostCall::ReplaceState { .. } => HostAnswer::ReplaceState(Err(state())),
        HostCall::RemoveState { .. } => HostAnswer::RemoveState(Err(state())),
        HostCall::ListState { .. } => HostAnswer::ListState(Err(state())),
        HostCall::ConnectionName {} => HostAnswer::ConnectionName(String::new()),
        HostCall::ConnectionOptions {} => HostAnswer::ConnectionOptions(Vec::new()),
        HostCall::WallClock {} => HostAnswer::WallClock(0),
        HostCall::MonotonicClock {} => HostAnswer::MonotonicClock(0),
        HostCall::Random { length } => HostAnswer::Random(vec![0; (*length).min(MAX_READ_BYTES) as usize]),
        // Sending; and what is done and not recorded, which never comes here.
        _ => HostAnswer::Send(Err(Fault::Connect)),
    }
}
