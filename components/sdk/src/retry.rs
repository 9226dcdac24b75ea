//! Sends a request again when that is safe and likely to help, and never otherwise.
//!
//! - 429, and the host's own rate limit: the request was refused unseen, so any request is sent again.
//! - 502, 503 and 504: only a request that may run twice.
//! - 500: only a request that merely reads.
//! - No response at all (connection, time limit): never. Whether it happened is unknown, and the service above decides.
//!
//! Attempts and the time spent waiting are bounded; when the server asks for a longer wait than is left, its answer is
//! returned at once, so that the caller learns the delay.

use crate::host::Host;
use crate::types::{Fault, Request, Response};

/// How often and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The most times that a request is sent, at least 1.
    pub max_attempts: u32,
    /// The longest wait over all attempts, in milliseconds.
    pub max_total_wait_ms: u32,
    /// The first wait when the server names none, in milliseconds; it doubles with each attempt.
    pub first_wait_ms: u32,
    /// Whether the request may run twice although its method does not say so: it carries an idempotency key.
    pub is_repeatable: bool,
}

impl Default for Retry {
    /// Four attempts and at most ten seconds of waiting, half of what a person endures in front of a list.
    fn default() -> Self {
        Self {
            max_attempts: 4,
            max_total_wait_ms: 10_000,
            first_wait_ms: 250,
            is_repeatable: false,
        }
    }
}

impl Retry {
    /// Sends the request, again where the rules allow it.
    ///
    /// # Errors
    /// The fault of the last attempt.
    pub fn send<H: Host>(&self, host: &H, request: &Request) -> Result<Response, Fault> {
        self.send_judged(host, request, |_| None)
    }

    /// As [`Retry::send`], for a vendor whose answers say by more than their status whether another attempt helps:
    /// `judge` answers true for again, false for never, and none for what the status says.
    ///
    /// # Errors
    /// The fault of the last attempt.
    pub fn send_judged<H: Host>(
        &self,
        host: &H,
        request: &Request,
        judge: impl Fn(&Response) -> Option<bool>,
    ) -> Result<Response, Fault> {
        let mut waited_ms = 0;
        let mut wait_ms = self.first_wait_ms;
        for _ in 1..self.max_attempts {
            let outcome = host.send(request.clone());
            let verdict = outcome.as_ref().ok().and_then(&judge);
            let wish = match (&outcome, verdict) {
                (Ok(response), Some(true)) => Some(wish(host, response)),
                (_, Some(false)) => None,
                _ => self.wait_wish(host, request, &outcome),
            };
            let Some(wish) = wish else {
                return outcome;
            };
            let this_wait_ms = wish.unwrap_or(wait_ms);
            if this_wait_ms > self.max_total_wait_ms - waited_ms {
                return outcome;
            }
            host.sleep(this_wait_ms);
            waited_ms += this_wait_ms;
            wait_ms = wait_ms.saturating_mul(2);
        }
        host.send(request.clone())
    }

    /// None when the outcome stands; otherwise the wait that the server asks for, none within when it names none.
    fn wait_wish<H: Host>(
        &self,
        host: &H,
        request: &Request,
        outcome: &Result<Response, Fault>,
    ) -> Option<Option<u32>> {
        let is_repeatable = self.is_repeatable || request.is_idempotent();
        match outcome {
            Err(Fault::RateLimited(delay_ms)) => Some(Some(*delay_ms)),
            Err(_) => None,
            Ok(response) => match response.status {
                429 => Some(wish(host, response)),
                502..=504 if is_repeatable => Some(wish(host, response)),
                500 if request.is_safe() => Some(wish(host, response)),
                _ => None,
            },
        }
    }
}

/// The delay in `Retry-After`. The clock is asked only when the header is there.
fn wish<H: Host>(host: &H, response: &Response) -> Option<u32> {
    response.header("retry-after")?;
    response.retry_after_ms(Some(&host.now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::FakeHost;

    fn run(
        method: &str,
        is_repeatable: bool,
        answers: &[Result<Response, Fault>],
    ) -> (Result<Response, Fault>, usize, Vec<u32>) {
        let host = FakeHost::new();
        for answer in answers {
            host.answer(answer.clone());
        }
        let retry = Retry {
            is_repeatable,
            ..Retry::default()
        };
        let outcome = retry.send(&host, &Request::new("api", method, ["a"]));
        (outcome, host.requests().len(), host.sleeps())
    }

    fn status(status: u16) -> Result<Response, Fault> {
        Ok(Response::new(status))
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        for (method, is_repeatable, first, expected_requests) in [
            ("GET", false, status(500), 2),
            ("GET", false, status(503), 2),
            ("GET", false, status(404), 1),
            ("GET", false, Err(Fault::Timeout), 1),
            ("GET", false, Err(Fault::Connect), 1),
            ("GET", false, Err(Fault::Denied), 1),
            ("DELETE", false, status(503), 2),
            ("DELETE", false, status(500), 1),
            ("POST", false, status(503), 1),
            ("POST", false, status(500), 1),
            ("POST", false, status(429), 2),
            ("POST", false, Err(Fault::RateLimited(5)), 2),
            ("POST", true, status(503), 2),
            ("POST", true, Err(Fault::Timeout), 1),
            ("UPDATE", false, status(502), 1),
        ] {
            let (_, requests, _) = run(method, is_repeatable, &[first.clone(), status(200)]);
            assert_eq!(
                requests, expected_requests,
                "{method} {first:?} repeatable={is_repeatable}"
            );
        }
    }

    #[test]
    fn waits_as_the_server_asks_and_doubles_otherwise() {
        let limited = |value| Ok(Response::new(429).with_header("retry-after", value));
        let (outcome, _, sleeps) = run(
            "GET",
            false,
            &[limited("2"), limited("Thu, 01 Jan 2026 00:00:05 GMT"), status(200)],
        );
        assert_eq!(
            (outcome.map(|response| response.status), sleeps),
            (Ok(200), vec![2000, 3000])
        );
        let (outcome, _, sleeps) = run("GET", false, &[status(503), status(503), status(503), status(503)]);
        assert_eq!(
            (outcome.map(|response| response.status), sleeps),
            (Ok(503), vec![250, 500, 1000])
        );
    }

    #[test]
    fn a_vendors_own_word_goes_before_the_status() {
        let host = FakeHost::new();
        for body in ["slow down", "no such thing"] {
            host.answer(Ok(Response::new(503).with_body(body)));
        }
        let request = Request::new("api", "POST", ["a"]);
        let outcome = Retry::default().send_judged(&host, &request, |response| match &response.body[..] {
            b"slow down" => Some(true),
            _ => Some(false),
        });
        assert_eq!(outcome.map(|response| response.body), Ok(b"no such thing".to_vec()));
        assert_eq!((host.requests().len(), host.sleeps()), (2, vec![250]));
    }

    #[test]
    fn a_longer_wait_than_allowed_is_left_to_the_caller() {
        let limited = Ok(Response::new(429).with_header("retry-after", "3600"));
        let (outcome, requests, sleeps) = run("GET", false, &[limited]);
        assert_eq!(outcome.expect("response").retry_after_ms(None), Some(3_600_000));
        assert_eq!((requests, sleeps), (1, vec![]));
    }
}
