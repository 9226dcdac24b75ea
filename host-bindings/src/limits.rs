//! What a guest may use. Every quantity that a guest controls has a limit here, with its reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::{ResourceLimiter, Result, bail};

use crate::http::HttpLimits;

/// The limits of one connection's calls. Each call runs on an instance of its own, so they hold per call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuestLimits {
    /// All linear memories together, in MiB. Protects the host's memory; a Python provider runs in 16.
    pub memory_mib: u32,
    /// All tables together, in elements. Tables cost 8 to 16 bytes of host memory each element.
    pub table_elements: u32,
    /// Executing time in milliseconds, not counting waits for HTTP. Protects the other guests' share of the cores.
    pub cpu_ms: u32,
    /// Data that one call may hand to the host or return from it, in MiB. Protects the host's memory from a list
    /// without end: lifted values are larger than their bytes in the guest.
    pub host_data_mib: u32,
    /// All blobs that one call fills together, in MiB. Protects the host's disk; a VM image of usual size fits.
    pub scratch_mib: u32,
    /// Handles to blobs that are open at once.
    pub handles: u32,
    /// Log lines in one call; further ones are dropped and counted.
    pub log_lines: u32,
    /// Bytes of one log line or progress message; the rest is cut.
    pub log_line_bytes: u32,
    /// Progress reports in one call; further ones are dropped.
    pub progress_reports: u32,
    /// Keys in the connection's state.
    pub state_keys: u32,
    /// Calls of this connection at once; further ones wait.
    pub concurrent_calls: u32,
    /// Requests in one call. Protects the vendor's API, and the operator's quota there, from a provider that loops.
    pub requests_per_call: u32,
    /// Requests of this connection at once; further ones wait. Protects the vendor from bursts.
    pub requests_in_flight: u32,
    /// The body of one request from the guest's memory, in MiB. Blobs are not counted.
    pub request_body_mib: u32,
    /// The body of one response into the guest's memory, in MiB. Blobs are not counted.
    pub response_body_mib: u32,
}

impl GuestLimits {
    /// The part that holds for HTTP.
    pub fn http(&self) -> HttpLimits {
        HttpLimits {
            requests_per_call: self.requests_per_call,
            in_flight: self.requests_in_flight.max(1) as usize,
            request_body_bytes: u64::from(self.request_body_mib) << 20,
            response_body_bytes: u64::from(self.response_body_mib) << 20,
            ..HttpLimits::default()
        }
    }
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            table_elements: 20_000,
            cpu_ms: 10_000,
            host_data_mib: 16,
            scratch_mib: 64 << 10,
            handles: 100,
            log_lines: 1_000,
            log_line_bytes: 4_096,
            progress_reports: 10_000,
            state_keys: 10_000,
            concurrent_calls: 8,
            requests_per_call: 1_000,
            requests_in_flight: 16,
            request_body_mib: 8,
            response_body_mib: 8,
        }
    }
}

/// Core instances of one call. A component made from Python has 38.
const MAX_INSTANCES: usize = 100;
/// Tables of one call.
const MAX_TABLES: usize = 100;
/// Linear memories of one call; fused adapters bring their own.
const MAX_MEMORIES: usize = 10;

/// Counts what a guest holds. Growth beyond the limit is refused, which most guests see as an allocation failure.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    memory_left: usize,
    table_elements_left: usize,
    exhausted: bool,
}

impl MemoryLimiter {
    pub(crate) fn new(limits: &GuestLimits) -> Self {
        Self {
            memory_left: (limits.memory_mib as usize) << 20,
            table_elements_left: limits.table_elements as usize,
            exhausted: false,
        }
    }

    /// Whether the guest was ever refused: then a trap that follows is most likely its consequence.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    fn take(left: &mut usize, exhausted: &mut bool, current: usize, desired: usize) -> bool {
        let grown = desired.saturating_sub(current);
        if grown > *left {
            *exhausted = true;
            return false;
        }
        *left -= grown;
        true
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(Self::take(&mut self.memory_left, &mut self.exhausted, current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(Self::take(
            &mut self.table_elements_left,
            &mut self.exhausted,
            current,
            desired,
        ))
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

/// Counts executing time in ticks of the engine's epoch.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    ticks_left: u32,
}

impl CpuMeter {
    pub(crate) fn new(limits: &GuestLimits) -> Self {
        Self {
            ticks_left: limits.cpu_ms,
        }
    }

    /// One more tick of the engine ([`crate::engine::TICK`]) in which the guest executed.
    pub(crate) fn tick(&mut self) -> Result<()> {
        match self.ticks_left.checked_sub(1) {
            Some(left) => self.ticks_left = left,
            None => bail!(CpuExhausted),
        }
        Ok(())
    }
}

/// The guest executed for longer than its limit.
#[derive(Debug, thiserror::Error)]
#[error("it computed for longer than its limit allows")]
pub(crate) struct CpuExhausted;

/// The guest handed over more data than its limit.
#[derive(Debug, thiserror::Error)]
#[error("it handed over more data than its limit allows")]
pub(crate) struct HostDataExhausted;

/// What is left of a number of bytes that several share. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Room {
    left: Arc<AtomicU64>,
}

impl Room {
    /// Room for this many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(bytes)),
        }
    }

    /// Takes bytes; false, and nothing is taken, when there is not so much left.
    #[must_use]
    pub fn take(&self, bytes: u64) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }
}

/// How long a call may wait for its turn, beside its own time limit.
pub const MAX_QUEUE_TIME: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_limited_in_total_and_not_for_each_memory() {
        let mut limiter = MemoryLimiter::new(&GuestLimits {
            memory_mib: 2,
            ..GuestLimits::default()
        });
        assert!(limiter.memory_growing(0, 1 << 20, None).unwrap());
        assert!(limiter.memory_growing(0, 1 << 20, None).unwrap());
        assert!(!limiter.is_exhausted());
        assert!(!limiter.memory_growing(0, 1, None).unwrap());
        assert!(limiter.is_exhausted());
    }

    #[test]
    fn growth_beyond_a_memorys_own_maximum_costs_nothing() {
        let mut limiter = MemoryLimiter::new(&GuestLimits {
            memory_mib: 1,
            ..GuestLimits::default()
        });
        assert!(!limiter.memory_growing(0, 2 << 20, Some(1 << 20)).unwrap());
        assert!(limiter.memory_growing(0, 1 << 20, Some(1 << 20)).unwrap());
    }

    #[test]
    fn computing_ends_after_the_last_tick() {
        let mut meter = CpuMeter::new(&GuestLimits {
            cpu_ms: 2,
            ..GuestLimits::default()
        });
        meter.tick().unwrap();
        meter.tick().unwrap();
        assert!(meter.tick().unwrap_err().is::<CpuExhausted>());
    }

    #[test]
    fn the_defaults_are_those_of_the_http_client() {
        assert_eq!(GuestLimits::default().http(), HttpLimits::default());
    }

    #[test]
    fn unknown_limits_are_errors() {
        let error = serde_json::from_str::<GuestLimits>(r#"{"memory": 1}"#).unwrap_err();
        assert!(error.to_string().contains("memory"), "{error}");
    }
}
