//! Files that are no component, and components that no toolchain for providers makes: written as WebAssembly text.

use crate::description::inspect;
use crate::lab::{Lab, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_file_that_is_not_a_component_is_refused",
        attempts: &[],
        run: no_components,
    },
    Trial {
        name: "an_import_that_is_never_granted_is_refused_by_its_name",
        attempts: &[],
        run: foreign_imports,
    },
    Trial {
        name: "abilities_that_are_missing_partial_or_of_another_type_are_refused",
        attempts: &[],
        run: wrong_exports,
    },
    Trial {
        name: "the_environment_of_the_inert_floor_is_empty",
        attempts: &[],
        run: empty_environment,
    },
    Trial {
        name: "a_module_that_misbehaves_while_it_starts_is_stopped",
        attempts: &[],
        run: hostile_starts,
    },
];

fn refusal(lab: &Lab, bytes: &[u8]) -> String {
    inspect(lab, bytes).expect_err("it is refused").to_string()
}

fn assert_refused(lab: &Lab, component: &str, told: &str) {
    let bytes = wat::parse_str(component).unwrap();
    let refusal = refusal(lab, &bytes);
    assert!(refusal.contains(told), "`{told}` is not in: {refusal}\n{component}");
}

fn no_components(lab: &Lab) {
    let whole = wat::parse_str(provider("")).unwrap();
    let mut version = whole.clone();
    version[4] = 0x7f;
    // Not random, so that a failure can be repeated; no meaning all the same.
    let noise: Vec<u8> = (1..5_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let after_preamble = [&whole[..8], &noise].concat();
    for (bytes, told) in [
        (&b""[..], "not a WebAssembly component"),
        (b"hello, this is text\n", "not a WebAssembly component"),
        (&noise, "not a WebAssembly component"),
        (&version, "not a WebAssembly component"),
        (&whole[..7], "not a WebAssembly component"),
        (&wat::parse_str("(module)").unwrap(), "core WebAssembly module"),
        (&whole[..8], "does not export `stockade:provider/info"),
        (&whole[..whole.len() / 2], "cannot be compiled"),
        (&after_preamble, "cannot be compiled"),
    ] {
        let refusal = refusal(lab, bytes);
        assert!(refusal.contains(told), "`{told}` is not in: {refusal}");
    }
}

fn foreign_imports(lab: &Lab) {
    for import in [
        "wasi:filesystem/types@0.2.0",
        "wasi:filesystem/preopens@0.2.6",
        "wasi:sockets/tcp@0.2.0",
        "wasi:sockets/ip-name-lookup@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:cli/command@0.2.0",
        "wasi:random/random@0.3.0",
        "stockade:provider/secrets@0.1.0",
        "stockade:provider-evil/http@0.1.0",
        "evil:package/anything@1.0.0",
    ] {
        let component = provider(&format!("(import \"{import}\" (instance (export \"f\" (func))))"));
        assert_refused(lab, &component, &format!("imports `{import}`, which is neither"));
    }
    assert_refused(lab, &provider("(import \"bare\" (func))"), "imports `bare`");
    // What the contract has, with another type or another version.
    for import in [
        "stockade:provider/clock@0.1.0",
        "stockade:provider/clock@0.9.0",
        "wasi:random/random@0.2.0",
    ] {
        let component = provider(&format!("(import \"{import}\" (instance (export \"now\" (func))))"));
        assert_refused(lab, &component, "does not fit version");
    }
    // The twin: with an import that is granted, loading goes on to running `describe`, which has another type here.
    let import = "(import \"stockade:provider/clock@0.1.0\" (instance (export \"now\" (func (result string)))))";
    assert_refused(lab, &provider(import), "failed to convert function");
}

pub(crate) const INFO: &str = "(instance $info (export \"describe\" (func $f)) (export \"check-connection\" (func $f)))
    (export \"stockade:provider/info@0.1.0\" (instance $info))";

pub(crate) const VMS: &str = "(instance $vms
        (export \"list-vms\" (func $f)) (export \"get-vm\" (func $f)) (export \"create-vm\" (func $f))
        (export \"delete-vm\" (func $f)) (export \"start-vm\" (func $f)) (export \"stop-vm\" (func $f))
        (export \"restart-vm\" (func $f)))
    (export \"stockade:provider/vms@0.1.0\" (instance $vms))";

/// A component with a function `$f`, which answers a number, and these exports and imports.
pub(crate) fn component(imports: &str, start: &str, exports: &str) -> String {
    format!(
        "(component {imports}
            (core module $module
                (memory 1) (table $table 1 funcref)
                (func $start (local $size i32) {start})
                (start $start)
                (func (export \"f\") (result i32) i32.const 7))
            (core instance $instance (instantiate $module))
            (func $f (result u32) (canon lift (core func $instance \"f\")))
            {exports})"
    )
}

/// The names of a provider, over functions of a wrong type.
fn provider(imports: &str) -> String {
    component(imports, "", &format!("{INFO} {VMS}"))
}

fn wrong_exports(lab: &Lab) {
    let partial = VMS.replace("(export \"stop-vm\" (func $f))", "");
    let (info, not_function) = (INFO, "(component $empty) (instance $nothing (instantiate $empty))");
    let disks = "(instance $disks (export \"list-disks\" (func $f))) (export \"stockade:provider/disks@0.1.0\" (instance $disks))";
    for (exports, told) in [
        (String::new(), "does not export `stockade:provider/info"),
        (VMS.to_owned(), "does not export `stockade:provider/info"),
        (info.to_owned(), "does not export `stockade:provider/vms"),
        (
            format!("{info} {}", VMS.replace("@0.1.0", "@7.0.0")),
            "does not export `stockade:provider/vms",
        ),
        (format!("{info} {partial}"), "exports `vms` without `stop-vm`"),
        (format!("{info} {VMS} {disks}"), "exports `disks` without `get-disk`"),
        (
            format!("{info} {not_function} (export \"stockade:provider/vms@0.1.0\" (instance $nothing))"),
            "exports `vms` without `list-vms`",
        ),
        // Of another type: found when it is called, which for `describe` is before it is installed.
        (format!("{info} {VMS}"), "failed to convert function"),
    ] {
        assert_refused(lab, &component("", "", &exports), told);
    }
}

fn hostile_starts(lab: &Lab) {
    let starting = |start: &str| component("", start, &format!("{INFO} {VMS}"));
    for (start, told) in [
        ("(loop $again br $again)", "`cpu_ms`"),
        // Tables and memories grow until the host says no; then the guest gives up.
        (
            "(loop $again (table.grow $table (ref.null func) (i32.const 100)) (i32.const -1) i32.ne br_if $again) unreachable",
            "`table_elements`",
        ),
        (
            "(loop $again (memory.grow (i32.const 10)) (i32.const -1) i32.ne br_if $again) unreachable",
            "`memory_mib`",
        ),
        ("unreachable", "panicked"),
        ("(call $start)", "recursed deeper than its stack"),
    ] {
        assert_refused(lab, &starting(start), told);
    }
    let memories = starting("").replace("(memory 1)", &"(memory 1)".repeat(11));
    assert_refused(lab, &memories, "`describe` failed");
    // The twin: a start that ends lets the call begin, and its wrong type is what is wrong.
    assert_refused(
        lab,
        &starting("(local.set $size (memory.grow (i32.const 10)))"),
        "`describe` failed",
    );
}

/// A component that asks for the environment while it starts, and traps when the number of variables is refused by this.
fn environment(refusal: &str) -> String {
    format!(
        "(component
            (import \"wasi:cli/environment@0.2.0\" (instance $environment
                (export \"get-environment\" (func (result (list (tuple string string)))))))
            (alias export $environment \"get-environment\" (func $get))
            (core module $memory
                (memory (export \"memory\") 2)
                (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024))
            (core instance $memory (instantiate $memory))
            (core func $get (canon lower (func $get)
                (memory $memory \"memory\") (realloc (func $memory \"realloc\"))))
            (core module $module
                (import \"\" \"get\" (func $get (param i32)))
                (import \"\" \"memory\" (memory 1))
                (func $start
                    (call $get (i32.const 0))
                    (if {refusal} (then unreachable)))
                (start $start)
                (func (export \"f\") (result i32) i32.const 7))
            (core instance $imports (export \"get\" (func $get)) (export \"memory\" (memory $memory \"memory\")))
            (core instance $instance (instantiate $module (with \"\" (instance $imports))))
            (func $f (result u32) (canon lift (core func $instance \"f\")))
            {INFO} {VMS})"
    )
}

fn empty_environment(lab: &Lab) {
    assert!(std::env::vars().next().is_some(), "there is something to see");
    let number = "(i32.load (i32.const 4))";
    assert_refused(lab, &environment(&format!("(i32.eqz {number})")), "it panicked");
    // With no variable it starts, and what is wrong is the type of `describe`.
    assert_refused(lab, &environment(number), "failed to convert function");
}
