//! `stockade-componentize IN.wasm OUT.wasm`: writes the component of a core module.
//!
//! Exit status 0 when it was written, 1 when it could not be made, 2 for wrong usage. The output appears whole or not
//! at all. Called by the build recipes.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        complain("usage: stockade-componentize IN.wasm OUT.wasm");
        return ExitCode::from(2);
    };
    match run(Path::new(input), Path::new(output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

fn run(input: &Path, output: &Path) -> Result<(), String> {
    let module = std::fs::read(input).map_err(|error| format!("failed to read `{}`: {error}", input.display()))?;
    let component = stockade_componentize::componentize(&module)
        .map_err(|error| format!("failed to make a component of `{}`: {error}", input.display()))?;
    // A rename in the same directory: whoever reads the output never sees half of it.
    let unfinished = output.with_extension("wasm.unfinished");
    let written = std::fs::write(&unfinished, component).and_then(|()| std::fs::rename(&unfinished, output));
    written.map_err(|error| format!("failed to write `{}`: {error}", output.display()))
}

fn complain(message: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{message}");
}
