//! How long a server may be silent before its response begins.
//!
//! A transfer may take hours, so its whole time says nothing about a server that is stuck. While a request's body is
//! being taken, each part is waited for; after it, the response's head. What follows the head is `receive`'s to wait for.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::timeout;

use super::failure::Failure;
use super::fault::Fault;
use super::limits::HttpLimits;

/// Waits for the head of a response as long as the request's body moves, and then for `head_timeout`. It looks once in
/// that time, so a server that stops is found after at most twice as long. `sent` counts the body's bytes.
pub(super) async fn head<T>(
    response: impl Future<Output = T>,
    limits: &HttpLimits,
    sent: &AtomicU64,
) -> Result<T, Failure> {
    let mut response = pin!(response);
    let mut before = sent.load(Ordering::Relaxed);
    loop {
        if let Ok(answer) = timeout(limits.head_timeout, response.as_mut()).await {
            return Ok(answer);
        }
        let now = sent.load(Ordering::Relaxed);
        if now == before {
            return Err(Failure::Fault(Fault::Timeout));
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_server_may_be_silent_only_while_it_takes_the_body() {
        let limits = HttpLimits {
            head_timeout: Duration::from_millis(5),
            ..HttpLimits::default()
        };
        // It is looked at about once in each period, takes a part each time, and then answers or not.
        for (takes, answers) in [(10, true), (10, false), (0, false)] {
            let sent = AtomicU64::new(0);
            let server = poll_fn(|_| {
                if sent.load(Ordering::Relaxed) < takes {
                    sent.fetch_add(1, Ordering::Relaxed);
                    return Poll::Pending;
                }
                if answers { Poll::Ready(()) } else { Poll::Pending }
            });
            let answer = head(server, &limits, &sent).await;
            assert_eq!(sent.load(Ordering::Relaxed), takes, "it was not given up too early");
            match answer {
                Ok(()) => assert!(answers),
                Err(Failure::Fault(fault)) => assert!(!answers && fault == Fault::Timeout),
                Err(denied) => panic!("{denied:?}"),
            }
        }
    }
}
