//! `describe`: what a component can do before anybody granted it anything.

use std::io::Write as _;

use stockade::contract::ErrorKind;
use stockade::{Error, InstalledProvider};
use stockade_test_support::artifacts;

use crate::lab::{Lab, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "inspecting_grants_nothing",
        attempts: &["describe calls"],
        run: calls,
    },
    Trial {
        name: "inspecting_ends_even_if_the_component_does_not",
        attempts: &["describe loops", "describe sleep"],
        run: endless,
    },
    Trial {
        name: "a_self_description_cannot_drive_a_terminal",
        attempts: &[],
        run: hostile_words,
    },
];

/// The hostile component, which tries this when it is described.
pub(crate) fn describing(tries: &str) -> Vec<u8> {
    let mark = stockade_hostile::MARK;
    overwriting(&format!("{mark}plain"), &format!("{mark}{tries}"))
}

/// The hostile component, which says that it is of another version.
pub(crate) fn versioned(version: &str) -> Vec<u8> {
    let said = |version: &str| format!("hostile{version}host");
    overwriting(&said(env!("CARGO_PKG_VERSION")), &said(version))
}

/// The hostile component with one of its texts overwritten by another of that length.
fn overwriting(text: &str, with: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(artifacts::component("hostile")).unwrap();
    let places: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter_map(|(place, window)| (window == text.as_bytes()).then_some(place))
        .collect();
    assert_eq!(
        (places.len(), text.len()),
        (1, with.len()),
        "the component holds `{text}` once"
    );
    bytes[places[0]..places[0] + with.len()].copy_from_slice(with.as_bytes());
    bytes
}

/// Inspects a component.
pub(crate) fn inspect(lab: &Lab, bytes: &[u8]) -> Result<InstalledProvider, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    lab.wait(lab.runtime().inspect_provider(file.path()))
}

fn calls(lab: &Lab) {
    lab.note("describe calls");
    let provider = inspect(lab, &describing("calls")).unwrap();
    assert_eq!(
        provider.info.description,
        "http Err(Fault::Denied) state Err(StateFault::Denied) options 0"
    );
    // The twin: what it asks for is shown all the same.
    assert_eq!(provider.info.endpoints[0].rules.len(), 4);
    assert_eq!(
        inspect(lab, &describing("plain")).unwrap().info.description,
        "it tries every way out"
    );
}

fn endless(lab: &Lab) {
    for (tries, kind, told) in [
        ("loops", ErrorKind::Internal, "`cpu_ms`"),
        ("sleep", ErrorKind::TimedOut, "did not answer"),
    ] {
        lab.note(&format!("describe {tries}"));
        let error = inspect(lab, &describing(tries)).unwrap_err();
        assert_eq!(*error.kind(), kind, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

fn hostile_words(lab: &Lab) {
    for (text, with) in [
        ("it tries every way out", "it tries\u{1b}[2Jry way out"),
        ("kept for no reason", "kept for\nno reason"),
        ("a harmless list", "a\u{202e}rmless list"),
        ("a harmless list", "a harm\u{9b}ss list"),
    ] {
        let error = inspect(lab, &overwriting(text, with)).unwrap_err();
        assert!(error.to_string().contains("describes itself with"), "{with:?}: {error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
    // The twin: other words are as good as its own.
    inspect(lab, &overwriting("kept for no reason", "kept for a purpose")).unwrap();
}
