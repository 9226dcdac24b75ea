//! Compiles a component in a child process: the same program, started as a compiler ([`crate::child`]).
//!
//! As a compiler it limits itself and locks itself down, reads a component from standard input, writes the artifact to
//! standard output, and ends.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::limits::{CompilerLimits, MAX_ARTIFACT_BYTES};
use super::{ArtifactError, MAX_COMPONENT_BYTES};
use crate::admission::HostLimits;
use crate::child::{self, ChildRole};
use crate::engine::{Engine, EngineProfile};
use crate::lockdown::{self, LockdownError};

/// What a child that was asked to compile does.
pub(crate) fn compile_standard_input() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let confined = |error: LockdownError| format!("the compiler cannot be confined: {error}");
    let limits = CompilerLimits::from_arguments(std::env::args().skip(1)).ok_or("the compiler was told no limits")?;
    lockdown::leave_the_parent().map_err(confined)?;
    lockdown::limit(&limits.resources()).map_err(confined)?;
    let engine = Engine::new(EngineProfile::Command).map_err(|error| format!("{error:#}"))?;
    // Where the kernel has no Landlock the compiler does without: no file can be opened behind the other wall either, and
    // without a compiler nothing would work at all.
    let _ = lockdown::deny_files();
    lockdown::deny_system_calls(ChildRole::Compiler).map_err(confined)?;
    let mut bytes = Vec::new();
    let mut input = io::stdin().take(MAX_COMPONENT_BYTES as u64 + 1);
    input.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let artifact = engine
        .wasmtime()
        .precompile_component(&bytes)
        .map_err(|error| format!("{error:#}"))?;
    io::stdout().write_all(&artifact).map_err(|error| error.to_string())
}

/// Starts compiling child processes.
#[derive(Clone, Debug)]
pub struct Compiler {
    limits: CompilerLimits,
}

impl Compiler {
    /// A compiler that is this program, within these limits.
    ///
    /// # Errors
    /// When the program did not call [`crate::child::become_child_if_asked`], or its path is unknown.
    pub fn this_program(limits: &HostLimits) -> Result<Self, ArtifactError> {
        match child::command(ChildRole::Compiler) {
            Ok(_) => Ok(Self {
                limits: CompilerLimits::of(limits),
            }),
            Err(error) => Err(ArtifactError::Compile(error.to_string())),
        }
    }

    /// Compiles a component. Blocks until the child ends.
    ///
    /// # Errors
    /// When the child refuses the component, exceeds its limits or crashes.
    pub fn compile(&self, component: &[u8]) -> Result<Vec<u8>, ArtifactError> {
        let failed = |source| ArtifactError::Io {
            doing: "starting the compiler process".to_owned(),
            source,
        };
        let mut child = child::command(ChildRole::Compiler)
            .and_then(|mut command| {
                command
                    .args(self.limits.to_arguments())
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                command.spawn()
            })
            .map_err(failed)?;
        let (artifact, complaint, ended) = exchange(&mut child, component, self.limits).map_err(failed)?;
        if ended.success() {
            Ok(artifact)
        } else {
            Err(ArtifactError::Compile(self.why(ended, complaint.trim())))
        }
    }

    /// Why there is no artifact, for whoever wants to install the component.
    fn why(&self, ended: ExitStatus, complaint: &str) -> String {
        let CompilerLimits { seconds, memory_mib } = self.limits;
        match ended.signal().map(Signal::from_named_raw) {
            // The kernel's limit of computing time, or the parent's timer.
            Some(Some(Signal::XCPU | Signal::KILL)) => format!(
                "it takes more than {seconds} s; if its author can explain why, raise `compile_seconds` in `limits.toml`"
            ),
            // What the standard library says before it aborts, which the wall turns into another signal.
            _ if complaint.starts_with("memory allocation of") => format!(
                "it takes more than {memory_mib} MiB of memory; if its author can explain why, raise \
                 `compile_memory_mib` in `limits.toml`"
            ),
            _ if complaint.is_empty() => format!("the compiler ended with {ended}"),
            _ => complaint.to_owned(),
        }
    }
}

/// Feeds the child and reads its answer at the same time, until it ended. A timer ends a child that takes too long, and
/// so its output.
fn exchange(child: &mut Child, component: &[u8], limits: CompilerLimits) -> io::Result<(Vec<u8>, String, ExitStatus)> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let (ended, watched) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        // A child that ends early stops reading; its status tells why.
        scope.spawn(move || drop(stdin.write_all(component)));
        let complaint = scope.spawn(move || {
            let mut text = String::new();
            stderr.take(16 << 10).read_to_string(&mut text).map(|_| text)
        });
        scope.spawn(move || {
            if watched.recv_timeout(limits.wall_time()) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = pidfd_send_signal(&process, Signal::KILL);
            }
        });
        let mut artifact = Vec::new();
        let read = stdout.take(MAX_ARTIFACT_BYTES).read_to_end(&mut artifact);
        let status = child.wait();
        drop(ended);
        let complaint = complaint.join().unwrap_or_else(|_| Ok(String::new()));
        read?;
        Ok((artifact, complaint.unwrap_or_default(), status?))
    })
}
