//! Tries the addresses of a host until one answers: RFC 8305 ("happy eyeballs"), sections 4 and 5.
//!
//! Families alternate, so that a broken IPv6 costs a quarter of a second and not the whole time; an attempt that fails is
//! followed by the next at once. It neither resolves nor checks: the connector passes what it has checked.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

/// How many addresses are tried at most. A name may have hundreds; this protects their owners and the host's descriptors.
pub(super) const MOST_ADDRESSES: usize = 8;
/// From one attempt to the next while neither has failed: RFC 8305, section 8, recommends 250 ms.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The first connection that comes about; none when every attempt failed. Attempts that lose are dropped.
pub(super) async fn dial<C, F>(addresses: &[IpAddr], connect: impl Fn(IpAddr) -> F) -> Option<C>
where
    F: Future<Output = io::Result<C>>,
{
    let mut waiting = alternated(addresses).into_iter().take(MOST_ADDRESSES);
    let mut attempts = FuturesUnordered::new();
    loop {
        attempts.extend(waiting.next().map(&connect));
        tokio::select! {
            // None when no attempt is left, after the last address too.
            ended = attempts.next() => match ended {
                Some(Ok(connection)) => return Some(connection),
                Some(Err(_)) => {}
                None => return None,
            },
            () = sleep(ATTEMPT_DELAY), if waiting.len() > 0 => {}
        }
    }
}

/// The addresses, families alternating and beginning with the first one's, each family in the resolver's order.
pub(super) fn alternated(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let first_is_v4 = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (mut one, mut two): (Vec<_>, Vec<_>) = addresses
        .iter()
        .copied()
        .partition(|address: &IpAddr| address.is_ipv4() == first_is_v4);
    let mut all = Vec::with_capacity(addresses.len());
    one.reverse();
    two.reverse();
    while !(one.is_empty() && two.is_empty()) {
        all.extend(one.pop());
        all.extend(two.pop());
    }
    all
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate_and_keep_their_order() {
        let given = addresses(&["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"]);
        let expected = addresses(&["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"]);
        assert_eq!(alternated(&given), expected);
        assert!(alternated(&[]).is_empty());
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_keep_the_next_one_waiting() {
        let given = addresses(&["2001:db8::1", "192.0.2.1"]);
        let connect = |address: IpAddr| async move {
            if address.is_ipv6() {
                pending::<()>().await;
            }
            Ok(address)
        };
        assert_eq!(dial(&given, connect).await, Some(given[1]));
    }

    #[tokio::test]
    async fn only_so_many_addresses_are_tried() {
        let given: Vec<IpAddr> = (0..100).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        let tried = Mutex::new(Vec::new());
        let connect = |address: IpAddr| {
            tried.lock().unwrap().push(address);
            async { Err::<(), _>(io::Error::other("refused")) }
        };
        assert_eq!(dial(&given, connect).await, None);
        assert_eq!(*tried.lock().unwrap(), given[..MOST_ADDRESSES]);
        assert_eq!(dial(&[], |_| pending::<io::Result<()>>()).await, None);
    }
}
