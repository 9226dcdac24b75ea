//! The second wall itself: what a process behind it tries is refused, and works without the wall.
//!
//! A trial starts this program again as somebody who tries one thing, with or without the wall. A guest that escaped from
//! its WebAssembly could try nothing else: these are the system calls that it would have.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stockade::connections::Isolation;
use stockade::contract::ErrorKind;
use stockade_host::child::ChildRole;
use stockade_host::lockdown;
use stockade_test_support::wait_for;

use crate::lab::{Lab, Setup, Trial, greet};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "behind_the_wall_every_way_out_ends_the_process",
        attempts: &[],
        run: every_way_out,
    },
    Trial {
        name: "files_are_denied_twice",
        attempts: &[],
        run: files,
    },
    Trial {
        name: "a_guest_has_the_process_that_its_connection_says_and_not_longer_than_its_call",
        attempts: &["attempt spin"],
        run: own_process,
    },
    Trial {
        name: "a_process_that_is_killed_ends_its_call_only",
        attempts: &["attempt spin"],
        run: killed,
    },
];

/// The variable by which a trial asks: which walls, and which attempt.
const ASK: &str = "STOCKADE_WALL_ATTEMPT";

type Attempt = fn() -> io::Result<()>;

/// What is tried, by name.
const ATTEMPTS: &[(&str, Attempt)] = &[
    ("open a file", || File::open("/etc/passwd").map(drop)),
    ("read a directory", || std::fs::read_dir("/proc").map(drop)),
    ("write a file", || tempfile::tempfile().map(drop)),
    ("look at a file", || std::fs::metadata("/etc/passwd").map(drop)),
    ("listen", || TcpListener::bind("127.0.0.1:0").map(drop)),
    ("make a local socket", || UnixDatagram::unbound().map(drop)),
    ("start a program", || {
        Command::new("/proc/self/exe")
            .env_remove(ASK)
            .arg("--list")
            .stdout(Stdio::null())
            .status()
            .map(drop)
    }),
    ("become a program", || raw(libc::SYS_execve, [0; 6]).or_else(known)),
    ("start a process", || {
        raw(libc::SYS_clone, [libc::CLONE_THREAD.into(), 0, 0, 0, 0, 0]).or_else(known)
    }),
    ("start a thread", || std::thread::Builder::new().spawn(|| ()).map(drop)),
    ("signal the parent", || raw(libc::SYS_kill, [parent(), 0, 0, 0, 0, 0])),
    ("trace the parent", || {
        raw(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), parent(), 0, 0, 0, 0])
    }),
    ("take a file of the parent", || {
        raw(libc::SYS_pidfd_open, [parent(), 0, 0, 0, 0, 0])
    }),
    ("make memory executable", || {
        raw(libc::SYS_mmap, [0, 4096, EXECUTABLE, ANONYMOUS, -1, 0])
    }),
    ("raise a limit", || {
        raw(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE.into(), 0, 0, 0, 0])
    }),
    ("leave its namespaces", || {
        raw(libc::SYS_unshare, [libc::CLONE_NEWUTS.into(), 0, 0, 0, 0, 0])
    }),
    ("use a ring of the kernel's", || {
        raw(libc::SYS_io_uring_setup, [0, 0, 0, 0, 0, 0]).or_else(known)
    }),
    ("load a program into the kernel", || {
        raw(libc::SYS_bpf, [-1, 0, 0, 0, 0, 0]).or_else(known)
    }),
];

const EXECUTABLE: i64 = (libc::PROT_READ | libc::PROT_EXEC) as i64;
const ANONYMOUS: i64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as i64;

/// What a wall may do to an attempt.
#[derive(Clone, Copy)]
enum Walls {
    /// There is none.
    None,
    /// Landlock alone.
    Files,
    /// Both, as a guest's process has them.
    All,
}

/// Who started this process: behind the wall one cannot ask.
static PARENT: LazyLock<i64> = LazyLock::new(|| std::os::unix::process::parent_id().into());

