//! What happened when a call ended without an answer, in words for the person who must act.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use super::Function;
use super::store::CallState;
use crate::connection::Connection;
use crate::contract::{Error, ErrorKind};
use crate::limits::{CpuExhausted, HostDataExhausted};
use crate::text::clean;

/// How a guest ended. Every such end is a defect of the provider or one of its limits. Plain data: the guest may have
/// ended in another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// It computed for too long.
    Computing,
    /// It was refused memory or table elements.
    Memory,
    /// It opened too many handles.
    Handles,
    /// It handed over too much data.
    HostData,
    /// It recursed too deep.
    Stack,
    /// It gave up.
    Panic,
    /// Anything else, in words that may be the guest's.
    Other(String),
}

impl Failure {
    /// Tells how a guest ended.
    pub(super) fn of(error: &wasmtime::Error, state: &CallState) -> Self {
        if error.is::<CpuExhausted>() {
            Self::Computing
        } else if state.memory.is_exhausted() {
            Self::Memory
        } else if let Some(trap) = error.downcast_ref::<Trap>() {
            match trap {
                Trap::StackOverflow => Self::Stack,
                Trap::UnreachableCodeReached => Self::Panic,
                other => Self::Other(format!("it trapped: {other}")),
            }
        } else if is_out_of_handles(error) {
            Self::Handles
        } else if error.is::<HostDataExhausted>() || format!("{error:#}").contains("fuel allocated for hostcalls") {
            Self::HostData
        } else {
            Self::Other(format!("{error:#}"))
        }
    }

    /// A failure that has words of its own.
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }

    /// Describes it.
    pub(super) fn describe(&self, function: Function, connection: &Connection) -> Error {
        let limits = &connection.limits;
        let cause = match self {
            Self::Computing => format!("it computed for longer than {} ms (limit `cpu_ms`)", limits.cpu_ms),
            Self::Memory => format!(
                "it wanted more than {} MiB of memory or {} table elements (limits `memory_mib`, `table_elements`)",
                limits.memory_mib, limits.table_elements
            ),
            Self::Handles => format!("it opened more than {} blobs at once (limit `handles`)", limits.handles),
            Self::HostData => format!(
                "it returned more than {} MiB of data (limit `host_data_mib`)",
                limits.host_data_mib
            ),
            Self::Stack => "it recursed deeper than its stack".to_owned(),
            Self::Panic => "it panicked".to_owned(),
            Self::Other(words) => clean(words, limits.log_line_bytes as usize),
        };
        Error::new(
            ErrorKind::Internal,
            format!(
                "`{}` failed in the provider of connection `{}`: {cause}",
                function.name, connection.name
            ),
        )
    }
}

/// Wasmtime counts handles in its own table and in ours; its own refusal has no type.
fn is_out_of_handles(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(ResourceTableError::Full))
        || format!("{error:#}").contains("store handle limit exceeded")
}

/// The call's time ran out; its instance is gone.
pub(super) fn timed_out(function: Function, limit: Duration) -> Error {
    let message = format!(
        "`{}` did not answer within {} s; whether a change happened is unknown: look before you try again",
        function.name,
        limit.as_secs()
    );
    Error::new(ErrorKind::TimedOut, message)
}
