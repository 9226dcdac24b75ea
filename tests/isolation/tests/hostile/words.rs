//! Words for the operator: too many, too long, or made to drive a terminal.

use serde_json::json;
use stockade::call::LogLevel;
use stockade::contract::ErrorKind;

use crate::lab::{Lab, Setup, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_harmless_call_works",
        attempts: &["attempt greet"],
        run: harmless,
    },
    Trial {
        name: "log_lines_beyond_the_limit_are_dropped_and_counted",
        attempts: &["attempt log"],
        run: log_flood,
    },
    Trial {
        name: "log_lines_are_cut_and_cannot_drive_a_terminal",
        attempts: &["attempt log"],
        run: hostile_lines,
    },
    Trial {
        name: "progress_is_limited_and_stays_a_percentage",
        attempts: &["attempt progress"],
        run: progress_flood,
    },
    Trial {
        name: "progress_that_comes_too_fast_is_folded",
        attempts: &["attempt progress"],
        run: fast_progress,
    },
    Trial {
        name: "the_words_of_an_error_are_cut_and_cannot_drive_a_terminal",
        attempts: &["attempt complain"],
        run: hostile_error,
    },
];

/// Colours, a second line, a carriage return, an 8-bit control, and text that reads backwards.
const HOSTILE: &str = "a\u{1b}[31mb\nc\rd\u{9b}2Je\u{202e}f";
const CLEAN: &str = "a [31mb c d 2Je f";

fn harmless(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing());
    let seen = lab.attempt(&service, "greet", json!({})).unwrap();
    assert_eq!(seen, json!({ "hello": service.connection() }));
}

fn log_flood(lab: &Lab) {
    let (service, recorder) = lab.connect(&Setup::nothing().limits(|limits| limits.log_lines = 10));
    lab.attempt(&service, "log", json!({ "times": 25, "message": "line" }))
        .unwrap();
    let mut expected = vec![(LogLevel::Info, "line".to_owned()); 10];
    expected.push((LogLevel::Warn, "15 log lines beyond the limit were dropped".to_owned()));
    assert_eq!(*recorder.lines.lock().unwrap(), expected);
}

fn hostile_lines(lab: &Lab) {
    let (service, recorder) = lab.connect(&Setup::nothing().limits(|limits| limits.log_line_bytes = 30));
    for message in [HOSTILE, &"x".repeat(100_000)] {
        lab.attempt(&service, "log", json!({ "times": 1, "message": message }))
            .unwrap();
    }
    let lines: Vec<String> = recorder
        .lines
        .lock()
        .unwrap()
        .iter()
        .map(|(_, line)| line.clone())
        .collect();
    assert_eq!(lines, [CLEAN.to_owned(), format!("{}…", "x".repeat(30))]);
}

fn progress_flood(lab: &Lab) {
    let (service, recorder) = lab.connect(&Setup::nothing().limits(|limits| limits.progress_reports = 10));
    lab.attempt(&service, "progress", json!({ "times": 25, "message": HOSTILE }))
        .unwrap();
    assert_eq!(
        *recorder.progress.lock().unwrap(),
        vec![(Some(100), CLEAN.to_owned()); 10]
    );
}

fn fast_progress(lab: &Lab) {
    let report = |per_second: u32| {
        let setup = Setup::nothing().limits(|limits| limits.progress_per_second = per_second);
        let (service, recorder) = lab.connect(&setup);
        lab.attempt(&service, "progress", json!({ "times": 5_000, "message": "working" }))
            .unwrap();
        recorder.progress.lock().unwrap().len()
    };
    let folded = report(1);
    assert!(
        (2..5_000).contains(&folded),
        "the first, the last, and one for each second: {folded}"
    );
    assert_eq!(report(1_000_000), 5_000);
}

fn hostile_error(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing().limits(|limits| limits.log_line_bytes = 30));
    let complain = |times: u32| {
        let arguments = json!({ "times": times, "message": HOSTILE });
        lab.attempt(&service, "complain", arguments).unwrap_err()
    };
    let error = complain(1);
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert_eq!(error.cause().message, CLEAN);
    let error = complain(10_000);
    assert!(error.cause().message.len() < 40, "{error}");
    assert!(error.cause().message.starts_with(CLEAN), "{error}");
}
