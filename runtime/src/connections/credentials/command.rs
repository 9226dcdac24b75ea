//! Runs a program that prints a secret: a password manager, a plugin that makes tokens.
//!
//! No shell: the first word is the program's absolute path, the others are its arguments. It gets an environment of
//! few variables, no input, a time and an output limit, and is ended with everything that it started. What it prints is
//! secret; what it complains about is shown, cleaned and shortened, when it fails.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use stockade_host::text::clean;
use zeroize::Zeroizing;

use super::source::MAX_SECRET_BYTES;

/// How long it may take. Protects whoever waits; a plugin that asks a server takes a few seconds.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How much of its complaint is shown, in bytes.
const LONGEST_COMPLAINT: usize = 300;
/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// What it sees of the environment: what password managers need to find their configuration and their agent.
const ENVIRONMENT: [&str; 8] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// What a program prints.
///
/// # Errors
/// Why there is nothing to use: it cannot be run, fails, takes too long, prints too much or no text.
pub(super) fn run(words: &[String], environment: &[(String, String)]) -> Result<Zeroizing<String>, String> {
    run_within(words, environment, TIME_LIMIT)
}

fn run_within(
    words: &[String],
    environment: &[(String, String)],
    time_limit: Duration,
) -> Result<Zeroizing<String>, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    if !Path::new(program).is_absolute() {
        return Err(format!("`{program}` is no absolute path of a program"));
    }
    let inherited = ENVIRONMENT
        .iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(inherited)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    let printed = child.stdout.take().map(read);
    let complaint = child.stderr.take().map(read);
    let deadline = Instant::now() + time_limit;
    let status = wait(&mut child, deadline);
    end_group(&child);
    let Some(status) = status else {
        let _ = child.wait();
        return Err(format!("`{program}` did not end within {} s", time_limit.as_secs()));
    };
    let collect = |stream: Option<Receiver<Zeroizing<Vec<u8>>>>| {
        // After the end of the group only a process that left it can hold the pipe.
        stream
            .and_then(|stream| stream.recv_timeout(Duration::from_secs(1)).ok())
            .unwrap_or_default()
    };
    // Before its status: who prints on after the limit finds nobody reading, and fails by a signal that explains nothing.
    let mut printed = collect(printed);
    if printed.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!("`{program}` printed more than 64 KiB"));
    }
    if !status.success() {
        let complaint = collect(complaint);
        let words = clean(String::from_utf8_lossy(&complaint).trim(), LONGEST_COMPLAINT);
        return Err(format!("`{program}` failed ({status}): {words}"));
    }
    let text = String::from_utf8(std::mem::take(&mut *printed)).map_err(|_| format!("`{program}` printed no text"))?;
    Ok(Zeroizing::new(text))
}

/// Reads a stream to its end or limit, beside the program.
fn read(stream: impl Read + Send + 'static) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = stream.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// The status with which it ended; none at the deadline.
fn wait(child: &mut Child, deadline: Instant) -> Option<std::process::ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

/// Ends what it started. The group's number is its own until the last of them ended.
fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, time_limit: Duration) -> Result<String, String> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        run_within(&words, &[("ADDED".to_owned(), "added".to_owned())], time_limit).map(|text| text.to_string())
    }

    #[test]
    fn a_program_prints_a_secret_and_sees_little() {
        let minute = Duration::from_secs(60);
        assert_eq!(shell("echo s3cret", minute).unwrap(), "s3cret\n");
        let seen = shell("env; cat", minute).unwrap();
        assert!(seen.contains("ADDED=added") && seen.contains("PATH="), "{seen}");
        // The test's own runner sets this one.
        assert!(
            std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !seen.contains("CARGO_"),
            "{seen}"
        );
    }

    #[test]
    fn a_program_that_fails_says_why_and_not_what_it_printed() {
        let minute = Duration::from_secs(60);
        let error = shell("echo canary; echo 'no \x1b[2J vault' >&2; exit 3", minute).unwrap_err();
        assert!(
            error.contains("exit status: 3): no  [2J vault") && !error.contains("canary"),
            "{error}"
        );
        // The first ends well or by a signal, as its pipe happens to be read; the others always end by one, and well.
        for script in ["head -c 70000 /dev/zero", "yes", "head -c 70000 /dev/zero; exit 0"] {
            let error = shell(script, minute).unwrap_err();
            assert!(error.contains("more than 64 KiB"), "{script}: {error}");
        }
        assert!(shell("printf '\\377'", minute).unwrap_err().contains("no text"));
        let none = Duration::ZERO;
        assert!(
            shell("sleep 1000 & sleep 1000", none)
                .unwrap_err()
                .contains("did not end within")
        );
    }
}
