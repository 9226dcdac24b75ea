//! Takes lines at once and writes them on a thread of its own.
//!
//! The thread starts with the first line: a command that calls no provider costs nothing. A process that is killed loses
//! what is in the queue; one that ends calls [`AuditLog::flush`].

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use stockade_host::contract::ErrorKind;

use super::entry::{AuditEntry, AuditEvent, timestamp};
use super::file::AuditFile;
use super::settings::AuditSettings;
use crate::error::{Error, Result};
use crate::home::Home;

/// Lines that wait to be written: some 4 MiB. A second of them at the rate at which requests can be made.
const QUEUE_LINES: usize = 8_192;
/// How long a line waits for others: a line for each request of a busy server would switch threads as often.
const GATHER_TIME: Duration = Duration::from_millis(5);
/// How long the end of a command, or of a call where the log is required, waits for the disk.
const FLUSH_TIME: Duration = Duration::from_secs(5);

/// The audit log of a runtime. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct AuditLog {
    /// None for one that keeps nothing.
    inner: Option<Arc<Inner>>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    is_required: bool,
}

/// What the writing thread shares with those who have something to write.
#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    lines: VecDeque<AuditEntry>,
    /// Lines that found no room.
    lost: u64,
    /// Taken by the thread when it starts.
    file: Option<AuditFile>,
    is_writing: bool,
    /// Whether somebody waits until everything is written.
    is_awaited: bool,
    is_closed: bool,
    /// Why a line could not be written; none once one could be again.
    failure: Option<String>,
    /// A failure that nobody was told of yet.
    untold: Option<String>,
}

impl AuditLog {
    /// The log of a home. Nothing is written or created yet.
    pub(crate) fn new(home: &Home, settings: &AuditSettings) -> Self {
        let file = AuditFile::new(super::directory(home), settings.file_bytes(), settings.files);
        Self::of_file(file, settings.required)
    }

    /// A log that keeps nothing: nothing happens outside.
    pub(crate) fn off() -> Self {
        Self { inner: None }
    }

