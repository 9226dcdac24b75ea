//! What happened to VMs, kept for those who ask from time to time.
//!
//! A ring of the last events, each with a number. The cursor names the number that comes next and the run of this
//! process that counted, so that one of an earlier run is known to have missed something.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use virt::sys;

use crate::contract::{Error, Event, EventBatch, EventKind, Subject};

use super::ffi_events::VmEvent;
use super::metadata;

/// Events that are kept.
const KEPT: usize = 4_096;

/// The events of one connection.
pub(super) struct Happenings {
    /// What makes this run's cursors unlike every other's.
    run: u64,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// The number of the first event that is kept.
    first: u64,
    events: VecDeque<Event>,
    /// The numbers before which something was missed.
    lost_before: u64,
}

impl Happenings {
    /// Nothing has happened.
    pub(super) fn new() -> Self {
        Self {
            run: rand::random(),
            log: Mutex::default(),
        }
    }

    /// Something happened.
    pub(super) fn add(&self, vm: &str, what: VmEvent) {
        let (kind, detail) = words(what);
        let event = Event {
            kind,
            subject: Subject {
                noun: "vm".to_owned(),
                name: vm.to_owned(),
            },
            at: metadata::now(),
            detail: detail.to_owned(),
        };
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.events.push_back(event);
        if log.events.len() > KEPT {
            log.events.pop_front();
            log.first += 1;
        }
    }

    /// The daemon went away: what happens until it is followed again is missed.
    pub(super) fn lose(&self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A number of its own, so that a cursor from before tells from one after.
        log.first += log.events.len() as u64 + 1;
        log.events.clear();
        log.lost_before = log.first;
    }

    /// The events since a cursor; without one, none, and the cursor of now.
    ///
    /// # Errors
    /// `invalid-argument` for a cursor that never was one.
    pub(super) fn since(&self, cursor: Option<&str>) -> Result<EventBatch, Error> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let end = log.first + log.events.len() as u64;
        let next = format!("{:016x}-{end}", self.run);
        let Some(cursor) = cursor else {
            return Ok(EventBatch {
                items: Vec::new(),
                next,
                gap: false,
            });
        };
        let parts = cursor.split_once('-');
        let parsed =
            parts.and_then(|(run, number)| Some((u64::from_str_radix(run, 16).ok()?, number.parse::<u64>().ok()?)));
        let Some((run, number)) = parsed else {
            return Err(Error::invalid_argument(
                "cursor",
                "this is not a cursor of this connection's events",
            ));
        };
        let gap = run != self.run || number < log.first || number > end || number < log.lost_before;
        let skip = if gap { 0 } else { number - log.first };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(EventBatch {
            items: log.events.iter().skip(skip).cloned().collect(),
            next,
            gap,
        })
    }
}

/// An event of libvirt's in the contract's words.
const fn words(what: VmEvent) -> (EventKind, &'static str) {
    let VmEvent::Lifecycle(event, detail) = what else {
        return (EventKind::Changed, "its metadata changed");
    };
    match event {
        sys::VIR_DOMAIN_EVENT_DEFINED if detail == sys::VIR_DOMAIN_EVENT_DEFINED_ADDED as i32 => {
            (EventKind::Created, "defined")
        }
        sys::VIR_DOMAIN_EVENT_DEFINED => (EventKind::Changed, "its definition changed"),
        sys::VIR_DOMAIN_EVENT_UNDEFINED if detail == sys::VIR_DOMAIN_EVENT_UNDEFINED_RENAMED as i32 => {
            (EventKind::Changed, "it got another name")
        }
        sys::VIR_DOMAIN_EVENT_UNDEFINED => (EventKind::Deleted, "undefined"),
        sys::VIR_DOMAIN_EVENT_STARTED => (EventKind::Changed, "started"),
        sys::VIR_DOMAIN_EVENT_SUSPENDED => (EventKind::Changed, "paused"),
        sys::VIR_DOMAIN_EVENT_RESUMED => (EventKind::Changed, "resumed"),
        sys::VIR_DOMAIN_EVENT_STOPPED => (EventKind::Changed, "stopped"),
        sys::VIR_DOMAIN_EVENT_SHUTDOWN => (EventKind::Changed, "its guest has shut down"),
        sys::VIR_DOMAIN_EVENT_PMSUSPENDED => (EventKind::Changed, "its guest sleeps"),
        sys::VIR_DOMAIN_EVENT_CRASHED => (EventKind::Changed, "crashed"),
        _ => (EventKind::Changed, "something happened that this version does not know"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: VmEvent = VmEvent::Lifecycle(sys::VIR_DOMAIN_EVENT_STARTED, 0);

    #[test]
    fn each_event_is_told_once_in_order_and_the_first_question_starts_now() {
        let happenings = Happenings::new();
        happenings.add("before", STARTED);
        let start = happenings.since(None).unwrap();
        assert!(start.items.is_empty() && !start.gap);
        happenings.add("a", VmEvent::Lifecycle(sys::VIR_DOMAIN_EVENT_DEFINED, 0));
        happenings.add("a", STARTED);
        let batch = happenings.since(Some(&start.next)).unwrap();
        let seen: Vec<_> = batch
            .items
            .iter()
            .map(|event| (event.kind, event.detail.as_str()))
            .collect();
        assert_eq!(seen, [(EventKind::Created, "defined"), (EventKind::Changed, "started")]);
        assert!(!batch.gap && happenings.since(Some(&batch.next)).unwrap().items.is_empty());
    }

    #[test]
    fn what_was_missed_is_a_gap_once() {
        let happenings = Happenings::new();
        let start = happenings.since(None).unwrap().next;
        happenings.lose();
        let batch = happenings.since(Some(&start)).unwrap();
        assert!(batch.gap && batch.items.is_empty());
        assert!(!happenings.since(Some(&batch.next)).unwrap().gap);
        for _ in 0..=KEPT {
            happenings.add("a", STARTED);
        }
        let batch = happenings.since(Some(&batch.next)).unwrap();
        assert_eq!((batch.gap, batch.items.len()), (true, KEPT));
    }

    #[test]
    fn a_cursor_of_another_run_is_a_gap_and_nonsense_is_refused() {
        let happenings = Happenings::new();
        let other = Happenings::new().since(None).unwrap().next;
        assert!(happenings.since(Some(&other)).unwrap().gap);
        for nonsense in ["", "1", "x-1", "1-x", "-"] {
            assert!(happenings.since(Some(nonsense)).is_err(), "{nonsense}");
        }
    }
}
