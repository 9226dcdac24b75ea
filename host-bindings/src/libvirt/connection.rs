//! One connection to a libvirt daemon: opened when it is first needed, opened again when the daemon was restarted.
//!
//! libvirt's calls block, some of them for as long as a hung QEMU likes, and the daemon serves only five calls of one
//! connection at a time (`max_client_requests` in libvirtd.conf). So every call runs on a thread that may block, at most
//! four at once, and its caller waits only so long. libvirt knows no cancelling: a call that takes longer goes on
//! without its caller and keeps its place until it ends.
//!
//! A remote host that cannot be reached is not tried again at once, but after a pause that doubles: opening such a
//! connection costs the other side a login.

use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use virt::connect::Connect;

use crate::contract::{Error, ErrorKind};

use super::endpoint::Endpoint;
use super::error::{Fault, library_error};
use super::ffi::Owned;
use super::gates::Gates;
use super::watch::Watch;
use super::{ffi_events, library};

/// Calls at once: one below what the daemon serves, so that one more connection is never locked out of its own.
const CALLS_AT_ONCE: usize = 4;
/// The pause after the first failure to open a connection.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause after failures to open a connection.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Seconds between two signs of life of a daemon, in a process that lives long (virConnectSetKeepAlive).
const KEEPALIVE_SECONDS: i32 = 5;
/// Signs of life that may be missing.
const KEEPALIVE_MISSES: u32 = 3;

/// A libvirt connection that is shared by all threads; libvirt's handles allow that.
pub(super) type SharedConnect = Arc<Owned<Connect>>;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    endpoint: Arc<Endpoint>,
    /// Whether this process lives long enough for events and keepalives.
    lasting: bool,
    permits: Arc<Semaphore>,
    vms: Gates,
    slot: Mutex<Slot>,
    /// What must show a change before whoever made it looks.
    watch: OnceLock<Arc<Watch>>,
}

/// What is known about the connection.
#[derive(Debug, Default)]
struct Slot {
    /// It, while it is open.
    open: Option<SharedConnect>,
    /// How often in a row it could not be opened, and the last time.
    failures: Option<Failures>,
}

/// Failures in a row.
#[derive(Clone, Debug)]
struct Failures {
    count: u32,
    /// When it may be tried again.
    again: Instant,
    error: Error,
}

impl Failures {
    /// One more.
    fn after(earlier: Option<&Self>, error: Error) -> Self {
        let count = earlier.map_or(0, |earlier| earlier.count).saturating_add(1);
        let doubled = FIRST_PAUSE.saturating_mul(1 << (count - 1).min(16));
        Self {
            count,
            again: Instant::now() + doubled.min(LONGEST_PAUSE),
            error,
        }
    }

    /// Why it is not tried now.
    fn refusal(&self, left: Duration) -> Error {
        let seconds = left.as_secs_f64();
        let message = format!("{} (it is tried again in {seconds:.1} s)", self.error.message);
        Error::new(self.error.kind.clone(), message)
    }
}

impl Connection {
    /// A connection that is not open yet. `lasting` in a process that lives long enough for events: with libvirt's event
    /// loop, whose first effect is that a daemon which falls silent is noticed.
    pub(super) fn new(endpoint: Arc<Endpoint>, lasting: bool) -> Self {
        Self {
            endpoint,
            lasting,
            permits: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            vms: Gates::default(),
            slot: Mutex::default(),
            watch: OnceLock::new(),
        }
    }

    /// Where it leads.
    pub(super) const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// From now on changes are answered when this list shows them.
    pub(super) fn tell(&self, watch: &Arc<Watch>) {
        // Set once: the provider has one list.
        let _ = self.watch.set(Arc::clone(watch));
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
        let changed = self.run(limit, move |connection| {
            connection.revive();
            connection.with_connect(work).map_err(|mut fault| {
                if fault.disconnected {
                    fault.error.kind = ErrorKind::TimedOut;
                    fault = fault.and("whether the change happened is unknown: read before repeating it");
                }
                fault
            })
        });
        let changed = changed.await;
        if let Some(watch) = self.watch.get() {
            watch.settle().await;
        }
        changed
    }

