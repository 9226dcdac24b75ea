//! Components that cost the compiler much: its process ends within its limits, and what is honest compiles beside it.

use std::path::Path;

use stockade::{Home, HostLimits, Runtime};

use crate::generated::{INFO, VMS, component};
use crate::lab::{Lab, Trial};

pub(crate) const TRIALS: &[Trial] = &[Trial {
    name: "a_component_that_costs_the_compiler_much_is_given_up",
    attempts: &[],
    run: bombs,
}];

/// Local variables of a bomb's function.
const LOCALS: usize = 500;

/// A provider whose one function has loops within loops, in the innermost of which every variable changes. Each loop's
/// head has to join each variable, so that a hundred kilobytes make millions of values.
fn bomb(loops: usize) -> Vec<u8> {
    let locals = format!("(local {})", "i32 ".repeat(LOCALS));
    let changes: String = (0..LOCALS)
        .map(|local| format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))"))
        .collect();
    let start = format!(
        "{locals} {heads} {changes} {ends}",
        heads = "(loop ".repeat(loops),
        ends = "(br_if 0 (i32.eqz (local.get 0))))".repeat(loops),
    );
    wat::parse_str(component("", &start, &format!("{INFO} {VMS}"))).unwrap()
}

/// What a runtime with these limits says about a component, which calls a function of a wrong type when it is compiled.
fn verdict(lab: &Lab, home: &Path, limits: HostLimits, bytes: &[u8]) -> String {
    let file = home.join("component.wasm");
    std::fs::write(&file, bytes).unwrap();
    let builder = Runtime::builder().home(Home::below(home)).limits(limits);
    let runtime = builder.inspection(lab.shared.isolation).build().unwrap();
    lab.wait(runtime.inspect_provider(&file)).unwrap_err().to_string()
}

fn bombs(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let short = HostLimits {
        compile_seconds: 1,
        ..HostLimits::default()
    };
    let small = HostLimits {
        compile_memory_mib: 256,
        ..HostLimits::default()
    };
    let large = bomb(4_000);
    for (limits, told) in [(short, "more than 1 s"), (small, "more than 256 MiB of memory")] {
        let refusal = verdict(lab, home.path(), limits, &large);
        assert!(refusal.contains(told), "{refusal}");
        // The twin: of the same kind, and of a size that is worth compiling.
        let refusal = verdict(lab, home.path(), limits, &bomb(1));
        assert!(refusal.contains("failed to convert function"), "{refusal}");
    }
}
