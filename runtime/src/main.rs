//! The command `stockade`. Everything is in [`cli`]; it uses the library as any other program could.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    cli::run(std::env::args_os())
}
