//! At most so many of something in a second: a token bucket that holds one second's worth.
//!
//! The HTTP client makes requests wait for it; progress reports that come too fast are folded together with it. It counts
//! and tells how long to wait; it does not wait itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What an unused bucket lets through at once, as time: it is full again after one second.
const FULL: Duration = Duration::from_secs(1);

/// A rate that several share.
#[derive(Debug)]
pub struct Rate {
    interval: Duration,
    /// When the bucket is full again if nothing more is taken.
    full_at: Mutex<Instant>,
}

impl Rate {
    /// A full bucket for this many in a second; at least one.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self {
            interval: FULL / per_second.max(1),
            full_at: Mutex::new(Instant::now()),
        }
    }

    /// Takes the next place if it comes within `patience`: how long to wait before it is used.
    ///
    /// # Errors
    /// How long the wait would be, when that is longer; nothing is taken.
    pub fn reserve(&self, patience: Duration) -> Result<Duration, Duration> {
        self.reserve_at(Instant::now(), patience)
    }

    fn reserve_at(&self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now) + self.interval;
        let wait = next.duration_since(now).saturating_sub(FULL);
        if wait > patience {
            return Err(wait);
        }
        *full_at = next;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seconds_worth_passes_at_once_and_the_rest_in_equal_steps() {
        let rate = Rate::new(4);
        let now = Instant::now();
        let waits: Vec<u128> = (0..6)
            .map(|_| rate.reserve_at(now, FULL * 9).unwrap().as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 250, 500]);
        // After a pause it is full again, and no fuller than that.
        let later = now + FULL * 60;
        let passed = (0..9).filter(|_| rate.reserve_at(later, Duration::ZERO).is_ok());
        assert_eq!(passed.count(), 4);
    }

    #[test]
    fn whoever_does_not_wait_takes_nothing() {
        let rate = Rate::new(1);
        let now = Instant::now();
        rate.reserve_at(now, Duration::ZERO).unwrap();
        for _ in 0..3 {
            assert_eq!(rate.reserve_at(now, FULL / 2).unwrap_err(), FULL);
        }
        assert_eq!(rate.reserve_at(now, FULL).unwrap(), FULL);
    }
}
