//! The inert WASI floor: what components from other toolchains import even when they use nothing of it.
//!
//! Linked interface by interface, only for a component that imports it: empty environment and arguments, closed
//! standard input, sunk output, clocks, random numbers. No files, no sockets, no names: those interfaces are never linked.

use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, random};
use wasmtime_wasi::random::WasiRandom;

use crate::component::CallState;

/// Links one WASI interface if the floor has it; false when it has not.
pub(crate) fn link_floor(linker: &mut Linker<CallState>, import: &str) -> Result<bool> {
    let Some((interface, version)) = import.strip_prefix("wasi:").and_then(|rest| rest.split_once('@')) else {
        return Ok(false);
    };
    if !version.starts_with("0.2.") {
        return Ok(false);
    }
    type Link = fn(&mut Linker<CallState>) -> Result<()>;
    let link: Link = match interface {
        "cli/environment" => |linker| cli::environment::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/exit" => |linker| cli::exit::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/stdin" => |linker| cli::stdin::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/stdout" => |linker| cli::stdout::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/stderr" => |linker| cli::stderr::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/terminal-input" => |linker| cli::terminal_input::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/terminal-output" => |linker| cli::terminal_output::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/terminal-stdin" => |linker| cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/terminal-stdout" => |linker| cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "cli/terminal-stderr" => |linker| cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, CallState::cli),
        "clocks/monotonic-clock" => {
            |linker| clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(linker, CallState::clocks)
        }
        "clocks/wall-clock" => |linker| clocks::wall_clock::add_to_linker::<_, WasiClocks>(linker, CallState::clocks),
        "random/random" => {
            |linker| random::random::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())
        }
        "random/insecure" => {
            |linker| random::insecure::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())
        }
        "random/insecure-seed" => {
            |linker| random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())
        }
        "io/error" | "io/poll" | "io/streams" => link_io,
        _ => return Ok(false),
    };
    // Several imports may lead to the same interface; linking it twice is not an error.
    linker.allow_shadowing(true);
    link(linker)?;
    linker.allow_shadowing(false);
    Ok(true)
}

/// The three interfaces refer to each other's resources.
fn link_io(linker: &mut Linker<CallState>) -> Result<()> {
    wasmtime_wasi_io::add_to_linker_async(linker)
}
