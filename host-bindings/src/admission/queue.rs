//! The state of an admission: what runs, who waits, and whose turn it is. It does not wait and knows no errors.

use std::collections::{HashMap, VecDeque};

use tokio::sync::oneshot;

use super::HostLimits;

/// Calls that run, and lines of calls that wait.
pub(super) struct Queue {
    most_running: u32,
    most_mib: u32,
    most_waiting: usize,
    running: u32,
    mib: u32,
    lines: HashMap<u64, Waiting>,
    /// The lines in which somebody waits, in the order of their turns.
    turns: VecDeque<u64>,
    numbers: u64,
}

/// One line.
struct Waiting {
    most_running: u32,
    running: u32,
    calls: VecDeque<WaitingCall>,
}

struct WaitingCall {
    ticket: u64,
    mib: u32,
    begin: oneshot::Sender<()>,
}

impl Queue {
    pub(super) fn new(limits: &HostLimits) -> Self {
        Self {
            most_running: limits.running_calls.max(1),
            most_mib: limits.total_memory_mib,
            most_waiting: limits.queued_calls as usize,
            running: 0,
            mib: 0,
            lines: HashMap::new(),
            turns: VecDeque::new(),
            numbers: 0,
        }
    }

    /// A new line, of which so many calls run at once.
    pub(super) fn add_line(&mut self, most_running: u32) -> u64 {
        self.numbers += 1;
        let line = Waiting {
            most_running,
            running: 0,
            calls: VecDeque::new(),
        };
        self.lines.insert(self.numbers, line);
        self.numbers
    }

    /// Forgets a line in which nobody waits and of which nothing runs.
    pub(super) fn remove_line(&mut self, line: u64) {
        self.lines.remove(&line);
        self.turns.retain(|turn| *turn != line);
    }

    /// Puts a call into a line: its ticket, and what tells it to begin. None when too many wait there already.
    pub(super) fn enter(&mut self, line: u64, mib: u32) -> Option<(u64, oneshot::Receiver<()>)> {
        self.numbers += 1;
        let ticket = self.numbers;
        let (begin, turn) = oneshot::channel();
        let waiting = self.lines.get_mut(&line)?;
        waiting.calls.push_back(WaitingCall { ticket, mib, begin });
        if !self.turns.contains(&line) {
            self.turns.push_back(line);
        }
        self.begin_next();
        let waiting = self.lines.get_mut(&line)?;
        if waiting.calls.len() > self.most_waiting {
            waiting.calls.pop_back();
            return None;
        }
        Some((ticket, turn))
    }

    /// A call that waits gives up, or one that runs has ended.
    pub(super) fn leave(&mut self, line: u64, ticket: u64, mib: u32) {
        let Some(waiting) = self.lines.get_mut(&line) else {
            return;
        };
        match waiting.calls.iter().position(|call| call.ticket == ticket) {
            Some(place) => drop(waiting.calls.remove(place)),
            None => {
                waiting.running -= 1;
                self.running -= 1;
                self.mib -= mib;
            }
        }
        self.begin_next();
    }

    /// Lets begin whoever can, one of each line in turn.
    fn begin_next(&mut self) {
        let mut passed_over = Vec::new();
        while let Some(number) = self.turns.pop_front() {
            let Some(line) = self.lines.get_mut(&number) else {
                continue;
            };
            let Some(first) = line.calls.front() else { continue };
            if line.running >= line.most_running {
                passed_over.push(number);
                continue;
            }
            if self.running >= self.most_running || self.mib + first.mib > self.most_mib {
                self.turns.push_front(number);
                break;
            }
            if let Some(call) = line.calls.pop_front() {
                line.running += 1;
                self.running += 1;
                self.mib += call.mib;
                // Whoever does not listen any more is about to leave, and gives the place back then.
                let _ = call.begin.send(());
            }
            self.turns.push_back(number);
        }
        for number in passed_over.into_iter().rev() {
            self.turns.push_front(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(running_calls: u32, total_memory_mib: u32) -> Queue {
        Queue::new(&HostLimits {
            running_calls,
            total_memory_mib,
            queued_calls: 10,
            ..HostLimits::default()
        })
    }

    /// Calls that have a name: who of them has begun.
    #[derive(Default)]
    struct Calls(Vec<(&'static str, u64, u64, u32, oneshot::Receiver<()>)>);

    impl Calls {
        fn enter(&mut self, queue: &mut Queue, name: &'static str, line: u64, mib: u32) {
            let (ticket, turn) = queue.enter(line, mib).unwrap();
            self.0.push((name, line, ticket, mib, turn));
        }

        fn begun(&mut self) -> Vec<&'static str> {
            let begun = self
                .0
                .iter_mut()
                .filter_map(|call| call.4.try_recv().is_ok().then_some(call.0));
            begun.collect()
        }

        fn leave(&mut self, queue: &mut Queue, name: &str) {
            let place = self.0.iter().position(|call| call.0 == name).unwrap();
            let (_, line, ticket, mib, _turn) = self.0.remove(place);
            queue.leave(line, ticket, mib);
        }
    }

    #[test]
    fn lines_take_turns_however_long_they_are() {
        let mut queue = queue(1, 1_000);
        let (busy, other) = (queue.add_line(8), queue.add_line(8));
        let mut calls = Calls::default();
        for name in ["a1", "a2", "a3"] {
            calls.enter(&mut queue, name, busy, 1);
        }
        calls.enter(&mut queue, "b1", other, 1);
        let mut order = Vec::new();
        while let Some(next) = calls.begun().first().copied() {
            order.push(next);
            calls.leave(&mut queue, next);
        }
        assert_eq!(order, ["a1", "a2", "b1", "a3"]);
    }

    #[test]
    fn memory_is_limited_in_sum_and_who_needs_much_is_not_overtaken() {
        let mut queue = queue(100, 100);
        let (small, large) = (queue.add_line(8), queue.add_line(8));
        let mut calls = Calls::default();
        calls.enter(&mut queue, "small", small, 60);
        calls.enter(&mut queue, "large", large, 80);
        calls.enter(&mut queue, "fits", small, 20);
        assert_eq!(calls.begun(), ["small"]);
        calls.leave(&mut queue, "small");
        assert_eq!(calls.begun(), ["large", "fits"]);
    }

    #[test]
    fn a_line_at_its_own_limit_holds_up_no_other() {
        let mut queue = queue(100, 1_000);
        let (narrow, other) = (queue.add_line(1), queue.add_line(1));
        let mut calls = Calls::default();
        for (name, line) in [("a1", narrow), ("a2", narrow), ("b1", other)] {
            calls.enter(&mut queue, name, line, 1);
        }
        assert_eq!(calls.begun(), ["a1", "b1"]);
        calls.leave(&mut queue, "b1");
        assert_eq!(calls.begun(), [""; 0]);
        calls.leave(&mut queue, "a1");
        assert_eq!(calls.begun(), ["a2"]);
    }

    #[test]
    fn whoever_gives_up_gives_everything_back() {
        let mut queue = queue(1, 100);
        let line = queue.add_line(8);
        let mut calls = Calls::default();
        for name in ["runs", "waits", "next"] {
            calls.enter(&mut queue, name, line, 100);
        }
        calls.leave(&mut queue, "waits");
        calls.leave(&mut queue, "runs");
        // Told to begin, and gone before it saw it.
        calls.leave(&mut queue, "next");
        assert_eq!((queue.running, queue.mib), (0, 0));
        queue.remove_line(line);
        assert!(queue.lines.is_empty() && queue.turns.is_empty());
    }
}
