//! Waiting for a condition, with a limit, instead of sleeping for a guess.

use std::time::{Duration, Instant};

/// How long between two looks: short against what tests wait for (a port, a guest), long against a look's cost.
const PAUSE: Duration = Duration::from_millis(25);

/// Asks `condition` again and again until it gives something, for at most `limit`.
///
/// `what` completes "waited N s for". The limit is there to end a broken run, not to measure: choose it generously.
///
/// # Panics
/// When the limit is over.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(
            start.elapsed() < limit,
            "waited {} s for {what}, in vain",
            limit.as_secs()
        );
        std::thread::sleep(PAUSE);
    }
}
