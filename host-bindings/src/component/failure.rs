//! What happened when a call ended without an answer, in words for the person who must act.

use std::time::Duration;

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use super::Function;
use super::store::CallState;
use crate::connection::Connection;
use crate::contract::{Error, ErrorKind};
use crate::limits::CpuExhausted;

/// Describes how a guest ended. Every such end is a defect of the provider or one of its limits.
pub(super) fn describe(
    error: &wasmtime::Error,
    function: Function,
    connection: &Connection,
    state: &CallState,
) -> Error {
    let limits = &connection.limits;
    let cause = if error.is::<CpuExhausted>() {
        format!("it computed for longer than {} ms (limit `cpu_ms`)", limits.cpu_ms)
    } else if state.memory.is_exhausted() {
        format!(
            "it wanted more than {} MiB of memory or {} table elements (limits `memory_mib`, `table_elements`)",
            limits.memory_mib, limits.table_elements
        )
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        match trap {
            Trap::StackOverflow => "it recursed deeper than its stack".to_owned(),
            Trap::UnreachableCodeReached => "it panicked".to_owned(),
            other => format!("it trapped: {other}"),
        }
    } else if is_out_of_handles(error) {
        format!("it opened more than {} blobs at once (limit `handles`)", limits.handles)
    } else if format!("{error:#}").contains("fuel allocated for hostcalls") {
        format!(
            "it returned more than {} MiB of data (limit `host_data_mib`)",
            limits.host_data_mib
        )
    } else {
        format!("{error:#}")
    };
    Error::new(
        ErrorKind::Internal,
        format!(
            "`{}` failed in the provider of connection `{}`: {cause}",
            function.name, connection.name
        ),
    )
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