    fn of_file(file: AuditFile, is_required: bool) -> Self {
        let queue = Queue {
            lines: VecDeque::new(),
            lost: 0,
            file: Some(file),
            is_writing: false,
            is_awaited: false,
            is_closed: false,
            failure: None,
            untold: None,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            changed: Condvar::new(),
        });
        Self {
            inner: Some(Arc::new(Inner { shared, is_required })),
        }
    }

    /// Writes a line soon. Returns at once.
    pub(crate) fn record(&self, entry: AuditEntry) {
        let Some(Inner { shared, .. }) = self.inner.as_deref() else {
            return;
        };
        let mut queue = shared.lock();
        let is_first = queue.is_empty();
        if queue.lines.len() < QUEUE_LINES {
            queue.lines.push_back(entry);
        } else {
            queue.lost += 1;
        }
        if let Some(file) = queue.file.take() {
            let writer = Arc::clone(shared);
            let thread = std::thread::Builder::new().name("audit".to_owned());
            if let Err(error) = thread.spawn(move || writer.write(file)) {
                queue.fail(&error);
            }
        }
        let is_worth_waking = is_first || queue.has_many();
        drop(queue);
        if is_worth_waking {
            shared.changed.notify_all();
        }
    }

    /// Whether each call must be written down before it begins.
    pub(crate) fn is_required(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.is_required)
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// When it could not be, and why: told once for each time that writing begins to fail, unless the log is required.
    pub(crate) fn flush(&self) -> Result<()> {
        let Some(inner) = &self.inner else {
            return Ok(());
        };
        let mut queue = inner.shared.drain();
        let failure = match inner.is_required {
            true => queue.failure.clone(),
            false => queue.untold.take(),
        };
        let failure = match queue.is_drained() {
            true => failure,
            false => Some(format!("the disk did not take it within {} s", FLUSH_TIME.as_secs())),
        };
        failure.map_or(Ok(()), |failure| {
            Err(Error::new(
                ErrorKind::Unavailable,
                format!("the audit log could not be written: {failure}"),
            ))
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut queue = self.shared.drain();
        queue.is_closed = true;
        drop(queue);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the thread to write everything, or until that takes too long.
    fn drain(&self) -> MutexGuard<'_, Queue> {
        let mut queue = self.lock();
        queue.is_awaited = true;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_timeout_while(queue, FLUSH_TIME, |queue| !queue.is_drained() && queue.has_thread());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Writes until the log is closed. Runs on a thread of its own.
    fn write(&self, mut file: AuditFile) {
        let mut unwritten = 0;
        loop {
            let waiting = self
                .changed
                .wait_while(self.lock(), |queue| queue.is_empty() && !queue.is_closed);
            let queue = waiting.unwrap_or_else(PoisonError::into_inner);
            if queue.is_empty() {
                return;
            }
            let gathering = self
                .changed
                .wait_timeout_while(queue, GATHER_TIME, |queue| !queue.is_urgent());
            let mut queue = gathering.unwrap_or_else(PoisonError::into_inner).0;
            queue.is_awaited = false;
            let lines = std::mem::take(&mut queue.lines);
            unwritten += std::mem::take(&mut queue.lost);
            queue.is_writing = true;
            drop(queue);
            let failure = write_all(&mut file, &lines, &mut unwritten);
            let mut queue = self.lock();
            queue.is_writing = false;
            match failure {
                Some(error) => queue.fail(&error),
                None => queue.failure = None,
            }
            drop(queue);
            self.changed.notify_all();
        }
    }
}

/// Writes every line that can be written, and how many could not be before; answers the last failure.
fn write_all(file: &mut AuditFile, lines: &VecDeque<AuditEntry>, unwritten: &mut u64) -> Option<io::Error> {
    let mut failure = None;
    for line in lines {
        if let Err(error) = append(file, line) {
            *unwritten += 1;
            failure = Some(error);
        }
    }
    if *unwritten > 0 && failure.is_none() {
        match append(file, &about_lost(*unwritten)) {
            Ok(()) => *unwritten = 0,
            Err(error) => failure = Some(error),
        }
    }
    failure
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }

    /// Whether there are so many lines that waiting for more would lose some.
    fn has_many(&self) -> bool {
        self.lines.len() >= QUEUE_LINES / 2
    }

    /// Whether what is there is to be written now.
    fn is_urgent(&self) -> bool {
        self.is_awaited || self.is_closed || self.has_many()
    }

    fn is_drained(&self) -> bool {
        self.is_empty() && !self.is_writing
    }

    /// Whether there is a thread that will write; none when it could not start, or nothing was ever recorded.
    fn has_thread(&self) -> bool {
        self.file.is_none()
    }

    fn fail(&mut self, error: &io::Error) {
        let failure = error.to_string();
        if self.failure.is_none() {
            tracing::warn!("the audit log cannot be written: {failure}");
            self.untold = Some(failure.clone());
        }
        self.failure = Some(failure);
    }
}

fn append(file: &mut AuditFile, entry: &AuditEntry) -> io::Result<()> {
    let line = serde_json::to_string(entry).map_err(io::Error::other)?;
    file.append(&line)
}

/// The line that says how many lines there are not.
fn about_lost(lines: u64) -> AuditEntry {
    AuditEntry {
        time: timestamp(SystemTime::now()),
        connection: String::new(),
        provider: String::new(),
        digest: String::new(),
        call: String::new(),
        event: AuditEvent::Lost { lines },
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::super::entry::tests::request;
    use super::super::file::{lock_file, path};
    use super::*;

    fn events(directory: &Path, ages: u32) -> Vec<AuditEvent> {
        let text = |age| std::fs::read_to_string(path(directory, age)).unwrap_or_default();
        let text = (0..ages).rev().map(text).collect::<String>();
        let entry = |line| serde_json::from_str::<AuditEntry>(line).unwrap().event;
        text.lines().filter(|line| !line.is_empty()).map(entry).collect()
    }

    #[test]
    fn everything_recorded_is_in_the_file_after_a_flush() {
        let home = tempfile::tempdir().unwrap();
        let log = AuditLog::of_file(AuditFile::new(home.path().join("audit"), 1 << 20, 2), false);
        log.flush().unwrap();
        assert!(!home.path().join("audit").exists(), "a log without lines made files");
        for number in 0..100 {
            log.record(request("lab", &format!("/vms/{number}")));
        }
        log.flush().unwrap();
        let events = events(&home.path().join("audit"), 1);
        assert_eq!(events.len(), 100);
        assert_eq!(events[99].request(), Some(("api", "GET", "/vms/99")));
    }

    #[test]
    fn lines_that_find_no_room_are_counted_and_the_caller_does_not_wait() {
        let home = tempfile::tempdir().unwrap();
        let lock = lock_file(home.path()).unwrap();
        lock.lock().unwrap();
        // The file is full: the first line needs a rotation, which waits for the lock.
        let file_bytes = 8 << 20;
        std::fs::write(path(home.path(), 0), "\n".repeat(file_bytes)).unwrap();
        let log = AuditLog::of_file(AuditFile::new(home.path().to_owned(), file_bytes as u64, 9), false);
        let recorded = QUEUE_LINES as u64 * 2 + 100;
        for _ in 0..recorded {
            log.record(request("lab", "/vms/a"));
        }
        lock.unlock().unwrap();
        log.flush().unwrap();
        let events = events(home.path(), 9);
        let lost: u64 = events
            .iter()
            .map(|event| match event {
                AuditEvent::Lost { lines } => *lines,
                _ => 0,
            })
            .sum();
        let written = events.iter().filter(|event| event.request().is_some()).count() as u64;
        assert!(lost > 0, "the queue has no end");
        assert_eq!(written + lost, recorded);
    }

    #[test]
    fn a_failure_is_told_once_and_again_only_where_the_log_is_required() {
        for is_required in [false, true] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join("audit"), "not a directory").unwrap();
            let file = AuditFile::new(home.path().join("audit"), 1_000, 2);
            let log = AuditLog::of_file(file, is_required);
            let told = || {
                log.record(request("lab", "/vms/a"));
                log.flush().err().map(|error| error.to_string())
            };
            assert!(told().unwrap().starts_with("the audit log could not be written: "));
            assert_eq!(told().is_some(), is_required);
            // What could not be written is counted once it can be.
            std::fs::remove_file(home.path().join("audit")).unwrap();
            std::fs::create_dir(home.path().join("audit")).unwrap();
            std::fs::set_permissions(home.path().join("audit"), Permissions::from_mode(0o700)).unwrap();
            assert_eq!(told(), None);
            let events = events(&home.path().join("audit"), 1);
            assert_eq!(events.last(), Some(&AuditEvent::Lost { lines: 2 }));
        }
    }
}
