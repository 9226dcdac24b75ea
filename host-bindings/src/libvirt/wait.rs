//! Waits for what a guest does in its own time: letting go of a device, giving memory back.

use std::time::{Duration, Instant};

use crate::contract::{Error, ErrorKind};

use super::error::Fault;

/// How long a guest may take. A booting one answers no hot-plug request at all; a busy one needs a second or two.
pub(super) const GUEST_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks until `is_done` says so.
///
/// # Errors
/// `timed-out` with `what` as the message when the guest took too long; the look's own error.
pub(super) fn wait_for_guest(
    limit: Duration,
    what: impl FnOnce() -> String,
    mut is_done: impl FnMut() -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let deadline = Instant::now() + limit;
    while !is_done()? {
        if Instant::now() >= deadline {
            return Err(Error::new(ErrorKind::TimedOut, what()).into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_takes_too_long_is_timed_out_with_the_reason() {
        let fault = wait_for_guest(Duration::ZERO, || "it hangs".to_owned(), || Ok(false)).unwrap_err();
        assert_eq!(
            (fault.error.kind.name(), fault.error.message.as_str()),
            ("timed-out", "it hangs")
        );
        let mut looks = 0;
        wait_for_guest(
            GUEST_LIMIT,
            || unreachable!(),
            || {
                looks += 1;
                Ok(looks == 3)
            },
        )
        .unwrap();
        assert_eq!(looks, 3);
    }
}