    /// As [`Self::read`], for work that may wait for a VM: one such call at a time for each VM, so that a hung one takes
    /// one place and not all of them.
    ///
    /// # Errors
    /// As [`Self::read`]; `timed-out` when earlier calls for this VM have not ended in time.
    pub(super) async fn read_of_vm<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        vm: &str,
        work: impl Fn(&SharedConnect) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let (entry, left) = self.vms.enter(vm, limit).await?;
        self.read(left, move |connect| {
            let _held_until_libvirt_answers = &entry;
            work(connect)
        })
        .await
    }

    /// As [`Self::change`], for work on one VM: one such call at a time for each VM, so that a hung one takes one place
    /// and not all of them.
    ///
    /// # Errors
    /// As [`Self::change`]; `timed-out` when earlier calls for this VM have not ended in time.
    pub(super) async fn change_of_vm<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        vm: &str,
        work: impl FnOnce(&SharedConnect) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let (entry, left) = self.vms.enter(vm, limit).await?;
        self.change(left, move |connect| {
            let _held_until_libvirt_answers = entry;
            work(connect)
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
                self.endpoint.shown()
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
            Ok(Err(panic)) => Err(ended(&panic)),
            Err(_) => Err(self.no_answer(limit)),
        }
    }

    /// Runs work that asks the daemon without this connection. Its caller waits as long as for other calls.
    ///
    /// # Errors
    /// `timed-out` after `limit`.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        match tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => Err(ended(&panic)),
            Err(_) => Err(self.no_answer(limit)),
        }
    }

    fn no_answer(&self, limit: Duration) -> Error {
        let message = format!(
            "libvirt at `{}` did not answer within {} s",
            self.endpoint.shown(),
            limit.as_secs()
        );
        Error::new(ErrorKind::TimedOut, message)
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
        let connect = self.slot.lock().unwrap_or_else(PoisonError::into_inner).open.clone();
        if let Some(connect) = connect
            && connect.get_lib_version().is_err()
        {
            self.forget(&connect);
        }
    }

    fn forget(&self, dead: &SharedConnect) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have opened a new one already.
        if slot.open.as_ref().is_some_and(|connect| Arc::ptr_eq(connect, dead)) {
            slot.open = None;
        }
    }

    /// The open connection; opens it when it is not. Blocks.
    ///
    /// # Errors
    /// Why it cannot be opened, or could not be opened a moment ago.
    pub(super) fn connect(&self) -> Result<SharedConnect, Fault> {
        // Held while opening, so that several first calls open one connection.
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a round trip: whether the client has noticed that the daemon hung up.
        if let Some(connect) = &slot.open
            && connect.is_alive().unwrap_or(true)
        {
            return Ok(Arc::clone(connect));
        }
        slot.open = None;
        if let Some(failures) = slot.failures.as_ref().filter(|_| self.endpoint.is_remote()) {
            let left = failures.again.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(failures.refusal(left).into());
            }
        }
        match self.open() {
            Ok(connect) => {
                slot.failures = None;
                slot.open = Some(Arc::clone(&connect));
                Ok(connect)
            }
            Err(error) => {
                slot.failures = Some(Failures::after(slot.failures.as_ref(), error.clone()));
                Err(error.into())
            }
        }
    }

    fn open(&self) -> Result<SharedConnect, Error> {
        library::load().map_err(library_error)?;
        if self.lasting {
            ffi_events::run_loop()?;
        }
        static QUIET: Once = Once::new();
        // libvirt prints every error to stderr unless told otherwise.
        QUIET.call_once(virt::error::clear_error_callback);
        let opening = self.endpoint.prepare()?;
        let connect = Connect::open(Some(&opening.uri)).map_err(|error| self.endpoint.explain(&error))?;
        let connect = Owned::new(connect);
        if self.lasting
            && let Err(error) = connect.set_keep_alive(KEEPALIVE_SECONDS, KEEPALIVE_MISSES)
        {
            // The test driver has no daemon that could fall silent.
            tracing::debug!(%error, "libvirt keeps no connection alive here");
        }
        Ok(Arc::new(connect))
    }
}

fn ended(panic: &tokio::task::JoinError) -> Error {
    Error::internal(format!("a libvirt call ended abnormally: {panic}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libvirt::error::Doing as _;

    fn to(uri: &str) -> Arc<Connection> {
        Arc::new(Connection::new(Arc::new(Endpoint::local(uri)), false))
    }

    fn connection() -> Arc<Connection> {
        to("test:///default")
    }

    #[test]
    fn the_pause_before_another_attempt_doubles_and_has_an_end() {
        let error = || Error::new(ErrorKind::Denied, "no");
        let mut failures = Failures::after(None, error());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pauses.push(
                failures
                    .again
                    .saturating_duration_since(Instant::now())
                    .as_millis()
                    .next_multiple_of(100),
            );
            failures = Failures::after(Some(&failures), error());
        }
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        let refusal = failures.refusal(Duration::from_millis(1_500));
        assert_eq!(
            (refusal.kind, refusal.message.as_str()),
            (ErrorKind::Denied, "no (it is tried again in 1.5 s)")
        );
    }

    #[tokio::test]
    async fn an_absent_daemon_is_unavailable_and_says_what_to_do() {
        let connection = to("test:///absent/host.xml");
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
