//! What people get wrong: each has an exit code, a reason and a way out, and leaves nothing half-made.

use crate::session::Session;

/// Each of these fails with this code, and says all of these.
fn check(session: &Session, cases: &[(i32, &str, &[&str])]) {
    for (code, arguments, expected) in cases {
        let told = session.fails(*code, arguments);
        for text in *expected {
            assert!(
                told.contains(text),
                "`stockade {arguments}` does not say `{text}`:\n{told}"
            );
        }
    }
}

#[test]
fn what_is_refused_says_why_and_what_to_do() {
    let session = Session::with_lab();
    session.done("create vm web-1");
    check(
        &session,
        &[
            (
                1,
                "list vm -c lap",
                &["there is no connection `lap`", "hint: did you mean `lab`?"],
            ),
            (
                1,
                "info vm web-2",
                &["connection `lab`: cannot read vm `web-2`", "there is no vm `web-2`"],
            ),
            (1, "create vm web-1", &["cannot create vm `web-1`", "already"]),
            (1, "create vm web-3 -P colour=red", &["no option `colour`"]),
            (1, "create vm web-3 --image no-such-image", &["no-such-image"]),
            (1, "start vm web-2", &["cannot start vm `web-2`"]),
            (
                1,
                "create connection x --provider fak --grant-all",
                &["provider `fak`", "did you mean `fake`?"],
            ),
            (
                1,
                "create connection lab --provider fake --grant-all",
                &["connection `lab` exists already"],
            ),
            (
                1,
                "create connection ../x --provider fake --grant-all",
                &["cannot be the name of a connection"],
            ),
            (
                1,
                "create connection x --provider fake --grant-all -P latencyms=1",
                &["no option `latencyms`", "hint: did you mean `latency_ms`?"],
            ),
            (
                1,
                "create connection x --provider fake --grant-all -P latency_ms=soon",
                &["must be a whole number, not `soon`"],
            ),
            (
                1,
                "create connection x --provider fake --grant-all --credential key=bearer:env:TOKEN",
                &["asks for no credential `key`"],
            ),
            (1, "info connection nowhere", &["there is no connection `nowhere`"]),
            (
                1,
                "delete connection nowhere --yes",
                &["there is no connection `nowhere`"],
            ),
            (1, "create image x --file no-such-file", &["reading `no-such-file`"]),
        ],
    );
    assert_eq!(session.done("list vm -o name"), "web-1\n");
    assert_eq!(session.done("list connection -o name"), "lab\n");
}

#[test]
fn what_is_no_component_is_refused() {
    let session = Session::empty();
    let core_module = b"\0asm\x01\0\0\0";
    for (name, bytes) in [
        ("text.wasm", &b"not a component"[..]),
        ("core.wasm", core_module),
        ("empty.wasm", b""),
    ] {
        std::fs::write(session.path().join(name), bytes).unwrap();
        for command in ["provider add", "provider inspect"] {
            let told = session.fails(1, &format!("{command} {name}"));
            assert!(told.contains(name), "{told}");
        }
    }
    check(
        &session,
        &[
            (
                1,
                "provider add no-such-file.wasm",
                &["there is no file `no-such-file.wasm`"],
            ),
            (1, "provider add text.wasm", &["not a WebAssembly component"]),
            (1, "provider inspect nothing", &["there is no provider `nothing`"]),
            (1, "provider remove nothing --yes", &["there is no provider `nothing`"]),
        ],
    );
}

/// The compiled-in provider says what it lacks before it looks for a daemon.
#[cfg(feature = "libvirt")]
#[test]
fn an_ability_that_the_provider_lacks_is_named() {
    let session = Session::empty();
    session.done("create connection local --provider libvirt --no-check");
    let told = session.fails(1, "list bucket");
    for text in [
        "connection `local`",
        "provider `libvirt` does not have the ability `buckets`",
        "hint: it has: ",
    ] {
        assert!(told.contains(text), "{told}");
    }
}

#[test]
fn a_broken_file_is_reported_with_line_and_column() {
    let session = Session::with_lab();
    let file = session.connection_file("lab");
    for (text, expected) in [
        (
            "provider = \"fake\"\nprovidr = 1\n",
            &["line 2, column 1", "providr"][..],
        ),
        ("provider = \"fake\"\n[grants]\nstate_kb = 1\n", &["line 3", "state_kb"]),
        ("provider = \n", &["line 1"]),
        ("", &["provider"]),
    ] {
        std::fs::write(&file, text).unwrap();
        let told = session.fails(1, "list vm");
        assert!(told.contains("lab.toml"), "{told}");
        for part in expected {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn what_was_typed_wrong_is_a_usage_error() {
    let session = Session::with_lab();
    check(
        &session,
        &[
            (2, "lsit vm", &["list"]),
            (2, "list machines", &["machines"]),
            (2, "list vm -o xml", &["json"]),
            (2, "info vm", &["NAME"]),
            (2, "create vm", &["NAME"]),
            (2, "create vm a --memory 1.5g", &["--memory"]),
            (2, "create vm a --disk 10,colour=red", &["colour"]),
            (2, "create vm a --nic lan --network lan", &["--nic"]),
            (2, "create vm a --no-start --wait-ip 1", &["--wait-ip"]),
            (2, "create vm a -P nothing", &["NAME=VALUE"]),
            (2, "create vm a -P a=1 -P a=2", &["option `a` is given twice"]),
            (2, "stop vm a --force --timeout 1", &["--force"]),
            (2, "create image a", &["--file", "--url"]),
            (2, "create image a --url u --sha256 12", &["64 hexadecimal digits"]),
            (
                2,
                "delete vm a",
                &["refusing to delete vm `a` of connection `lab`", "hint: add `--yes`"],
            ),
            (
                2,
                "create connection x --provider fake --grant-all --grant-none",
                &["--grant-none"],
            ),
            (
                2,
                "create connection x --provider fake --grant-all --insecure",
                &["asks for no endpoint"],
            ),
            (
                2,
                "create connection x --provider fake --grant-all --credential a=canary",
                &["bearer:SOURCE"],
            ),
        ],
    );
}

#[test]
fn without_a_connection_the_way_to_one_is_shown() {
    check(
        &Session::empty(),
        &[
            (2, "list vm", &["there is no connection", "hint: create one"]),
            (2, "list vm -c all", &["there is no connection"]),
            (1, "list vm -c lab", &["there is no connection `lab`"]),
        ],
    );
}
