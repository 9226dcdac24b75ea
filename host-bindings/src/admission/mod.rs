//! Who may run now: the ceilings over all calls of one runtime, and the queue before them.
//!
//! Each connection has a `Line` in which its calls wait in order; lines take turns. A call that runs holds a `Place`,
//! which it gives back when it is dropped, whatever happened. The next line's first call is never overtaken for want of
//! memory by a smaller one, so it cannot starve; lines that use all their own turns are passed over. Here is decided who
//! runs; what a running call may do is decided elsewhere. The engine has one admission; `component` makes the lines.

mod host_limits;
mod pacer;
mod queue;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use host_limits::HostLimits;
pub(crate) use pacer::Pacer;
use queue::Queue;

use crate::contract::{Error, ErrorKind};
use crate::limits::{GuestLimits, Room};

/// The admission of one runtime. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Admission {
    inner: Arc<Inner>,
}

struct Inner {
    limits: HostLimits,
    queue: Mutex<Queue>,
    pacer: Pacer,
    scratch: Room,
}

impl Admission {
    pub(crate) fn new(limits: HostLimits) -> Self {
        let inner = Inner {
            queue: Mutex::new(Queue::new(&limits)),
            pacer: Pacer::new(limits.guest_cores),
            scratch: Room::new(u64::from(limits.total_scratch_mib) << 20),
            limits,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The line of a connection.
    pub(crate) fn line(&self, connection: &str, limits: &GuestLimits) -> Line {
        let number = self.queue().add_line(limits.concurrent_calls.max(1));
        Line {
            admission: self.clone(),
            number,
            connection: connection.to_owned(),
            mib: limits.held_mib(),
        }
    }

    /// What is left for the blobs of all calls.
    pub(crate) fn scratch(&self) -> &Room {
        &self.inner.scratch
    }

    pub(crate) fn pacer(&self) -> &Pacer {
        &self.inner.pacer
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the calls of one connection wait.
pub(crate) struct Line {
    admission: Admission,
    number: u64,
    connection: String,
    /// What one of its calls may hold.
    mib: u32,
}

impl Line {
    /// Waits until a call may run. Dropping the future leaves the line.
    ///
    /// # Errors
    /// When it can never run, too many wait already, or it would wait too long: what to do.
    pub(crate) async fn enter(&self) -> Result<Place<'_>, Error> {
        let limits = &self.admission.inner.limits;
        if self.mib > limits.total_memory_mib {
            return Err(self.too_large());
        }
        let Some((ticket, turn)) = self.admission.queue().enter(self.number, self.mib) else {
            return Err(self.busy(format_args!("{} of its calls wait already", limits.queued_calls)));
        };
        let place = Place { line: self, ticket };
        match tokio::time::timeout(limits.patience(), turn).await {
            Ok(Ok(())) => Ok(place),
            _ => Err(self.busy(format_args!("a call waited for {} s", limits.queue_seconds))),
        }
    }

    /// Which connection the pacer counts its calls to.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    fn busy(&self, why: fmt::Arguments<'_>) -> Error {
        let message = format!(
            "connection `{}` is busy: {why}; try again later, or raise `concurrent_calls` of the connection or the \
             runtime's own limits in `limits.toml`",
            self.connection
        );
        Error::new(ErrorKind::RateLimited(None), message)
    }

    fn too_large(&self) -> Error {
        let message = format!(
            "a call of connection `{}` may hold {} MiB, and all calls together {} MiB: lower its `memory_mib`, or raise \
             `total_memory_mib` in `limits.toml`",
            self.connection, self.mib, self.admission.inner.limits.total_memory_mib
        );
        Error::invalid_argument("memory_mib", message)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.admission.queue().remove_line(self.number);
    }
}

/// A place in a line, and then among the calls that run.
pub(crate) struct Place<'a> {
    line: &'a Line,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let line = self.line;
        line.admission.queue().leave(line.number, self.ticket, line.mib);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn admission(change: impl FnOnce(&mut HostLimits)) -> Admission {
        let mut limits = HostLimits {
            total_memory_mib: 300,
            ..HostLimits::default()
        };
        change(&mut limits);
        Admission::new(limits)
    }

    #[tokio::test]
    async fn a_call_that_can_never_run_is_refused_with_what_to_do() {
        let admission = admission(|_| ());
        let limits = GuestLimits {
            memory_mib: 400,
            ..GuestLimits::default()
        };
        let line = admission.line("lab", &limits);
        let error = line.enter().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidArgument("memory_mib".to_owned()));
        assert!(error.message.contains("`total_memory_mib`"), "{error}");
        drop(admission.line("lab", &GuestLimits::default()).enter().await.unwrap());
    }

    #[tokio::test]
    async fn a_wait_that_is_too_long_ends_and_leaves_the_line() {
        let admission = admission(|limits| (limits.running_calls, limits.queue_seconds) = (1, 0));
        let line = admission.line("lab", &GuestLimits::default());
        let running = line.enter().await.unwrap();
        let error = line.enter().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::RateLimited(None));
        assert!(
            error.message.contains("`lab` is busy: a call waited for 0 s"),
            "{error}"
        );
        drop(running);
        drop(line.enter().await.unwrap());
    }

    #[tokio::test]
    async fn a_full_line_refuses_and_other_lines_are_not_concerned() {
        let admission = admission(|limits| (limits.running_calls, limits.queued_calls) = (1, 1));
        let (one, other) = (
            admission.line("one", &GuestLimits::default()),
            admission.line("other", &GuestLimits::default()),
        );
        let running = one.enter().await.unwrap();
        let waits = one.enter();
        tokio::pin!(waits);
        assert!(waits.as_mut().now_or_never().is_none());
        let error = one.enter().await.err().unwrap();
        assert!(error.message.contains("1 of its calls wait already"), "{error}");
        let others = other.enter();
        tokio::pin!(others);
        assert!(others.as_mut().now_or_never().is_none());
        drop(running);
        drop(waits.await.unwrap());
        others.await.unwrap();
    }
}
