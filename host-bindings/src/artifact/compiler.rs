//! Compiles a component in a child process: the same program, started as a compiler.
//!
//! The program calls [`become_compiler_if_asked`] first thing in `main`. As a compiler it limits itself, reads a component
//! from standard input, writes the artifact to standard output, and ends.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::limits::{self, MAX_ARTIFACT_BYTES, WALL_TIME};
use super::{ArtifactError, MAX_COMPONENT_BYTES};
use crate::engine::{Engine, EngineProfile};

/// The variable by which a parent asks a child to compile.
const ASK: &str = "STOCKADE_COMPILE_CHILD";

/// Whether this program can become a compiler: it has called [`become_compiler_if_asked`].
static READY: AtomicBool = AtomicBool::new(false);

/// Turns this process into a compiler if its parent asked for one; the exit code is then `main`'s. To be called first
/// thing in `main` by every program that loads components.
#[must_use]
pub fn become_compiler_if_asked() -> Option<ExitCode> {
    READY.store(true, Ordering::Relaxed);
    std::env::var_os(ASK)?;
    Some(match compile_standard_input() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    })
}

fn compile_standard_input() -> Result<(), String> {
    limits::limit_this_process().map_err(|error| format!("cannot limit the compiler: {error}"))?;
    let mut bytes = Vec::new();
    let mut input = io::stdin().take(MAX_COMPONENT_BYTES as u64 + 1);
    input.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let engine = Engine::new(EngineProfile::Command).map_err(|error| format!("{error:#}"))?;
    let artifact = engine
        .wasmtime()
        .precompile_component(&bytes)
        .map_err(|error| format!("{error:#}"))?;
    io::stdout().write_all(&artifact).map_err(|error| error.to_string())
}

/// Starts compiling child processes.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: PathBuf,
}

impl Compiler {
    /// A compiler that is this program.
    ///
    /// # Errors
    /// When the program did not call [`become_compiler_if_asked`], or its path is unknown.
    pub fn this_program() -> Result<Self, ArtifactError> {
        // A compiler that compiles by starting itself would never end.
        if !READY.load(Ordering::Relaxed) || std::env::var_os(ASK).is_some() {
            return Err(ArtifactError::Compile(
                "this program did not heed `become_compiler_if_asked` at the start of `main`, so it cannot compile safely".to_owned(),
            ));
        }
        // The running program, even when its file has been replaced by an upgrade meanwhile.
        let program = PathBuf::from("/proc/self/exe");
        if program.exists() {
            return Ok(Self { program });
        }
        let program = std::env::current_exe().map_err(|source| ArtifactError::Io {
            doing: "finding this program's path".to_owned(),
            source,
        })?;
        Ok(Self { program })
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
        let mut child = Command::new(&self.program)
            .env_clear()
            .env(ASK, "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let output = exchange(&mut child, component);
        let ended = wait(&mut child, Instant::now() + WALL_TIME);
        let (artifact, complaint) = output.map_err(failed)?;
        match ended {
            Ok(status) if status.success() => Ok(artifact),
            Ok(_) if !complaint.trim().is_empty() => Err(ArtifactError::Compile(complaint.trim().to_owned())),
            Ok(status) => Err(ArtifactError::Compile(format!(
                "the compiler ended with {status}: it exceeded its limits or crashed"
            ))),
            Err(source) => Err(failed(source)),
        }
    }
}

/// Feeds the child and reads its answer at the same time; a timer ends a child that takes too long.
fn exchange(child: &mut Child, component: &[u8]) -> io::Result<(Vec<u8>, String)> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let finished = std::sync::Mutex::new(false);
    let woken = std::sync::Condvar::new();
    std::thread::scope(|scope| {
        // A child that ends early stops reading; its status tells why.
        scope.spawn(move || drop(stdin.write_all(component)));
        let complaint = scope.spawn(move || {
            let mut text = String::new();
            stderr.take(16 << 10).read_to_string(&mut text).map(|_| text)
        });
        let (finished, woken) = (&finished, &woken);
        scope.spawn(move || {
            let guard = finished.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (guard, _) = woken
                .wait_timeout_while(guard, WALL_TIME, |finished| !*finished)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if !*guard {
                let _ = child.kill();
            }
        });
        let mut artifact = Vec::new();
        let read = stdout.take(MAX_ARTIFACT_BYTES).read_to_end(&mut artifact);
        let complaint = complaint.join().unwrap_or_else(|_| Ok(String::new()));
        *finished.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = true;
        woken.notify_all();
        read?;
        Ok((artifact, complaint.unwrap_or_default()))
    })
}

/// Waits for the child's end, and ends it when it closed its output but lives on.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<std::process::ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
