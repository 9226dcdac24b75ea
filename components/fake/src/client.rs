//! The store of things: the only file that touches the host.
//!
//! Each thing is one entry of the connection's state, as JSON under `noun/name`. A change reads the entry, changes it and
//! writes it back at the version that was read; when somebody else wrote in between, it starts again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use stockade_provider::host::{Blob, Host};
use stockade_provider::idempotency::{self, Recall};
use stockade_provider::types::{ByteSize, Entry, Error, StateFault};

use crate::cloud;
use crate::config::Config;
use crate::events::Kind;
use crate::records::Thing;

/// How often a change is tried again before somebody else is let win. All changes meet at the counter and the journal.
const MAX_WRITES: u32 = 64;

/// The longest name in bytes: encoded, it must fit into a state key of 200 bytes.
const MAX_NAME_BYTES: usize = 60;

/// The most bytes that one read of a blob gives.
const BLOB_STEP: u32 = 1 << 20;

/// Counts everything that was ever made, so that no id, address or MAC is given twice.
const COUNTER_KEY: &str = "counter";

/// The first number given; lower ones are those of what is there at first.
const FIRST_NUMBER: u32 = 100;

/// The simulated cloud behind a connection.
#[derive(Debug)]
pub(crate) struct Client<'a, H> {
    pub(crate) host: &'a H,
    pub(crate) config: Config,
}

impl<'a, H: Host> Client<'a, H> {
    /// Begins a call of this function: waits and fails as the connection's options say, and fills an empty cloud.
    pub(crate) fn open(host: &'a H, function: &str) -> Result<Self, Error> {
        let config = Config::of(&host.connection_options())?;
        let client = Self { host, config };
        if client.config.latency_ms > 0 {
            host.sleep(client.config.latency_ms);
        }
        client.fail_on_demand(function)?;
        if client.read_entry(COUNTER_KEY)?.is_none() {
            cloud::seed(&client)?;
            client.next_number()?;
        }
        Ok(client)
    }

    fn fail_on_demand(&self, function: &str) -> Result<(), Error> {
        let Some(rule) = self.config.failures.iter().find(|rule| rule.function == function) else {
            return Ok(());
        };
        let Some(times) = rule.times else {
            return Err(rule.error());
        };
        if self.count(&format!("failures/{function}"), times)? < times {
            Err(rule.error())
        } else {
            Ok(())
        }
    }

    /// Counts up to a limit and answers how often it was counted before.
    fn count(&self, key: &str, limit: u32) -> Result<u32, Error> {
        self.retry(key, || {
            let entry = self.host.state_get(key)?;
            let before = entry.as_ref().map_or(0, |entry| {
                String::from_utf8_lossy(&entry.value).parse::<u32>().unwrap_or(0)
            });
            if before < limit {
                self.host
                    .state_replace(key, version(entry.as_ref()), (before + 1).to_string().as_bytes())?;
            }
            Ok(Ok(before))
        })
    }

    /// A number that was never given before in this connection.
    pub(crate) fn next_number(&self) -> Result<u32, Error> {
        self.count(COUNTER_KEY, u32::MAX)
            .map(|before| before.saturating_add(FIRST_NUMBER))
    }

    /// The time now.
    pub(crate) fn now(&self) -> String {
        self.host.now()
    }

    /// Reports progress.
    pub(crate) fn progress(&self, percent: u8, message: &str) {
        self.host.progress(Some(percent), message);
    }

    /// Whether an idempotency key was used for this VM before.
    pub(crate) fn is_repeated(&self, key: Option<&str>, name: &str) -> Result<bool, Error> {
        key.map_or(Ok(false), |key| {
            idempotency::claim(self.host, key, name).map(|recall| recall == Recall::Repeated)
        })
    }

    /// Reads a blob from beginning to end.
    pub(crate) fn read_blob(&self, content: &H::Blob, mut each: impl FnMut(&[u8])) -> Result<ByteSize, Error> {
        let mut offset = 0_u64;
        loop {
            let bytes = content
                .read(ByteSize::from_bytes(offset), BLOB_STEP)
                .map_err(|fault| fault.to_error("reading the image's content"))?;
            if bytes.is_empty() {
                return Ok(ByteSize::from_bytes(offset));
            }
            offset += bytes.len() as u64;
            each(&bytes);
        }
    }

    pub(crate) fn read_entry(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.host
            .state_get(key)
            .map_err(|fault| fault.to_error(&format!("reading `{key}`")))
    }

    /// Runs a read and write until nobody interferes. The inner result is the caller's own.
    pub(crate) fn retry<R>(
        &self,
        key: &str,
        attempt: impl Fn() -> Result<Result<R, Error>, StateFault>,
    ) -> Result<R, Error> {
        for _ in 1..MAX_WRITES {
            match attempt() {
                Err(StateFault::Conflict) => {}
                Err(fault) => return Err(fault.to_error(&format!("changing `{key}`"))),
                Ok(result) => return result,
            }
        }
        Err(StateFault::Conflict.to_error(&format!("changing `{key}`")))
    }

