//! The wall around a child process: what it gives up before it touches anything hostile, for good.
//!
//! Three layers, each enough by itself against most of what an escaped guest would try: resource limits; Landlock, by which
//! no file can be opened and no TCP port used; and a list of the system calls that are left (`calls`), any other of which
//! ends the process. A kernel that lacks one of them is refused: a wall is never silently lower.
//!
//! The children call this ([`crate::child`]); trials of the wall call it too. It cannot be undone, so nobody else should.

mod calls;

use std::io;

use landlock::{Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, Scope};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};

use crate::child::ChildRole;

/// Why a process cannot be locked down.
#[derive(Debug, thiserror::Error)]
pub enum LockdownError {
    /// The kernel does not have Landlock, or does not let us use it.
    #[error("the kernel refuses Landlock, which needs Linux 5.13 and `landlock` in its list of security modules: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// The kernel does not filter system calls, or does not let us.
    #[error("the kernel refuses to filter system calls (seccomp): {0}")]
    SystemCalls(#[from] seccompiler::Error),
    /// A limit or an attribute of the process cannot be set.
    #[error("{what}: {source}")]
    Attribute {
        /// What was being set.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// Closes what this process inherited beside its three standard streams, and ends it with its parent. To be called before
/// anything is opened.
///
/// # Errors
/// When the kernel refuses.
pub fn leave_the_parent() -> Result<(), LockdownError> {
    let failed = |what| move |source| LockdownError::Attribute { what, source };
    close_inherited().map_err(failed("closing inherited files"))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| failed("following the parent's end")(error.into()))
}

/// Hides this process's memory from other processes of the same user.
///
/// # Errors
/// When the kernel refuses.
pub fn hide_memory() -> Result<(), LockdownError> {
    let hidden = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    hidden.map_err(|error| LockdownError::Attribute {
        what: "hiding the memory",
        source: error.into(),
    })
}

/// Sets limits that nothing can raise again.
///
/// # Errors
/// When one is higher than the parent's own.
pub fn limit(limits: &[(Resource, u64)]) -> Result<(), LockdownError> {
    for &(resource, value) in limits {
        // A lower limit that is in force already stays.
        let most = rustix::process::getrlimit(resource)
            .maximum
            .unwrap_or(u64::MAX)
            .min(value);
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        rustix::process::setrlimit(resource, limit).map_err(|error| LockdownError::Attribute {
            what: "setting a resource limit",
            source: error.into(),
        })?;
    }
    Ok(())
}

/// Denies this thread, and threads that it starts later, to open any file. Where the kernel can (Linux 6.7 and 6.12), also
/// to use TCP, and to reach abstract sockets and signal processes outside.
///
/// # Errors
/// When the kernel has no Landlock.
pub fn deny_files() -> Result<(), LockdownError> {
    Ruleset::default()
        // Landlock's first version covers opening, executing, making and removing files.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(landlock::ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(landlock::ABI::V6))?
        .handle_access(AccessNet::from_all(landlock::ABI::V6))?
        .scope(Scope::from_all(landlock::ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(())
}

/// Leaves all threads of this process only the system calls that a child of this role needs. Any other ends the process.
///
/// # Errors
/// When the kernel does not filter system calls.
pub fn deny_system_calls(role: ChildRole) -> Result<(), LockdownError> {
    for filter in calls::filters(role) {
        seccompiler::apply_filter_all_threads(&filter?)?;
    }
    Ok(())
}

/// Closes every file but the standard streams.
#[expect(unsafe_code, reason = "the standard library cannot close what it did not open")]
fn close_inherited() -> io::Result<()> {
    // SAFETY: the call takes numbers only. Nothing in this process has opened a file yet, which callers promise, so no
    // owner of a closed descriptor exists.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
