//! Reads the log back: every file in order, oldest first, without what the query leaves out.
//!
//! Lines that cannot be read are counted and skipped: the last one of a process that was killed, or one of a newer
//! version. Reading never changes anything and needs no process that writes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::time::SystemTime;

use super::entry::{AuditEntry, AuditEvent, timestamp};
use super::file::{lock_file, path};
use crate::error::{Error, Result};
use crate::home::Home;

/// The longest line that is read. Ours are shorter; more is not ours.
const LINE_BYTES: u64 = 64 << 10;
/// Files that are looked for, whatever the settings say now: they may have said more before.
const MOST_FILES: u32 = 10_000;

/// Which lines are wanted. The default wants all.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only of these connections; all when there are none.
    pub connections: Vec<String>,
    /// Only denials.
    pub denied: bool,
    /// Only from this time on.
    pub since: Option<SystemTime>,
    /// Only before this time.
    pub until: Option<SystemTime>,
    /// Only requests with this method.
    pub method: Option<String>,
    /// Only requests at this endpoint.
    pub endpoint: Option<String>,
    /// Only of this call.
    pub call: Option<String>,
    /// Only so many, the newest.
    pub limit: Option<usize>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// The lines, oldest first.
    pub entries: Vec<AuditEntry>,
    /// How many older ones the limit left out.
    pub left_out: usize,
    /// Lines that could not be read.
    pub broken: usize,
}

impl AuditQuery {
    /// Reads what is wanted.
    pub(crate) fn read(&self, home: &Home) -> Result<AuditPage> {
        let (since, until) = (self.since.map(timestamp), self.until.map(timestamp));
        let wanted = |entry: &AuditEntry| {
            since.as_ref().is_none_or(|since| entry.time >= *since)
                && until.as_ref().is_none_or(|until| entry.time < *until)
                && self.matches(entry)
        };
        let mut found = Found {
            entries: VecDeque::new(),
            limit: self.limit.unwrap_or(usize::MAX),
            left_out: 0,
            broken: 0,
        };
        let directory = super::directory(home);
        let failed = |error: &io::Error| Error::io(format_args!("reading `{}`", directory.display()), error);
        for file in self.files(home).map_err(|error| failed(&error))? {
            found.read(file, wanted).map_err(|error| failed(&error))?;
        }
        Ok(AuditPage {
            entries: found.entries.into(),
            left_out: found.left_out,
            broken: found.broken,
        })
    }

    fn matches(&self, entry: &AuditEntry) -> bool {
        let request = entry.event.request();
        (self.connections.is_empty() || self.connections.contains(&entry.connection))
            && (!self.denied || matches!(entry.event, AuditEvent::Denied { .. }))
            && self.call.as_ref().is_none_or(|call| *call == entry.call)
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| request.is_some_and(|(_, method, _)| method.eq_ignore_ascii_case(wanted)))
            && self
                .endpoint
                .as_ref()
                .is_none_or(|wanted| request.is_some_and(|(endpoint, _, _)| endpoint == wanted))
    }

    /// The files that may hold something wanted, oldest first. Nothing rotates while they are opened.
    fn files(&self, home: &Home) -> io::Result<Vec<File>> {
        let directory = super::directory(home);
        if !directory.exists() {
            return Ok(Vec::new());
        }
        let lock = lock_file(&directory)?;
        lock.lock_shared()?;
        let mut files = Vec::new();
        for age in 0..MOST_FILES {
            let file = match File::open(path(&directory, age)) {
                Ok(file) => file,
                // The one that is written is missing right after a rotation.
                Err(error) if error.kind() == io::ErrorKind::NotFound && age == 0 => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            let last_change = file.metadata()?.modified()?;
            if self.since.is_some_and(|since| last_change < since) {
                break;
            }
            files.push(file);
        }
        files.reverse();
        Ok(files)
    }
}

struct Found {
    entries: VecDeque<AuditEntry>,
    limit: usize,
    left_out: usize,
    broken: usize,
}

