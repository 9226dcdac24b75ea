//! One connection to a libvirt daemon: opened when it is first needed, opened again when the daemon was restarted.
//!
//! libvirt's calls block, some of them for as long as a hung QEMU likes, and the daemon serves only five calls of one
//! connection at a time (`max_client_requests` in libvirtd.conf). So every call runs on a thread that may block, at most
//! four at once, and its caller waits only so long. libvirt knows no cancelling: a call that takes longer goes on
//! without its caller and keeps its place until it ends.

use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use virt::connect::Connect;

use crate::contract::{Error, ErrorKind};

use super::error::{Fault, library_error, open_error};
use super::ffi::Owned;
use super::library;

/// Calls at once: one below what the daemon serves, so that one more connection is never locked out of its own.
const CALLS_AT_ONCE: usize = 4;

/// A libvirt connection that is shared by all threads; libvirt's handles allow that.
pub(super) type SharedConnect = Arc<Owned<Connect>>;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    uri: String,
    permits: Arc<Semaphore>,
    slot: Mutex<Option<SharedConnect>>,
}

impl Connection {
    /// A connection that is not open yet.
    pub(super) fn new(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            permits: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            slot: Mutex::new(None),
        }
    }

    /// Runs work that changes nothing. When the daemon was restarted meanwhile, it runs once more on a new connection.
    ///
    /// # Errors
    /// The work's own; `unavailable` when libvirt does not answer; `timed-out` after `limit`.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        work: impl Fn(&SharedConnect) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        self.run(limit, move |connection| match connection.with_connect(&work) {
            Err(fault) if fault.disconnected => connection.with_connect(&work),
            result => result,
        })
        .await
    }

    /// Runs work that changes something, exactly once. A daemon that went away in the middle is `timed-out`: nobody
    /// knows how far it came. Before the work a call that changes nothing finds out whether the connection still lives.
    ///
    /// # Errors
    /// The work's own; `unavailable` when libvirt does not answer; `timed-out` after `limit`.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        work: impl FnOnce(&SharedConnect) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(limit, move |connection| {
            connection.revive();
            connection.with_connect(work).map_err(|mut fault| {
                if fault.disconnected {
                    fault.error.kind = ErrorKind::TimedOut;
                    fault = fault.and("whether the change happened is unknown: read before repeating it");
                }
                fault
            })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        work: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let deadline = tokio::time::Instant::now() + limit;
        let permit = tokio::time::timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            let message = format!(
                "libvirt at `{}` has not answered {CALLS_AT_ONCE} earlier calls; is a VM hung?",
                self.uri
            );
            return Err(Error::new(ErrorKind::Unavailable, message));
        };
        let connection = Arc::clone(self);
        let call = tokio::task::spawn_blocking(move || {
            let _held_until_libvirt_answers: OwnedSemaphorePermit = permit;
            work(&connection)
        });
        match tokio::time::timeout_at(deadline, call).await {
            Ok(Ok(result)) => result.map_err(|fault| *fault.error),
            Ok(Err(panic)) => Err(Error::internal(format!("a libvirt call ended abnormally: {panic}"))),
            Err(_) => {
                let message = format!("libvirt at `{}` did not answer within {} s", self.uri, limit.as_secs());
                Err(Error::new(ErrorKind::TimedOut, message))
            }
        }
    }

    /// Runs work on the open connection; forgets a connection whose daemon went away.
    fn with_connect<T>(&self, work: impl FnOnce(&SharedConnect) -> Result<T, Fault>) -> Result<T, Fault> {
        let connect = self.connect()?;
        let result = work(&connect);
        if matches!(&result, Err(fault) if fault.disconnected) {
            self.forget(&connect);
        }
        result
    }

    /// Forgets the connection when its daemon went away. Asking for the daemon's version is one round trip.
    fn revive(&self) {
        let connect = self.slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(connect) = connect
            && connect.get_lib_version().is_err()
        {
            self.forget(&connect);
        }
    }

    fn forget(&self, dead: &SharedConnect) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have opened a new one already.
        if slot.as_ref().is_some_and(|connect| Arc::ptr_eq(connect, dead)) {
            *slot = None;
        }
    }

    fn connect(&self) -> Result<SharedConnect, Fault> {
        // Held while opening, so that several first calls open one connection.
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connect) = &*slot {
            return Ok(Arc::clone(connect));
        }
        library::load().map_err(library_error)?;
        static QUIET: Once = Once::new();
        // libvirt prints every error to stderr unless told otherwise.
        QUIET.call_once(virt::error::clear_error_callback);
        let connect = Connect::open(Some(&self.uri)).map_err(|error| open_error(&self.uri, &error))?;
        let connect = Arc::new(Owned::new(connect));
        *slot = Some(Arc::clone(&connect));
        Ok(connect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libvirt::error::Doing as _;

    fn connection() -> Arc<Connection> {
        Arc::new(Connection::new("test:///default"))
    }

    #[tokio::test]
    async fn an_absent_daemon_is_unavailable_and_says_what_to_do() {
        let connection = Arc::new(Connection::new("test:///absent/host.xml"));
        let error = connection.read(Duration::from_secs(5), |_| Ok(())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("correct the file"), "{}", error.message);
    }

    #[tokio::test]
    async fn a_connection_whose_daemon_went_away_is_opened_again_for_reads_but_not_for_changes() {
        let gone = || Fault {
            error: Box::new(Error::new(ErrorKind::Unavailable, "gone")),
            disconnected: true,
        };
        let connection = connection();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let work = move |connect: &SharedConnect| {
            let mut log = log.lock().unwrap();
            log.push(Arc::clone(connect));
            if log.len() == 1 { Err(gone()) } else { Ok(log.len()) }
        };
        assert_eq!(connection.read(Duration::from_secs(5), work).await, Ok(2));
        let opened = std::mem::take(&mut *seen.lock().unwrap());
        assert!(!Arc::ptr_eq(&opened[0], &opened[1]));
        let error = connection
            .change(Duration::from_secs(5), move |_| Err::<(), _>(gone()))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_call_that_never_ends_times_out_and_the_fifth_one_is_told_why_it_cannot_begin() {
        let connection = connection();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let stopped = Arc::new(Mutex::new(stopped));
        for _ in 0..CALLS_AT_ONCE {
            let stopped = Arc::clone(&stopped);
            let hang = move |_: &SharedConnect| {
                let _ = stopped.lock().unwrap_or_else(PoisonError::into_inner).recv();
                Ok(())
            };
            let error = connection.read(Duration::from_millis(20), hang).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::TimedOut);
        }
        let error = connection
            .read(Duration::from_millis(20), |_| Ok(()))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        drop(stop);
        assert_eq!(connection.read(Duration::from_secs(5), |_| Ok(())).await, Ok(()));
    }

    #[tokio::test]
    async fn a_panic_in_a_call_is_an_error_of_ours() {
        let error = connection()
            .read(Duration::from_secs(5), |_| -> Result<(), Fault> { panic!("no") })
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Internal);
    }

    #[tokio::test]
    async fn what_libvirt_does_not_find_is_not_found_and_names_the_thing() {
        let work = |connect: &SharedConnect| {
            virt::domain::Domain::lookup_by_name(connect, "absent")
                .map(Owned::new)
                .doing("find", "vm", "absent")
                .map(|_| ())
        };
        let error = connection().read(Duration::from_secs(5), work).await.unwrap_err();
        assert_eq!(
            (error.kind.name(), error.message.as_str()),
            ("not-found", "there is no vm `absent` on this connection")
        );
    }
}
