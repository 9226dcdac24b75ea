//! What a call of a component keeps beside its guest: the guest's handles, what it may use, and whom it asks.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::IoView;

use crate::host_calls::Host;
use crate::imports;
use crate::limits::{CpuMeter, GuestLimits, MemoryLimiter};

/// The data of one call's store. It ends with the call.
pub(crate) struct CallState {
    pub(crate) host: Host,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimiter,
    pub(crate) cpu: CpuMeter,
    wasi: WasiCtx,
}

impl CallState {
    pub(crate) fn new(host: Host, limits: &GuestLimits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        Self {
            memory: MemoryLimiter::new(limits),
            cpu: CpuMeter::new(limits),
            table,
            wasi: imports::wasi_context(&host),
            host,
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