/// Makes an attempt if a trial asks for one.
pub(crate) fn attempt_if_asked() -> Option<ExitCode> {
    let asked = std::env::var(ASK).ok()?;
    let (walls, name) = asked.split_once(' ')?;
    let (_, attempt) = ATTEMPTS.iter().find(|(known, _)| *known == name)?;
    LazyLock::force(&PARENT);
    if walls != "none" {
        lockdown::deny_files().unwrap();
    }
    if walls == "all" {
        lockdown::deny_system_calls(ChildRole::Guest).unwrap();
    }
    Some(match attempt() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(
            error
                .raw_os_error()
                .map_or(255, |number| number.unsigned_abs().try_into().unwrap_or(255)),
        ),
    })
}

fn outcome(walls: Walls, name: &str) -> ExitStatus {
    let walls = match walls {
        Walls::None => "none",
        Walls::Files => "files",
        Walls::All => "all",
    };
    Command::new("/proc/self/exe")
        .env(ASK, format!("{walls} {name}"))
        .status()
        .unwrap()
}

fn every_way_out(_lab: &Lab) {
    for (name, _) in ATTEMPTS {
        assert_eq!(
            outcome(Walls::None, name).code(),
            Some(0),
            "{name}: works without a wall"
        );
        let behind = outcome(Walls::All, name);
        assert_eq!(behind.signal(), Some(libc::SIGSYS), "{name}: {behind}");
    }
}

/// Landlock alone refuses too: neither part of the wall relies on the other.
fn files(_lab: &Lab) {
    for name in ["open a file", "read a directory", "write a file", "start a program"] {
        assert_eq!(outcome(Walls::Files, name).code(), Some(libc::EACCES), "{name}");
    }
    assert_eq!(
        outcome(Walls::Files, "start a thread").code(),
        Some(0),
        "it refuses nothing else"
    );
}

/// A guest that spins until something ends it, and a number of seconds that its process alone has as its limit.
fn spinning(lab: &Lab, own_seconds: u32) -> (stockade::Service, String) {
    let (service, _) = lab.connect(&Setup::nothing().limits(|limits| limits.cpu_ms = own_seconds * 1_000));
    // The host grants 10 s beside the guest's own.
    (service, (own_seconds + 10).to_string())
}

fn own_process(lab: &Lab) {
    let (service, seconds) = spinning(lab, 1_001);
    let endless = lab.start(&service, "spin", json!({}));
    if lab.shared.isolation == Isolation::InProcess {
        let other = lab.connect(&Setup::nothing()).0;
        lab.wait(async {
            tokio::select! {
                biased;
                answer = endless => panic!("it ended: {answer:?}"),
                () = greet(&other) => {}
            }
        });
        assert_eq!(guests(&seconds), [], "no process but this");
        return;
    }
    let found = lab.wait(meanwhile(endless, move || {
        guests(&seconds).pop().filter(Guest::is_locked)
    }));
    let guest = found.expect("the call goes on");
    assert!(guest.status.contains("\nNoNewPrivs:\t1\n"), "{}", guest.status);
    assert!(guest.status.contains("\nThreads:\t2\n"), "{}", guest.status);
    assert_eq!(guest.limit("Max open files"), "0");
    assert_eq!(guest.limit("Max file size"), "0");
    assert_eq!(guest.limit("Max core file size"), "0");
    assert_eq!(guest.limit("Max data size"), ((64 + 4 * 16 + 64) << 20).to_string());
    wait_for("the end of the guest with its call", Duration::from_secs(60), || {
        (!guest.exists()).then_some(())
    });
    lab.works(&service);
}

