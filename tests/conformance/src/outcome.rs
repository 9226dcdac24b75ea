//! How trials say that a claim does not hold.

use std::fmt::Debug;

use libtest_mimic::Failed;
use stockade::contract::ErrorKind;
use stockade::{Error, Result};

/// What a trial ends with.
pub(crate) type Outcome<T = ()> = Result<T, Failed>;

/// Ends the trial unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(libtest_mimic::Failed::from(format!($($words)+)));
        }
    };
}
pub(crate) use ensure;

/// The error of an answer that must be one of these kinds.
pub(crate) fn refused<T: Debug>(answer: Result<T>, kinds: &[&str]) -> Outcome<Error> {
    match answer {
        Ok(answer) => Err(format!("succeeded with {answer:?}; it should be {}", kinds.join(" or ")).into()),
        Err(error) if kinds.contains(&error.kind().name()) => {
            ensure!(
                !error.cause().message.trim().is_empty(),
                "{} without a message",
                error.kind().name()
            );
            Ok(error)
        }
        Err(error) => Err(format!(
            "is `{}` ({error}); it should be {}",
            error.kind().name(),
            kinds.join(" or ")
        )
        .into()),
    }
}

/// Checks that an answer is `not-found` for the thing that was named.
pub(crate) fn not_found<T: Debug>(answer: Result<T>, name: &str) -> Outcome {
    let error = refused(answer, &["not-found"])?;
    names_subject(&error, name)
}

/// Checks that an answer is `already-exists` for the thing that was named.
pub(crate) fn already_exists<T: Debug>(answer: Result<T>, name: &str) -> Outcome {
    let error = refused(answer, &["already-exists"])?;
    names_subject(&error, name)
}

fn names_subject(error: &Error, name: &str) -> Outcome {
    match error.kind() {
        ErrorKind::NotFound(subject) | ErrorKind::AlreadyExists(subject) => {
            ensure!(
                subject.name == name,
                "the error is about {} `{}`, not `{name}`",
                subject.noun,
                subject.name
            );
            Ok(())
        }
        kind => Err(format!("`{}` names nothing", kind.name()).into()),
    }
}
