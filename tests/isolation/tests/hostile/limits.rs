//! Too much of what is shared out: time, memory, stack, data. Each limit ends the call, names itself, and leaves the others
//! alone.

use serde_json::json;
use stockade::contract::ErrorKind;

use crate::lab::{Lab, Setup, Trial, greet};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_guest_that_computes_without_end_is_stopped_and_others_go_on_meanwhile",
        attempts: &["attempt spin"],
        run: spin,
    },
    Trial {
        name: "a_guest_that_sleeps_without_end_is_left",
        attempts: &["attempt sleep"],
        run: sleep,
    },
    Trial {
        name: "a_guest_that_allocates_without_end_is_stopped",
        attempts: &["attempt allocate"],
        run: allocate,
    },
    Trial {
        name: "a_guest_that_recurses_or_panics_ends_its_call_only",
        attempts: &["attempt recurse", "attempt panic"],
        run: recurse_and_panic,
    },
    Trial {
        name: "an_answer_that_is_too_large_is_not_taken",
        attempts: &["attempt huge-answer"],
        run: huge_answer,
    },
    Trial {
        name: "nothing_of_a_call_is_left_for_the_next",
        attempts: &["attempt remember"],
        run: remember,
    },
];

fn spin(lab: &Lab) {
    let (spinning, _) = lab.connect(&Setup::nothing().limits(|limits| limits.cpu_ms = 500));
    let (other, _) = lab.connect(&Setup::nothing());
    let error = lab.wait(async {
        let endless = lab.start(&spinning, "spin", json!({}));
        tokio::pin!(endless);
        // Both are driven by one thread, so the other call can only end if the endless one lets it.
        tokio::select! {
            biased;
            answer = &mut endless => panic!("it ended before the others had a turn: {answer:?}"),
            () = async { for _ in 0..3 { greet(&other).await; } } => {}
        }
        endless.await.unwrap_err()
    });
    assert_eq!(*error.kind(), ErrorKind::Internal);
    assert!(
        error.to_string().contains("`cpu_ms`") && error.to_string().contains("500 ms"),
        "{error}"
    );
    lab.works(&spinning);
}

fn sleep(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing().seconds(1));
    let error = lab.attempt(&service, "sleep", json!({})).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("within 1 s"), "{error}");
}

fn allocate(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing().limits(|limits| limits.memory_mib = 8));
    let error = lab.attempt(&service, "allocate", json!({})).unwrap_err();
    assert!(
        error.to_string().contains("more than 8 MiB") && error.to_string().contains("`memory_mib`"),
        "{error}"
    );
}

fn recurse_and_panic(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing());
    for (attempt, told) in [("recurse", "recursed deeper than its stack"), ("panic", "panicked")] {
        let error = lab.attempt(&service, attempt, json!({})).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains(told), "{error}");
    }
}

fn huge_answer(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing().limits(|limits| limits.host_data_mib = 1));
    let error = lab
        .attempt(&service, "huge-answer", json!({ "kib": 2_048 }))
        .unwrap_err();
    assert!(error.to_string().contains("`host_data_mib`"), "{error}");
    lab.attempt(&service, "huge-answer", json!({ "kib": 512 })).unwrap();
}

fn remember(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing());
    let (other, _) = lab.connect(&Setup::nothing());
    for service in [&service, &service, &other] {
        // 2: within a call the variable does keep its value.
        assert_eq!(lab.attempt(service, "remember", json!({})).unwrap(), 2);
    }
}