impl Found {
    fn read(&mut self, file: File, wanted: impl Fn(&AuditEntry) -> bool) -> io::Result<()> {
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.len() as u64 == LINE_BYTES && !line.ends_with(b"\n") {
                reader.skip_until(b'\n')?;
            }
            match serde_json::from_slice::<AuditEntry>(&line) {
                Ok(entry) if wanted(&entry) => self.keep(entry),
                Ok(_) => {}
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => self.broken += 1,
            }
        }
    }

    fn keep(&mut self, entry: AuditEntry) {
        self.entries.push_back(entry);
        if self.entries.len() > self.limit {
            self.entries.pop_front();
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::entry::tests::request;
    use super::*;

    /// A home whose log has these files, the oldest last.
    fn home(files: &[&str]) -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        let audit = super::super::directory(&home);
        std::fs::create_dir_all(&audit).unwrap();
        for (age, text) in files.iter().enumerate() {
            std::fs::write(path(&audit, u32::try_from(age).unwrap()), text).unwrap();
        }
        (directory, home)
    }

    fn line(time: &str, connection: &str, path: &str) -> String {
        let mut entry = request(connection, path);
        entry.time = time.to_owned();
        entry.call = format!("call-of-{connection}");
        serde_json::to_string(&entry).unwrap() + "\n"
    }

    fn denial(time: &str, connection: &str) -> String {
        let text = line(time, connection, "/vms/d");
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["event"] = "denied".into();
        value["reason"] = "not asked".into();
        value["method"] = "DELETE".into();
        value["endpoint"] = "other".into();
        value.to_string() + "\n"
    }

    fn paths(query: &AuditQuery, home: &Home) -> Vec<String> {
        let page = query.read(home).unwrap();
        let path = |entry: AuditEntry| entry.event.request().map(|(_, _, path)| path.to_owned());
        page.entries.into_iter().filter_map(path).collect()
    }

    #[test]
    fn queries_leave_out_what_is_not_wanted() {
        let new = [
            line("1970-01-01T00:00:03.000Z", "lab", "/vms/c"),
            denial("1970-01-01T00:00:04.000Z", "lab"),
        ];
        let old = [
            line("1970-01-01T00:00:01.000Z", "lab", "/vms/a"),
            line("1970-01-01T00:00:02.000Z", "prod", "/vms/b"),
        ];
        let (_directory, home) = home(&[&new.concat(), &old.concat()]);
        let all = AuditQuery::default;
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for (query, expected) in [
            (all(), "/vms/a /vms/b /vms/c /vms/d"),
            (
                AuditQuery {
                    connections: vec!["prod".into()],
                    ..all()
                },
                "/vms/b",
            ),
            (AuditQuery { denied: true, ..all() }, "/vms/d"),
            (AuditQuery { since: at(3), ..all() }, "/vms/c /vms/d"),
            (AuditQuery { until: at(3), ..all() }, "/vms/a /vms/b"),
            (
                AuditQuery {
                    method: Some("delete".into()),
                    ..all()
                },
                "/vms/d",
            ),
            (
                AuditQuery {
                    endpoint: Some("api".into()),
                    ..all()
                },
                "/vms/a /vms/b /vms/c",
            ),
            (
                AuditQuery {
                    call: Some("call-of-prod".into()),
                    ..all()
                },
                "/vms/b",
            ),
            (
                AuditQuery {
                    limit: Some(2),
                    ..all()
                },
                "/vms/c /vms/d",
            ),
        ] {
            assert_eq!(paths(&query, &home).join(" "), expected, "{query:?}");
        }
        let limited = AuditQuery {
            limit: Some(1),
            ..all()
        }
        .read(&home)
        .unwrap();
        assert_eq!((limited.entries.len(), limited.left_out), (1, 3));
    }

    #[test]
    fn broken_lines_are_counted_and_cost_no_other() {
        let whole = line("1970-01-01T00:00:01.000Z", "lab", "/vms/a");
        let long = format!("{{\"x\":\"{}\"}}\n", "y".repeat(200_000));
        let text = format!("{whole}{long}\n{{\"time\":\"x\"}}\n{whole}\u{0}\u{0}\n{}", &whole[..50]);
        let (_directory, home) = home(&[&text]);
        let page = AuditQuery::default().read(&home).unwrap();
        assert_eq!((page.entries.len(), page.broken), (2, 4));
        let (_directory, empty) = self::home(&[]);
        std::fs::remove_dir(super::super::directory(&empty)).unwrap();
        assert!(AuditQuery::default().read(&empty).unwrap().entries.is_empty());
    }
}
