//! What a server's clock says, for signatures that are valid only near its time.
//!
//! A host's clock is wrong after a resume or in a fresh VM, and then every signed request is refused. The refusal has a
//! `Date`, from which the difference is learned, once for all requests of the credential. A server gains this by lying:
//! it is sent requests that are dated up to [`FARTHEST`] from the host's time, so that somebody who reads one on a
//! plain-text connection can repeat that same request for so long instead of some minutes. It gains no other request.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::DATE;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The least difference that explains a refusal. Signatures are accepted for five minutes and longer around the server's
/// time: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>.
const TOLERATED: Duration = Duration::from_secs(4 * 60);
/// The largest difference that is believed. A clock that was set to local time is 14 hours off at most.
pub(super) const FARTHEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of the clock of one endpoint's server.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Learned>);

#[derive(Debug, Default, Clone, Copy)]
struct Learned {
    /// What to add to the host's time.
    ahead: time::Duration,
    /// How often it was corrected.
    generation: u64,
}

impl ServerClock {
    /// The server's time, as far as it is known, and the generation of this knowledge.
    pub(super) fn now(&self, host: SystemTime) -> (OffsetDateTime, u64) {
        let learned = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = OffsetDateTime::from(host);
        (host.checked_add(learned.ahead).unwrap_or(host), learned.generation)
    }

    /// Learns from the headers of a refusal. True when what was signed by the knowledge of `generation` would be dated
    /// otherwise now.
    pub(super) fn learn(&self, host: SystemTime, generation: u64, headers: &HeaderMap) -> bool {
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.generation != generation {
            return true;
        }
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(server) = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok()) else {
            return false;
        };
        let ahead = server - OffsetDateTime::from(host);
        if ahead.unsigned_abs() > FARTHEST || (ahead - learned.ahead).unsigned_abs() < TOLERATED {
            return false;
        }
        *learned = Learned {
            ahead,
            generation: generation + 1,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(date: &str) -> HeaderMap {
        HeaderMap::from_iter([(DATE, date.parse().unwrap())])
    }

    #[test]
    fn a_servers_clock_is_learned_once_and_not_believed_when_far_off() {
        let host = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160); // 2015-08-30 12:36:00
        let clock = ServerClock::default();
        let (before, generation) = clock.now(host);
        for (date, believed) in [
            ("Sun, 30 Aug 2015 12:39:59 GMT", false),
            ("Mon, 31 Aug 2015 12:36:01 GMT", false),
            ("Sat, 29 Aug 2015 12:35:59 GMT", false),
            ("2015-08-30", false),
            ("Sun, 30 Aug 2015 13:36:00 GMT", true),
        ] {
            assert_eq!(clock.learn(host, generation, &refusal(date)), believed, "{date}");
        }
        assert!(!clock.learn(host, generation + 1, &HeaderMap::new()));
        let (after, next) = clock.now(host);
        assert_eq!((after - before, next), (time::Duration::HOUR, generation + 1));
        // A request that was on its way meanwhile is sent again; one that was dated right is not.
        assert!(clock.learn(host, generation, &HeaderMap::new()));
        assert!(!clock.learn(host, next, &refusal("Sun, 30 Aug 2015 13:37:00 GMT")));
        // Differences do not add up.
        assert!(!clock.learn(host, next, &refusal("Mon, 31 Aug 2015 13:36:00 GMT")));
    }
}
