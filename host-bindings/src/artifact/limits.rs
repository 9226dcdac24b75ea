//! What the compiling child process may use.

use std::time::Duration;

use rustix::process::Resource;

use crate::admission::HostLimits;

/// Files that it may open: it needs its standard streams and what the C library opens.
const OPEN_FILES: u64 = 64;
/// The largest artifact that the parent reads, in bytes. Artifacts are about three times their component.
pub(super) const MAX_ARTIFACT_BYTES: u64 = 512 << 20;

/// What an operator may set of it. The parent says so in the child's arguments: it has no other way to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompilerLimits {
    /// Computing time of all threads together, and the longest that the parent waits, in seconds.
    pub(super) seconds: u32,
    /// Address space in MiB.
    pub(super) memory_mib: u32,
}

impl CompilerLimits {
    pub(super) const fn of(limits: &HostLimits) -> Self {
        Self {
            seconds: limits.compile_seconds,
            memory_mib: limits.compile_memory_mib,
        }
    }

    /// How the parent tells its child.
    pub(super) fn to_arguments(self) -> [String; 2] {
        [self.seconds.to_string(), self.memory_mib.to_string()]
    }

    /// What a child was told; none when it was told nothing that it understands, and must not compile.
    pub(super) fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        Some(Self {
            seconds: arguments.next()?.parse().ok()?,
            memory_mib: arguments.next()?.parse().ok()?,
        })
    }

    /// How long the parent waits.
    pub(super) const fn wall_time(self) -> Duration {
        Duration::from_secs(self.seconds as u64)
    }

    /// What the child limits itself to, before it has read anything.
    pub(super) fn resources(self) -> [(Resource, u64); 5] {
        [
            (Resource::As, u64::from(self.memory_mib) << 20),
            (Resource::Cpu, self.seconds.into()),
            (Resource::Nofile, OPEN_FILES),
            (Resource::Fsize, 0),
            (Resource::Core, 0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_understands_what_its_parent_says_and_nothing_else() {
        let limits = CompilerLimits {
            seconds: 7,
            memory_mib: 512,
        };
        assert_eq!(
            CompilerLimits::from_arguments(limits.to_arguments().into_iter()),
            Some(limits)
        );
        for words in [&[][..], &["7"], &["7", "much"], &["-1", "512"]] {
            let words = words.iter().map(|word| (*word).to_owned());
            assert_eq!(CompilerLimits::from_arguments(words), None);
        }
    }
}
