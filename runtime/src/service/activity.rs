//! One use of a provider while it goes on: its call, and the words for when it fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stockade_host::call::{Auditor, Call, LogLevel, Reporter};
use stockade_host::contract::{self, StopMode};
use stockade_host::http::Changes;

use crate::audit::CallWitness;
use crate::error::{Error, Result};

/// What is being done.
pub(super) struct Activity {
    connection: String,
    doing: String,
    call: Call,
    denials: Arc<Denials>,
    witness: Arc<CallWitness>,
}

/// Passes a call's words on, and remembers the denials: the provider only says that something failed.
struct Denials {
    outer: Arc<dyn Reporter>,
    seen: Mutex<Vec<(String, Option<String>)>>,
}

/// Denials that are told with a failure; a provider may try a thousand things.
const MAX_DENIALS: usize = 3;

/// How long a call that moves an image may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(4 * 60 * 60);

impl Activity {
    pub(super) fn new(
        connection: &str,
        doing: String,
        timeout: Duration,
        witness: CallWitness,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        let witness = Arc::new(witness);
        let denials = Arc::new(Denials {
            outer: reporter,
            seen: Mutex::default(),
        });
        let call = Call {
            reporter: Arc::clone(&denials) as Arc<dyn Reporter>,
            auditor: Arc::clone(&witness) as Arc<dyn Auditor>,
            timeout,
            changes: Changes::default(),
        };
        Self {
            connection: connection.to_owned(),
            doing,
            call,
            denials,
            witness,
        }
    }

    /// The same, whose changes meet this.
    pub(super) fn with_changes(mut self, changes: Changes) -> Self {
        self.call.changes = changes;
        self
    }

    /// What the provider is called with.
    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    /// What is being done, for a person.
    pub(super) fn doing(&self) -> &str {
        &self.doing
    }

    /// Gives the call the time that a graceful stop may take, beside its own.
    pub(super) fn allow_for(&mut self, mode: &StopMode) {
        if let StopMode::Graceful(seconds) = mode {
            self.allow_more(Duration::from_secs((*seconds).into()));
        }
    }

    /// Gives the call a time that its caller asked for, beside its own.
    pub(super) fn allow_more(&mut self, time: Duration) {
        self.call.timeout += time;
    }

    /// Gives the call the time that moving an image may take.
    pub(super) fn allow_transfer(&mut self) {
        self.call.timeout = self.call.timeout.max(TRANSFER_TIMEOUT);
    }

    /// It goes on after an answer.
    pub(super) fn go_on(&self) {
        self.witness.go_on();
    }

    /// Adds what was being done to an error of ours.
    pub(super) fn explain(&self, error: Error) -> Error {
        self.witness.answered(Some(error.kind()));
        error.while_doing(&self.doing).on(&self.connection)
    }

    /// Turns the provider's answer into ours.
    pub(super) fn end<T>(&self, answer: Result<T, contract::Error>) -> Result<T> {
        self.witness.answered(answer.as_ref().err().map(|error| &error.kind));
        answer.map_err(|error| {
            let mut error = Error::from(error).while_doing(&self.doing).on(&self.connection);
            for (denial, hint) in self
                .denials
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .drain(..)
            {
                error = error.hint(format!("denied: {denial}"));
                if let Some(hint) = hint {
                    error = error.hint(hint);
                }
            }
            error
        })
    }
}

impl Reporter for Denials {
    fn progress(&self, percent: Option<u8>, message: &str) {
        self.outer.progress(percent, message);
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.outer.log(level, message);
    }

    fn denied(&self, denial: &str, hint: Option<&str>) {
        self.outer.denied(denial, hint);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (denial.to_owned(), hint.map(str::to_owned));
        if seen.len() < MAX_DENIALS && !seen.contains(&entry) {
            seen.push(entry);
        }
    }
}
