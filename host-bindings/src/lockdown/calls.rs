//! The system calls that are left to a child, each group with its reason.
//!
//! Nothing here opens, connects, starts or signals anything. Memory cannot be made executable, so machine code that an
//! escaped guest writes does not run; what is executable was mapped before the wall was closed.

use libc::c_long;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::child::ChildRole;

/// `libc::F_GETFD` as filters take it.
const F_GETFD: u64 = libc::F_GETFD.unsigned_abs() as u64;

type Rules = Vec<(c_long, Vec<SeccompRule>)>;

/// What both roles need: talking over open files, memory, waiting, ending.
const COMMON: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    // Traps of a guest are signals that wasmtime handles; others it leaves to the kernel.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What threads of the compiler need: it uses all cores. Its files cannot be opened, but it may ask (see [`filters`]).
const COMPILER: &[c_long] = &[
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_sched_getaffinity,
    libc::SYS_prctl,
    libc::SYS_clone3,
    libc::SYS_openat,
];

/// The filters of a role. Of several answers to one call the kernel takes the strictest, and the refusals count as
/// stricter than leave.
pub(super) fn filters(role: ChildRole) -> Vec<Result<BpfProgram, Error>> {
    let leave = left(role).and_then(|rules| program(rules, SeccompAction::KillProcess, SeccompAction::Allow));
    let refuse = |call, error: i32| {
        program(
            vec![(call, Vec::new())],
            SeccompAction::Allow,
            SeccompAction::Errno(error.unsigned_abs()),
        )
    };
    match role {
        ChildRole::Guest => vec![leave],
        ChildRole::Compiler => vec![
            // The C library then uses `clone`, whose flags a filter can see.
            refuse(libc::SYS_clone3, libc::ENOSYS),
            // Counting the cores begins with a look for a file; without it the scheduler is asked.
            refuse(libc::SYS_openat, libc::EACCES),
            leave,
        ],
    }
}

fn left(role: ChildRole) -> Result<Rules, Error> {
    let mut rules: Rules = COMMON.iter().map(|call| (*call, Vec::new())).collect();
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        // The third argument of both is the protection.
        rules.push((call, vec![without(2, libc::PROT_EXEC.unsigned_abs().into())?]));
    }
    // The standard library, built to find mistakes, looks whether what it closes is open.
    let looks = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, F_GETFD)?;
    rules.push((libc::SYS_fcntl, vec![SeccompRule::new(vec![looks])?]));
    if role == ChildRole::Compiler {
        rules.extend(COMPILER.iter().map(|call| (*call, Vec::new())));
        let flag = u64::from(libc::CLONE_THREAD.unsigned_abs());
        let thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
        rules.push((libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]));
    }
    Ok(rules)
}

/// A rule that holds when an argument lacks a flag.
fn without(argument: u8, flag: u64) -> Result<SeccompRule, Error> {
    let lacks = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(flag), 0)?;
    Ok(SeccompRule::new(vec![lacks])?)
}

fn program(rules: Rules, otherwise: SeccompAction, listed: SeccompAction) -> Result<BpfProgram, Error> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules.into_iter().collect(), otherwise, listed, architecture)?;
    Ok(BpfProgram::try_from(filter)?)
}
