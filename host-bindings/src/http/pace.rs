//! How many requests may leave in a second: a generic cell rate algorithm, which needs one moment and no timer.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What may leave at once after a pause: one second's worth.
const BURST: Duration = Duration::from_secs(1);

/// The pace of one endpoint.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// When the requests that left would be over at the even pace; none before the first.
    spent_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many requests in a second, and as many at once.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self {
            interval: BURST / per_second.get(),
            spent_until: Mutex::new(None),
        }
    }

    /// Takes a turn: the moment from which a request may leave.
    ///
    /// # Errors
    /// How long it would take, when that is after the deadline. No turn is taken then.
    pub(super) fn turn(&self, now: Instant, deadline: Instant) -> Result<Instant, Duration> {
        let mut spent_until = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        let next = spent_until.map_or(now, |until| until.max(now)) + self.interval;
        let turn = next.checked_sub(BURST).map_or(now, |turn| turn.max(now));
        if turn > deadline {
            return Err(turn - now);
        }
        *spent_until = Some(next);
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_at_an_even_pace() {
        let pace = Pace::new(NonZeroU32::new(4).unwrap());
        let now = Instant::now();
        let deadline = now + Duration::from_millis(500);
        let turn = |now| pace.turn(now, deadline).map(|turn| turn - now);
        for expected in [0, 0, 0, 0, 250, 500] {
            assert_eq!(turn(now), Ok(Duration::from_millis(expected)));
        }
        // Beyond the deadline, and asking did not make it later.
        assert_eq!(turn(now), Err(Duration::from_millis(750)));
        assert_eq!(turn(now), Err(Duration::from_millis(750)));
        // A second's pause restores the burst and no more.
        let later = now + Duration::from_secs(10);
        let waits: Vec<_> = (0..5)
            .map(|_| pace.turn(later, later + BURST).map(|turn| (turn - later).as_millis()))
            .collect();
        assert_eq!(waits, [Ok(0), Ok(0), Ok(0), Ok(0), Ok(250)]);
    }
}
