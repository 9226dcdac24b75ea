//! `--record` and `--replay`: the same command gives the same answer, without the vendor.

use std::path::Path;

use crate::session::{Session, finish};
use crate::vendor;

const READING: &str = r#"{ methods = ["GET"], path = "/**" }"#;

#[test]
fn a_replayed_command_answers_the_same_without_network_state_or_trace() {
    let recorded = Session::empty();
    vendor::connect(&recorded, "lab", vendor::start(), READING);
    let file = recorded.path().join("recording.jsonl");
    let file = file.display();
    let answer = recorded.done(&format!("list vm --record {file} -o json"));

    // Another computer: nobody listens at that port, and nothing is granted.
    let replayed = Session::empty();
    vendor::connect(&replayed, "lab", 1, "");
    assert_eq!(replayed.done(&format!("list vm --replay {file} -o json")), answer);
    assert!(!replayed.path().join("data/audit").exists());
    assert!(!replayed.path().join("data/state").exists());

    // The same behind the second wall.
    let connection = replayed.connection_file("lab");
    let text = std::fs::read_to_string(&connection).unwrap();
    std::fs::write(&connection, format!("isolation = \"process\"\n{text}")).unwrap();
    assert_eq!(replayed.done(&format!("list vm --replay {file} -o json")), answer);

    let other = replayed.fails(1, &format!("list pool --replay {file}"));
    assert!(
        other.contains("the recording has no further call of `pools/list-pools`"),
        "{other}"
    );
    let text = std::fs::read_to_string(file.to_string()).unwrap();
    let changed = replayed.path().join("changed.jsonl");
    std::fs::write(&changed, text.replace("[\"vms\"]", "[\"other\"]")).unwrap();
    let misfit = replayed.fails(1, &format!("list vm --replay {}", changed.display()));
    for expected in [
        "the recording has no answer to `GET api/vms`",
        "expects `GET api/other`",
    ] {
        assert!(misfit.contains(expected), "{misfit}");
    }
    let again = recorded.fails(1, &format!("list vm --record {file}"));
    assert!(again.contains("are not overwritten"), "{again}");
}

#[test]
fn state_clock_and_chance_are_replayed_and_not_kept() {
    let recorded = Session::with_lab();
    let file = recorded.path().join("recording.jsonl");
    let command = format!(
        "create vm web-1 -c lab --image tiny -o json --record {}",
        file.display()
    );
    let answer = recorded.done(&command);
    let replayed = Session::with_lab();
    assert_eq!(replayed.done(&command.replace("--record", "--replay")), answer);
    assert_eq!(replayed.json("list vm"), serde_json::json!([]));
    assert_eq!(recorded.json("list vm").as_array().unwrap().len(), 1);

    // Of another build: refused, until whoever keeps the recording says that it fits.
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("\"digest\":\"").unwrap();
    std::fs::write(&file, format!("{before}\"digest\":\"x{}", &after[1..])).unwrap();
    let refused = replayed.fails(1, &command.replace("--record", "--replay"));
    assert!(refused.contains("another build of provider `fake`"), "{refused}");
    let (_, after) = after.split_once('"').unwrap();
    std::fs::write(&file, format!("{}{after}", before.trim_end_matches(','))).unwrap();
    assert_eq!(replayed.done(&command.replace("--record", "--replay")), answer);
}

#[test]
fn recordings_are_only_of_commands_that_call_a_provider() {
    let session = Session::with_lab();
    for command in [
        "audit list",
        "provider list",
        "list connection",
        "grants show lab",
        "serve",
    ] {
        session.fails(2, &format!("{command} --replay x"));
        session.fails(2, &format!("{command} --record x"));
    }
    assert!(!session.path().join("x").exists());
    let missing = session.fails(1, "list vm --replay missing.jsonl");
    assert!(missing.contains("missing.jsonl"), "{missing}");
    assert_eq!(session.run("list vm --record a --replay b").code, Some(2));
}

/// The pattern for a provider's own tests: a recording of the vendor, kept beside the provider, and what the provider must
/// make of it. The recording has no digest: it is for every build.
#[test]
fn a_kept_recording_tests_the_provider_offline() {
    let session = Session::empty();
    vendor::connect(&session, "lab", 1, "");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/recordings");
    let mut command = session.command("list vm -c lab -o json --replay");
    let ended = finish(command.arg(fixtures.join("web-list-vms.jsonl")));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = std::fs::read_to_string(fixtures.join("web-list-vms.json")).unwrap();
    assert_eq!(ended.stdout, expected);
}
