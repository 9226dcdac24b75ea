//! One call of a provider's function: what the host knows about it while it runs.
//!
//! The caller (the runtime's service layer) makes a [`Call`]; native providers and the component adapter read it. It
//! carries no authority: what a provider may do is decided by its connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::component::Function;
use crate::http::{Denial, Exchange};

/// How long a call may take unless the caller says otherwise. Longer work is an operation that is polled.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// Where a call's words go: progress and log lines, already cleaned and limited.
pub trait Reporter: Send + Sync {
    /// How far the call is: percent when known, and what is being done.
    fn progress(&self, percent: Option<u8>, message: &str);

    /// One line of the provider's log.
    fn log(&self, level: LogLevel, message: &str);

    /// A request was denied: for the operator only, never for the provider. `hint` is the line that would allow it.
    fn denied(&self, denial: &str, hint: Option<&str>);
}

/// Sees what a call does outside, for the audit log.
///
/// Called from whatever task does it, also while that task is being dropped. An implementation must return at once: it
/// may queue, but not wait.
pub trait Auditor: Send + Sync {
    /// A request that was allowed has ended, however it ended.
    fn exchange(&self, function: Function, exchange: &Exchange);

    /// A request was denied.
    fn denied(&self, function: Function, denial: &Denial);
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the provider's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warn,
    /// Something failed.
    Error,
}

/// Drops everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReporter;

impl Reporter for NoReporter {
    fn progress(&self, _percent: Option<u8>, _message: &str) {}
    fn log(&self, _level: LogLevel, _message: &str) {}
    fn denied(&self, _denial: &str, _hint: Option<&str>) {}
}

impl Auditor for NoReporter {
    fn exchange(&self, _function: Function, _exchange: &Exchange) {}
    fn denied(&self, _function: Function, _denial: &Denial) {}
}

/// One call.
#[derive(Clone)]
pub struct Call {
    /// How long it may take in all.
    pub timeout: Duration,
    /// Where its words go.
    pub reporter: Arc<dyn Reporter>,
    /// Sees its requests.
    pub auditor: Arc<dyn Auditor>,
}

impl Call {
    /// A call with the default time limit, whose words go to `reporter` and whose requests nobody sees.
    pub fn new(reporter: Arc<dyn Reporter>) -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            reporter,
            auditor: Arc::new(NoReporter),
        }
    }
}

impl Default for Call {
    fn default() -> Self {
        Self::new(Arc::new(NoReporter))
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
