//! The journal of what changed: one entry of the state, which keeps the latest changes.

use serde::{Deserialize, Serialize};

use stockade_provider::abilities::Events;
use stockade_provider::host::Host;
use stockade_provider::types::{Error, Event, EventBatch, EventKind, Subject};

use crate::Fake;
use crate::client::{Client, from_json, to_json, version};
use crate::records::Thing;

/// The entry of the journal.
const KEY: &str = "journal";

/// How many changes are kept.
const MAX_CHANGES: usize = 200;

/// The changes that are remembered, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    /// How many changes there were before the first that is kept.
    forgotten: u64,
    changes: Vec<Recorded>,
}

/// A change.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    kind: Kind,
    noun: String,
    name: String,
    at: String,
}

/// What happened to a thing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Kind {
    Created,
    Changed,
    Deleted,
}

impl Journal {
    /// Adds a change, and forgets the oldest when there are too many.
    fn add(&mut self, kind: Kind, noun: &str, name: &str, at: String) {
        if self.changes.len() >= MAX_CHANGES {
            self.changes.remove(0);
            self.forgotten += 1;
        }
        self.changes.push(Recorded {
            kind,
            noun: noun.to_owned(),
            name: name.to_owned(),
            at,
        });
    }

    /// How many changes there were.
    fn count(&self) -> u64 {
        self.forgotten + self.changes.len() as u64
    }

    /// What happened after this many changes.
    fn since(&self, count: u64) -> EventBatch {
        let skipped = usize::try_from(count.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        EventBatch {
            items: self.changes.iter().skip(skipped).map(Recorded::to_event).collect(),
            next: self.count().to_string(),
            gap: count < self.forgotten,
        }
    }
}

impl Recorded {
    fn to_event(&self) -> Event {
        let (kind, word) = match self.kind {
            Kind::Created => (EventKind::Created, "created"),
            Kind::Changed => (EventKind::Changed, "changed"),
            Kind::Deleted => (EventKind::Deleted, "deleted"),
        };
        Event {
            kind,
            subject: Subject::new(&self.noun, &self.name),
            at: Some(self.at.clone()),
            detail: format!("{} `{}` {word}", self.noun, self.name),
        }
    }
}

impl<H: Host> Client<'_, H> {
    /// What changed lately.
    fn journal(&self) -> Result<Journal, Error> {
        match self.read_entry(KEY)? {
            None => Ok(Journal::default()),
            Some(entry) => from_json(KEY, &entry),
        }
    }

    /// Writes a change into the journal.
    pub(crate) fn note<T: Thing>(&self, kind: Kind, name: &str) -> Result<(), Error> {
        if !T::HAS_EVENTS {
            return Ok(());
        }
        self.retry(KEY, || {
            let entry = self.host.state_get(KEY)?;
            let journal = entry.as_ref().map(|entry| from_json::<Journal>(KEY, entry));
            let changed = journal
                .unwrap_or_else(|| Ok(Journal::default()))
                .and_then(|mut journal| {
                    journal.add(kind, T::NOUN, name, self.now());
                    to_json(KEY, &journal)
                });
            match changed {
                Ok(value) => {
                    let version = version(entry.as_ref());
                    self.host.state_replace(KEY, version, &value).map(Ok)
                }
                Err(error) => Ok(Err(error)),
            }
        })
    }
}

impl<H: Host> Events<H> for Fake {
    fn poll_events(host: &H, cursor: Option<String>) -> Result<EventBatch, Error> {
        let journal = Client::open(host, "poll-events")?.journal()?;
        match cursor {
            None => Ok(journal.since(journal.count())),
            Some(cursor) => match cursor.parse() {
                Ok(count) if count <= journal.count() => Ok(journal.since(count)),
                _ => Err(Error::invalid_argument(
                    "cursor",
                    "this cursor is not from these events; start again without one",
                )),
            },
        }
    }
}
