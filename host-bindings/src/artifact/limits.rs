//! What the compiling child process may use.

use std::time::Duration;

use rustix::process::Resource;

/// Address space in bytes. Compiling an 18 MiB Python component takes 353 MB.
const ADDRESS_SPACE_BYTES: u64 = 4 << 30;
/// Computing time in seconds, of all threads together. The same component takes 6 s on two slow cores.
const CPU_SECONDS: u64 = 120;
/// Files that it may open: it needs its standard streams and what the C library opens.
const OPEN_FILES: u64 = 64;
/// How long the parent waits in all.
pub(super) const WALL_TIME: Duration = Duration::from_secs(120);
/// The largest artifact that the parent reads, in bytes. Artifacts are about three times their component.
pub(super) const MAX_ARTIFACT_BYTES: u64 = 512 << 20;

/// What the child limits itself to, before it has read anything.
pub(super) const LIMITS: &[(Resource, u64)] = &[
    (Resource::As, ADDRESS_SPACE_BYTES),
    (Resource::Cpu, CPU_SECONDS),
    (Resource::Nofile, OPEN_FILES),
    (Resource::Fsize, 0),
    (Resource::Core, 0),
];
