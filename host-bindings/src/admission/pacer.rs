//! Shares the cores that guests may use among connections.
//!
//! A guest that executes is interrupted at every tick of the engine and asks here how long it shall rest. Alone, not at all:
//! it only lets others run. When guests together want more than [`super::HostLimits::guest_cores`], each connection that is
//! busy gets an equal part, however many calls it has, and the rest of the cores stays free for what is not a guest. A guest
//! holds nothing while it rests, so one that is given up blocks nobody.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::TICK;

/// A connection that has not executed for so long does not count as busy.
const IDLE_AFTER: Duration = Duration::from_millis(20);

/// Measures out executing time.
#[derive(Debug)]
pub(crate) struct Pacer {
    cores: u32,
    /// For each busy connection, until when its part is used up.
    used_until: Mutex<HashMap<u64, Instant>>,
}

impl Pacer {
    pub(super) fn new(cores: u32) -> Self {
        Self {
            cores: cores.max(1),
            used_until: Mutex::default(),
        }
    }

    /// A guest of this connection executed for a tick: how long it rests now.
    pub(crate) fn tick(&self, connection: u64) -> Duration {
        self.tick_at(Instant::now(), connection)
    }

    fn tick_at(&self, now: Instant, connection: u64) -> Duration {
        let mut used_until = self.used_until.lock().unwrap_or_else(PoisonError::into_inner);
        used_until.retain(|other, until| *other == connection || *until + IDLE_AFTER > now);
        let busy = u32::try_from(used_until.len()).unwrap_or(u32::MAX).max(1);
        let tick_began = now.checked_sub(TICK).unwrap_or(now);
        let until = used_until.entry(connection).or_insert(tick_began);
        *until = (*until).max(tick_began) + TICK * busy / self.cores;
        until.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets guests, each of a connection, execute whenever they do not rest, as many at once as there are cores; answers
    /// how many ticks each connection got.
    fn simulate(pacer: &Pacer, guests: &[u64], cores: usize, ticks: u32) -> HashMap<u64, u32> {
        let start = Instant::now();
        let mut ready: Vec<Instant> = vec![start; guests.len()];
        let mut got = HashMap::new();
        for tick in 1..=ticks {
            let now = start + TICK * tick;
            let mut order: Vec<usize> = (0..guests.len()).filter(|&guest| ready[guest] < now).collect();
            order.sort_by_key(|&guest| ready[guest]);
            for &guest in order.iter().take(cores) {
                *got.entry(guests[guest]).or_default() += 1;
                ready[guest] = now + pacer.tick_at(now, guests[guest]);
            }
        }
        got
    }

    #[test]
    fn a_guest_that_is_alone_does_not_rest() {
        assert_eq!(simulate(&Pacer::new(1), &[1], 1, 100)[&1], 100);
    }

    #[test]
    fn guests_leave_the_cores_that_are_not_theirs() {
        let got = simulate(&Pacer::new(1), &[1; 8], 2, 1_000);
        assert!((990..=1_010).contains(&got[&1]), "{got:?}");
    }

    #[test]
    fn connections_get_equal_parts_however_many_guests_they_have() {
        let got = simulate(&Pacer::new(1), &[1, 1, 1, 1, 1, 1, 1, 1, 2], 2, 1_000);
        assert!(got[&1] <= 520, "{got:?}");
        assert!(got[&2] >= 400, "{got:?}");
    }

    #[test]
    fn a_connection_that_stopped_leaves_its_part() {
        let pacer = Pacer::new(1);
        simulate(&pacer, &[1, 2], 2, 100);
        let later = Instant::now() + IDLE_AFTER * 100;
        assert_eq!(pacer.tick_at(later, 1), Duration::ZERO);
        assert_eq!(pacer.used_until.lock().unwrap().len(), 1);
    }
}
