//! Remembers which thing an idempotency key stands for, for vendors that have no idempotency of their own.
//!
//! The intent is written before the vendor is asked: a call that is repeated after a crash in between finds the key, looks
//! whether the thing came to be, and never makes a second one. Only the newest keys are kept, so that the state is
//! bounded; a key older than that counts as new.

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::types::{Error, StateFault};

/// The state entry that holds all keys.
const STATE_KEY: &str = "idempotency";

/// How many keys are kept: far more than one caller has in flight, at most about 40 KiB of state.
pub const MAX_KEYS: usize = 128;

/// The longest key in bytes, as long as the longest that a big vendor takes twice over (AWS: 64).
const MAX_KEY_BYTES: usize = 128;

/// How often a write is tried again when somebody else wrote at the same time.
const MAX_WRITES: u32 = 8;

/// One remembered key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    key: String,
    name: String,
}

/// What is known about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    /// It was not seen lately.
    New,
    /// It was used for the same name: look whether the thing is there.
    Repeated,
}

/// Looks a key up and remembers it for this name when it is new.
///
/// # Errors
/// `invalid-argument` for `idempotency-key` when it was used for another name or is longer than 128 bytes; what the
/// store answered otherwise.
pub fn claim<H: Host>(host: &H, key: &str, name: &str) -> Result<Recall, Error> {
    let doing = "remembering the idempotency key";
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        let message = format!("an idempotency key has 1 to {MAX_KEY_BYTES} bytes, not {}", key.len());
        return Err(Error::invalid_argument("idempotency-key", message));
    }
    for _ in 0..MAX_WRITES {
        let entry = host.state_get(STATE_KEY).map_err(|fault| fault.to_error(doing))?;
        let mut all: Vec<Remembered> = match &entry {
            None => Vec::new(),
            Some(entry) => serde_json::from_slice(&entry.value)
                .map_err(|error| Error::internal(format!("while {doing}: the stored keys are damaged: {error}")))?,
        };
        match all.iter().find(|remembered| remembered.key == key) {
            Some(remembered) if remembered.name == name => return Ok(Recall::Repeated),
            Some(remembered) => {
                let message = format!(
                    "this idempotency key was used for `{}`; use a new one for `{name}`",
                    remembered.name
                );
                return Err(Error::invalid_argument("idempotency-key", message));
            }
            None => {}
        }
        all.push(Remembered {
            key: key.to_owned(),
            name: name.to_owned(),
        });
        let surplus = all.len().saturating_sub(MAX_KEYS);
        all.drain(..surplus);
        let value = serde_json::to_vec(&all).map_err(|error| Error::internal(format!("while {doing}: {error}")))?;
        match host.state_replace(STATE_KEY, entry.as_ref().map(|entry| entry.version.as_str()), &value) {
            Ok(()) => return Ok(Recall::New),
            Err(StateFault::Conflict) => {}
            Err(fault) => return Err(fault.to_error(doing)),
        }
    }
    Err(StateFault::Conflict.to_error(doing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::FakeHost;
    use crate::types::ErrorKind;

    #[test]
    fn a_key_stands_for_one_name() {
        let host = FakeHost::new();
        host.conflict_next_writes(2);
        assert_eq!(claim(&host, "k", "a"), Ok(Recall::New));
        assert_eq!(claim(&host, "k", "a"), Ok(Recall::Repeated));
        let error = claim(&host, "k", "b").expect_err("another name");
        assert_eq!(error.kind, ErrorKind::InvalidArgument("idempotency-key".to_owned()));
        assert_eq!(claim(&host, "k2", "a"), Ok(Recall::New));
    }

    #[test]
    fn only_the_newest_keys_are_kept() {
        let host = FakeHost::new();
        for index in 0..=MAX_KEYS {
            assert_eq!(claim(&host, &format!("k{index}"), "a"), Ok(Recall::New));
        }
        assert_eq!(claim(&host, "k1", "a"), Ok(Recall::Repeated));
        assert_eq!(claim(&host, "k0", "a"), Ok(Recall::New));
    }

    #[test]
    fn endless_conflicts_are_an_error() {
        let host = FakeHost::new();
        host.conflict_next_writes(100);
        assert_eq!(claim(&host, "k", "a").expect_err("conflict").kind, ErrorKind::Conflict);
    }
}
