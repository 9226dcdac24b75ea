//! Runs the suite. A component is compiled by a child of this program, so that comes first.

fn main() -> std::process::ExitCode {
    stockade::become_child_if_asked().unwrap_or_else(stockade_test_conformance::main)
}
