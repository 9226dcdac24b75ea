//! Waiting for what the services do in their own time.

use stockade_provider::host::Host;
use stockade_provider::types::Error;

/// The longest that one wait may take, in milliseconds: a call has two minutes by default, and must still be able to
/// clean up after a wait that was in vain.
pub(crate) const BUDGET_MS: u32 = 75_000;

/// The first pause in milliseconds; it grows by half each time.
const FIRST_PAUSE_MS: u32 = 200;

/// The longest pause in milliseconds.
const LONGEST_PAUSE_MS: u32 = 2_000;

/// Looks again and again, until there is something to answer; none when the budget is used up first.
///
/// # Errors
/// What a look failed with.
pub(crate) fn until<H: Host, T>(
    host: &H,
    budget_ms: u32,
    mut look: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<Option<T>, Error> {
    let (mut waited_ms, mut pause_ms) = (0, FIRST_PAUSE_MS);
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if waited_ms >= budget_ms {
            return Ok(None);
        }
        host.sleep(pause_ms);
        waited_ms += pause_ms;
        pause_ms = (pause_ms + pause_ms / 2).min(LONGEST_PAUSE_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::fake_host::FakeHost;

    #[test]
    fn it_looks_until_there_is_something_and_not_for_ever() {
        let host = FakeHost::new();
        let mut looks = 0;
        let found = until(&host, 10_000, || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!((found, host.sleeps()), (Ok(Some(3)), vec![200, 300]));
        assert_eq!(until::<_, ()>(&host, 5_000, || Ok(None)), Ok(None));
        let waited: u32 = host.sleeps().iter().sum();
        assert!((5_500..9_000).contains(&waited), "{waited}");
        let failed = until::<_, ()>(&host, 5_000, || Err(Error::conflict("busy")));
        assert_eq!(failed.expect_err("a look that fails").message, "busy");
    }
}
