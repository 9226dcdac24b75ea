//! What stands below the types: memory and allocators that a guest hands to the host, handles, and calls at the wrong time.

use serde_json::json;
use stockade::contract::ErrorKind;

use crate::description::inspect;
use crate::lab::{Lab, Setup, Trial, command};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "an_allocator_of_the_guest_cannot_hurt_the_host",
        attempts: &[],
        run: allocators,
    },
    Trial {
        name: "a_handle_that_was_never_given_is_refused",
        attempts: &["attempt forge-handle"],
        run: forged_handles,
    },
    Trial {
        name: "more_core_instances_than_any_toolchain_makes_are_refused",
        attempts: &[],
        run: many_instances,
    },
];

/// A component that asks for the time while it starts; the host writes the answer where this allocator says.
fn asking_the_time(allocator: &str) -> String {
    format!(
        "(component
            (import \"stockade:provider/clock@0.1.0\" (instance $clock (export \"now\" (func (result string)))))
            (alias export $clock \"now\" (func $now))
            (core module $allocator
                (memory (export \"memory\") 1)
                (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) {allocator}))
            (core instance $allocator (instantiate $allocator))
            (core func $now (canon lower (func $now)
                (memory $allocator \"memory\") (realloc (func $allocator \"realloc\"))))
            (core module $module
                (import \"\" \"now\" (func $now (param i32)))
                (func $start (call $now (i32.const 0)))
                (start $start)
                (func (export \"f\") (result i32) i32.const 7))
            (core instance $imports (export \"now\" (func $now)))
            (core instance $instance (instantiate $module (with \"\" (instance $imports))))
            (func $f (result u32) (canon lift (core func $instance \"f\")))
            (instance $info (export \"describe\" (func $f)) (export \"check-connection\" (func $f)))
            (export \"stockade:provider/info@0.1.0\" (instance $info))
            (instance $vms
                (export \"list-vms\" (func $f)) (export \"get-vm\" (func $f)) (export \"create-vm\" (func $f))
                (export \"delete-vm\" (func $f)) (export \"start-vm\" (func $f)) (export \"stop-vm\" (func $f))
                (export \"restart-vm\" (func $f)))
            (export \"stockade:provider/vms@0.1.0\" (instance $vms)))"
    )
}

fn refusal(lab: &Lab, component: &str) -> String {
    let bytes = wat::parse_str(component).unwrap();
    inspect(lab, &bytes).expect_err("it is refused").to_string()
}

fn allocators(lab: &Lab) {
    for (allocator, told) in [
        // Beyond the memory's end, at its very end, and around the end of all addresses.
        ("i32.const 0x7fff0000", "realloc"),
        ("i32.const 65530", "realloc"),
        ("i32.const -8", "realloc"),
        ("unreachable", "panicked"),
        ("(loop $again br $again) i32.const 0", "`cpu_ms`"),
        // The twin: with room for the answer it starts, and what is wrong is the type of `describe`.
        ("i32.const 1024", "failed to convert function"),
    ] {
        let refusal = refusal(lab, &asking_the_time(allocator));
        assert!(refusal.contains(told), "`{told}` is not in: {refusal}");
    }
}

fn forged_handles(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing());
    // Another call of the same connection holds blobs meanwhile.
    for number in [0, 2, 3, 100, 0x7fff_ffff, u32::MAX] {
        let error = lab
            .attempt(&service, "forge-handle", json!({ "number": number }))
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Internal, "{number}: {error}");
        assert!(error.to_string().contains("handle"), "{number}: {error}");
    }
    let own = lab.wait(service.get_vm(&command("forge-handle", json!({})))).unwrap();
    assert_eq!(own.description.as_deref(), Some("true"));
}

fn many_instances(lab: &Lab) {
    let with = |count: usize| {
        let instances: String = (0..count).map(|_| "(core instance (instantiate $allocator))").collect();
        let whole = asking_the_time("i32.const 1024");
        whole.replace("(core func $now", &format!("{instances}(core func $now"))
    };
    assert!(refusal(lab, &with(5)).contains("failed to convert function"));
    let told = refusal(lab, &with(200));
    assert!(!told.contains("failed to convert function"), "{told}");
}
