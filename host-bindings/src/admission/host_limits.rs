//! What all guests of one runtime may use together.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The ceilings of one runtime: whatever its connections allow each, together they stay below these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostLimits {
    /// Memory that running calls may hold together, in MiB: the sum of what each may hold at most. Protects the host from
    /// many connections that each stay within their own limit. Half of this computer's memory, unless it is set.
    pub total_memory_mib: u32,
    /// Calls that run at once; further ones wait. Protects the address space and the pool of instances.
    pub running_calls: u32,
    /// Calls of one connection that wait at once; further ones fail. Protects whoever waits for other connections.
    pub queued_calls: u32,
    /// How long a call waits for its turn, in seconds, beside its own time limit. Protects the caller.
    pub queue_seconds: u32,
    /// Cores that guests may keep busy together. Protects everything else in the process, the API above all, from guests
    /// that compute. All but one, unless it is set.
    pub guest_cores: u32,
    /// All blobs that running calls hold together, in MiB. Protects the host's disk.
    pub total_scratch_mib: u32,
    /// How long compiling one component may take, in seconds of computing and of waiting. Protects whoever installs it from
    /// a component that is made to take the compiler long. 18 MiB of Python take 6 s on two slow cores.
    pub compile_seconds: u32,
    /// Address space of the process that compiles, in MiB. Protects the host from a component that is made to take the
    /// compiler much. 18 MiB of Python take 353 MB.
    pub compile_memory_mib: u32,
}

/// Memory for guests where the computer does not tell how much it has.
const FALLBACK_MEMORY_MIB: u32 = 2 << 10;
/// The least that guests get by default: two calls with default limits.
const LEAST_MEMORY_MIB: u32 = 256;

impl Default for HostLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            total_memory_mib: half_of_memory_mib(),
            running_calls: 100,
            queued_calls: 100,
            queue_seconds: 60,
            guest_cores: u32::try_from(cores.saturating_sub(1).max(1)).unwrap_or(1),
            total_scratch_mib: 128 << 10,
            compile_seconds: 120,
            compile_memory_mib: 4 << 10,
        }
    }
}

impl HostLimits {
    /// No ceiling at all. Unlike the defaults it asks the system nothing, which a confined process could not.
    pub(crate) const NONE: Self = Self {
        total_memory_mib: u32::MAX,
        running_calls: u32::MAX,
        queued_calls: u32::MAX,
        queue_seconds: u32::MAX,
        guest_cores: u32::MAX,
        total_scratch_mib: u32::MAX,
        compile_seconds: u32::MAX,
        compile_memory_mib: u32::MAX,
    };

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.queue_seconds.into())
    }
}

fn half_of_memory_mib() -> u32 {
    let half = memory_kib().map(|kib| u32::try_from(kib >> 11).unwrap_or(u32::MAX));
    half.map_or(FALLBACK_MEMORY_MIB, |mib| mib.max(LEAST_MEMORY_MIB))
}

/// All memory of this computer (`MemTotal` of proc_meminfo(5)).
fn memory_kib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_ceilings_are_errors_and_defaults_let_something_run() {
        let error = serde_json::from_str::<HostLimits>(r#"{"memory": 1}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `memory`"), "{error}");
        let limits: HostLimits = serde_json::from_str("{}").unwrap();
        assert!(limits.total_memory_mib >= LEAST_MEMORY_MIB && limits.guest_cores > 0);
    }
}
