//! The WebAssembly engine: one configuration for everything that runs guests.
//!
//! Why each choice: the fewer features a guest can use, the less of the engine it can attack. Cranelift compiles; the
//! faster Winch has had sandbox escapes. Features of WebAssembly that no toolchain for providers needs are off.

use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig, Result};

use crate::limits::GuestLimits;

/// The time between two ticks of the epoch: how often an executing guest lets others run, and how exactly its
/// computing is measured.
pub const TICK: Duration = Duration::from_millis(1);

/// The stack of a guest in bytes. Wasmtime's default; recursion beyond it is a trap.
const GUEST_STACK_BYTES: usize = 512 << 10;
/// The stack on which a guest and the host functions it calls run, in bytes.
const ASYNC_STACK_BYTES: usize = 1 << 20;

/// Instances at once in a server. Address space, not memory, is reserved for each.
const POOLED_INSTANCES: u32 = 200;

/// What the process is: it decides how instances are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineProfile {
    /// Few calls in a short life: allocate on demand, start fast.
    Command,
    /// Many calls: slots are reserved once and reused.
    Server,
}

/// The engine. Cloning shares it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    engine: wasmtime::Engine,
    ticker: OnceLock<()>,
}

impl Engine {
    /// Creates an engine.
    ///
    /// # Errors
    /// When the machine cannot run it: unsupported CPU, or no address space for the pool.
    pub fn new(profile: EngineProfile) -> Result<Self> {
        let mut config = base_config();
        if profile == EngineProfile::Server {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                engine: wasmtime::Engine::new(&config)?,
                ticker: OnceLock::new(),
            }),
        })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.engine
    }

    /// Starts the thread that advances the epoch, once, and waits until it does. It ends with the engine.
    pub(crate) fn start_ticker(&self) {
        self.inner.ticker.get_or_init(|| {
            let weak = self.inner.engine.weak();
            let (ticking, ticks) = mpsc::channel();
            let ticker = move || {
                let _ = ticking.send(());
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(TICK);
                }
            };
            // Without the thread a guest could not be interrupted: better no engine than an unlimited guest.
            #[expect(
                clippy::expect_used,
                reason = "a process that cannot start one thread cannot go on safely"
            )]
            std::thread::Builder::new()
                .name("epoch".into())
                .spawn(ticker)
                .expect("the epoch thread starts");
            let _ = ticks.recv();
        });
    }
}

/// What the compiler and the runtime must agree on.
fn base_config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(ASYNC_STACK_BYTES)
        .async_stack_zeroing(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .concurrency_support(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    // Multi-memory stays on: turning it off makes wasmtime 48 panic on valid components.
    config
}

fn pool() -> PoolingAllocationConfig {
    let limits = GuestLimits::default();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(POOLED_INSTANCES)
        .total_core_instances(POOLED_INSTANCES * 4)
        .total_memories(POOLED_INSTANCES * 2)
        .total_tables(POOLED_INSTANCES * 4)
        .total_stacks(POOLED_INSTANCES)
        .max_memory_size(1 << 30)
        .max_core_instances_per_component(100)
        .max_memories_per_component(10)
        .max_tables_per_component(100)
        .table_elements(limits.table_elements as usize)
        .max_unused_warm_slots(POOLED_INSTANCES / 10)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(16 << 10)
        .async_stack_keep_resident(16 << 10);
    pool
}