fn killed(lab: &Lab) {
    if lab.shared.isolation == Isolation::InProcess {
        // Here a guest cannot be killed alone.
        lab.note("attempt spin");
        return;
    }
    let (service, seconds) = spinning(lab, 1_002);
    let endless = lab.start(&service, "spin", json!({}));
    let kill = move || {
        let guest = guests(&seconds).pop().filter(Guest::is_locked)?;
        kill_process(guest.pid, Signal::ABORT).unwrap();
        Some(guest)
    };
    let error = lab.wait(async {
        let (answer, _) = tokio::join!(
            endless,
            tokio::task::spawn_blocking(move || wait_for("a guest", Duration::from_secs(60), kill))
        );
        answer.unwrap_err()
    });
    assert_eq!(*error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("killed by signal 6"), "{error}");
    lab.works(&service);
}

/// Prints what a call costs in each mode, and what a guest's process holds. Not a trial: times are nobody's promise.
#[expect(clippy::print_stderr, reason = "it is there to be read")]
pub(crate) fn measure(labs: &[(&str, Lab)]) {
    for (mode, lab) in labs {
        let (service, _) = lab.connect(&Setup::nothing());
        lab.wait(service.list_vms()).unwrap();
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let start = Instant::now();
                lab.wait(service.list_vms()).unwrap();
                start.elapsed()
            })
            .collect();
        times.sort();
        eprintln!(
            "{mode}: a list takes {:?} (median), {:?} (slowest of 50)",
            times[25], times[49]
        );
    }
    let (_, lab) = &labs[1];
    let (service, seconds) = spinning(lab, 1_003);
    let endless = lab.start(&service, "spin", json!({}));
    let guest = lab.wait(meanwhile(endless, move || {
        guests(&seconds).pop().filter(Guest::is_locked)
    }));
    for line in guest
        .unwrap()
        .status
        .lines()
        .filter(|line| line.starts_with("Vm") || line.starts_with("Rss"))
    {
        eprintln!("a guest's process: {line}");
    }
}

/// Waits for a condition while a call goes on, then gives the call up; none when the call ends before.
async fn meanwhile<T: Send + 'static>(
    call: impl Future<Output = Result<serde_json::Value, stockade::Error>>,
    mut condition: impl FnMut() -> Option<T> + Send + 'static,
) -> Option<T> {
    let condition = tokio::task::spawn_blocking(move || wait_for("a guest", Duration::from_secs(60), &mut condition));
    tokio::select! {
        _ = call => None,
        found = condition => Some(found.unwrap()),
    }
}

/// The process of a guest, seen from outside.
struct Guest {
    pid: Pid,
    status: String,
    limits: String,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.status)
    }
}

impl PartialEq for Guest {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid
    }
}

impl Guest {
    fn is_locked(&self) -> bool {
        self.status.contains("\nSeccomp:\t2\n")
    }

    fn exists(&self) -> bool {
        std::path::Path::new("/proc").join(self.pid.to_string()).exists()
    }

    /// A hard limit. Columns of a fixed width: name, soft limit, hard limit (proc_pid_limits(5)).
    fn limit(&self, name: &str) -> &str {
        let line = self.limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[47..].split_whitespace().next().unwrap()
    }
}

/// The children of this process whose computing is limited to this many seconds.
fn guests(seconds: &str) -> Vec<Guest> {
    let parent = format!("\nPPid:\t{}\n", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let guest = |entry: std::fs::DirEntry| {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).ok();
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let guest = Guest {
            pid,
            status: read("status")?,
            limits: read("limits")?,
        };
        (guest.status.contains(&parent) && guest.limit("Max cpu time") == seconds).then_some(guest)
    };
    processes.filter_map(guest).collect()
}

fn parent() -> i64 {
    *PARENT
}

/// The kernel knows the call, whatever it thinks of these arguments.
fn known(error: io::Error) -> io::Result<()> {
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::EFAULT | libc::EPERM) => Ok(()),
        _ => Err(error),
    }
}

#[expect(
    unsafe_code,
    reason = "an escaped guest can make any system call, and no library offers these"
)]
fn raw(call: libc::c_long, arguments: [i64; 6]) -> io::Result<()> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: every attempt passes numbers, or null where the kernel would write; none touches memory of this process.
    let answer = unsafe { libc::syscall(call, a, b, c, d, e, f) };
    if answer == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