    /// All things of a kind.
    pub(crate) fn all<T: Thing>(&self) -> Result<Vec<T>, Error> {
        let prefix = format!("{}/", T::NOUN);
        let keys = self
            .host
            .state_list_keys(&prefix)
            .map_err(|fault| fault.to_error(&format!("listing {}s", T::NOUN)))?;
        let mut things = Vec::with_capacity(keys.len());
        for key in keys {
            // What was deleted since the keys were listed is not there any more; that is no failure.
            if let Some(entry) = self.read_entry(&key)? {
                things.push(parse(&key, &entry)?);
            }
        }
        Ok(things)
    }

    /// One thing by id or name; none when there is none.
    pub(crate) fn find<T: Thing>(&self, name_or_id: &str) -> Result<Option<T>, Error> {
        if cloud::is_id(name_or_id)
            && let Some(thing) = self.all::<T>()?.into_iter().find(|thing| thing.id() == name_or_id)
        {
            return Ok(Some(thing));
        }
        let Ok(key) = key::<T>(name_or_id) else {
            return Ok(None);
        };
        self.read_entry(&key)?.map(|entry| parse(&key, &entry)).transpose()
    }

    /// One thing by id or name.
    pub(crate) fn get<T: Thing>(&self, name_or_id: &str) -> Result<T, Error> {
        self.find(name_or_id)?
            .ok_or_else(|| Error::not_found(T::NOUN, name_or_id))
    }

    /// Stores a new thing.
    pub(crate) fn insert<T: Thing>(&self, thing: &T) -> Result<(), Error> {
        self.store(thing)?;
        self.note::<T>(Kind::Created, thing.name())
    }

    fn store<T: Thing>(&self, thing: &T) -> Result<(), Error> {
        let key = key::<T>(thing.name())?;
        let value = to_json(&key, thing)?;
        match self.host.state_replace(&key, None, &value) {
            Err(StateFault::Conflict) if self.read_entry(&key)?.is_some() => {
                Err(Error::already_exists(T::NOUN, thing.name()))
            }
            // Nobody holds the name: the store was only busy.
            Err(StateFault::Conflict) => self.retry(&key, || self.host.state_replace(&key, None, &value).map(Ok)),
            other => other.map_err(|fault| fault.to_error(&format!("creating `{key}`"))),
        }
    }

    /// Changes a thing and answers it. The change may run more than once, each time on a fresh copy.
    pub(crate) fn update<T: Thing>(
        &self,
        name_or_id: &str,
        change: impl Fn(&mut T) -> Result<(), Error>,
    ) -> Result<T, Error> {
        let key = key::<T>(self.get::<T>(name_or_id)?.name())?;
        self.retry(&key, || {
            let Some(entry) = self.host.state_get(&key)? else {
                return Ok(Err(Error::not_found(T::NOUN, name_or_id)));
            };
            let changed = parse::<T>(&key, &entry).and_then(|mut thing| {
                change(&mut thing)?;
                let value = to_json(&key, &thing)?;
                Ok((thing, value))
            });
            let (thing, value) = match changed {
                Ok(changed) => changed,
                Err(error) => return Ok(Err(error)),
            };
            self.host.state_replace(&key, Some(&entry.version), &value)?;
            Ok(Ok(thing))
        })
        .and_then(|thing| self.note::<T>(Kind::Changed, thing.name()).map(|()| thing))
    }

    /// Removes a thing if the check allows it, and answers it.
    pub(crate) fn remove<T: Thing>(
        &self,
        name_or_id: &str,
        check: impl Fn(&T) -> Result<(), Error>,
    ) -> Result<T, Error> {
        let key = key::<T>(self.get::<T>(name_or_id)?.name())?;
        self.retry(&key, || {
            let Some(entry) = self.host.state_get(&key)? else {
                return Ok(Err(Error::not_found(T::NOUN, name_or_id)));
            };
            let thing = match parse::<T>(&key, &entry).and_then(|thing| check(&thing).map(|()| thing)) {
                Ok(thing) => thing,
                Err(error) => return Ok(Err(error)),
            };
            self.host.state_remove(&key, &entry.version)?;
            Ok(Ok(thing))
        })
        .and_then(|thing| self.note::<T>(Kind::Deleted, thing.name()).map(|()| thing))
    }
}

pub(crate) fn version(entry: Option<&Entry>) -> Option<&str> {
    entry.map(|entry| entry.version.as_str())
}

fn parse<T: Thing>(key: &str, entry: &Entry) -> Result<T, Error> {
    from_json(key, entry)
}

pub(crate) fn from_json<T: DeserializeOwned>(key: &str, entry: &Entry) -> Result<T, Error> {
    serde_json::from_slice(&entry.value)
        .map_err(|error| Error::internal(format!("the entry `{key}` is damaged: {error}")))
}

pub(crate) fn to_json(key: &str, thing: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(thing).map_err(|error| Error::internal(format!("the entry `{key}` has no JSON form: {error}")))
}

/// The state key of a name: letters, digits, `.` and `-` as they are, every other byte as `_` and two hex digits.
fn key<T: Thing>(name: &str) -> Result<String, Error> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let message = format!(
            "a {} needs a name of 1 to {MAX_NAME_BYTES} bytes without control characters",
            T::NOUN
        );
        return Err(Error::invalid_argument("name", message));
    }
    let mut key = format!("{}/", T::NOUN);
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => key.push(char::from(byte)),
            _ => key.push_str(&format!("_{byte:02x}")),
        }
    }
    Ok(key)
}
