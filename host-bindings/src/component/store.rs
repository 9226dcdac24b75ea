//! What the host keeps for one call of a component.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::IoView;

use crate::call::{Call, LogLevel};
use crate::connection::Connection;
use crate::http::CallBudget;
use crate::limits::{CpuMeter, MemoryLimiter, Room};

/// The data of one call's store. It ends with the call.
pub(crate) struct CallState {
    pub(crate) connection: Arc<Connection>,
    pub(crate) call: Call,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimiter,
    pub(crate) cpu: CpuMeter,
    pub(crate) http: CallBudget,
    pub(crate) log_lines: u32,
    pub(crate) log_lines_dropped: u32,
    pub(crate) progress_reports: u32,
    /// Denials so far: atomic, because requests of one call run at the same time.
    pub(crate) denials: AtomicU32,
    /// What is left for blobs that the guest fills.
    pub(crate) scratch: Room,
    wasi: WasiCtx,
}

/// The random bytes that a guest may ask for at once.
const MAX_RANDOM_BYTES: u64 = 4_096;

impl CallState {
    pub(crate) fn new(connection: Arc<Connection>, call: Call) -> Self {
        let limits = &connection.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        Self {
            memory: MemoryLimiter::new(limits),
            cpu: CpuMeter::new(limits),
            http: CallBudget::new(connection.http.limits()).with_changes(call.changes.clone()),
            table,
            log_lines: 0,
            log_lines_dropped: 0,
            progress_reports: 0,
            denials: AtomicU32::new(0),
            scratch: Room::new(u64::from(limits.scratch_mib) << 20),
            // Closed standard input, sunk output, no environment, no arguments, no files, no sockets.
            wasi: WasiCtx::builder().max_random_size(MAX_RANDOM_BYTES).build(),
            connection,
            call,
        }
    }

    /// Says at the end of a call what was kept from the operator.
    pub(crate) fn finish(&self) {
        if self.log_lines_dropped > 0 {
            let message = format!("{} log lines beyond the limit were dropped", self.log_lines_dropped);
            self.call.reporter.log(LogLevel::Warn, &message);
        }
        let denials = self.denials.load(Ordering::Relaxed);
        let dropped = denials.saturating_sub(self.connection.limits.log_lines);
        if dropped > 0 {
            let message = format!("{dropped} denials beyond the limit of log lines were dropped");
            self.call.reporter.log(LogLevel::Warn, &message);
        }
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl IoView for CallState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}
