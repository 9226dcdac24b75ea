//! One test inside a private libvirt, with the command and a home of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use stockade_test_support::private_libvirt::{self, PrivateLibvirt};
use stockade_test_support::{artifacts, wait_for};
use tempfile::TempDir;

/// Set where a test runs again, inside.
const INSIDE: &str = "STOCKADE_TEST_INSIDE_LIBVIRT";

/// How long a guest may take to boot, under emulation on a busy machine.
const GUEST_LIMIT: Duration = Duration::from_secs(240);

/// What a test has inside.
pub(crate) struct Lab {
    home: TempDir,
}

/// Runs `body` inside a private libvirt: this program starts itself there again, for this test alone. `test` is the
/// test's path, as the harness names it.
pub(crate) fn inside(test: &str, body: impl FnOnce(&Lab)) {
    if std::env::var_os(INSIDE).is_some() {
        let _told_on_failure = Remains;
        body(&Lab {
            home: TempDir::with_prefix("stockade-lab-").unwrap(),
        });
        return;
    }
    if private_libvirt::is_opted_out() {
        eprintln!("NOT RUN: {} is set", private_libvirt::WITHOUT_LIBVIRT);
        return;
    }
    let libvirt = PrivateLibvirt::start().unwrap();
    let mut command = libvirt.command("env");
    command.arg(format!("{INSIDE}=1")).arg(std::env::current_exe().unwrap());
    let output = command.args([test, "--exact", "--nocapture"]).output().unwrap();
    let (said, told) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "inside:\n{said}\n{told}");
    // A path that no longer fits would run no test, and succeed.
    assert!(said.contains("1 passed"), "`{test}` is not a test's path:\n{said}");
    print!("{told}");
}

/// Where libvirt keeps what QEMU and swtpm say.
const LOGS: &str = "/var/log/libvirt/qemu";
/// Of each of those, the last bytes.
const LOG_TAIL: usize = 2_000;

/// Tells what a failed test leaves, for that ends with its libvirt.
struct Remains;

impl Drop for Remains {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        // Whatever went wrong may go on doing so: nothing here may fail, or wait for ever.
        for arguments in [
            &["virsh", "list", "--all"][..],
            &["ps", "-eo", "pid,stat,etimes,time,rss,comm"],
        ] {
            let output = Command::new("timeout").arg("10").args(arguments).output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            eprintln!("{arguments:?}: {}", text.unwrap_or_default());
        }
        for entry in std::fs::read_dir(LOGS).into_iter().flatten().flatten() {
            let log = std::fs::read(entry.path()).unwrap_or_default();
            let tail = &log[log.len().saturating_sub(LOG_TAIL)..];
            eprintln!("{}: {}", entry.path().display(), String::from_utf8_lossy(tail));
        }
    }
}

impl Lab {
    /// A directory of the test's own.
    pub(crate) fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Where the command has its temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        let directory = self.home.path().join("tmp");
        std::fs::create_dir_all(&directory).unwrap();
        directory
    }

    /// The command with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(artifacts::stockade());
        command
            .env("TMPDIR", self.temporary())
            .env("STOCKADE_HOME", self.home.path().join("stockade"))
            .args(arguments);
        command
    }

    /// Runs the command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the command, which succeeds; answers what it prints.
    pub(crate) fn stockade(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the command, which fails; answers its words, a single line.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        let told = String::from_utf8(output.stderr).unwrap();
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Makes a connection of these options, without checking that it works.
    pub(crate) fn connect(&self, name: &str, options: &[(&str, &str)]) {
        let mut arguments = vec!["create", "connection", name, "--provider", "libvirt", "--no-check"];
        let options: Vec<String> = options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        for option in &options {
            arguments.extend(["--option", option]);
        }
        self.stockade(&arguments);
    }

    /// The VMs of a connection, as the command prints them for programs.
    pub(crate) fn vms(&self, connection: &str) -> Vec<Value> {
        let text = self.stockade(&["--connection", connection, "list", "vm", "--output", "json"]);
        serde_json::from_str(&text).unwrap()
    }

    /// What a shell in a guest prints, once the guest's agent answers.
    pub(crate) fn ask(&self, connection: &str, vm: &str, script: &str) -> String {
        let shell = ["guest", "exec", vm, "--", "/bin/sh", "-c", script];
        let arguments = [&["--connection", connection], &shell[..]].concat();
        let mut last = String::new();
        wait_for("the guest to answer", GUEST_LIMIT, || {
            let output = self.run(&arguments);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || told.contains("agent"), "{script}: {told}");
            if *told != *last {
                eprintln!("{script}: {told}");
                last = told.clone().into_owned();
            }
            output
                .status
                .success()
                .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        })
    }

    /// The names of the VMs of a connection.
    pub(crate) fn names(&self, connection: &str) -> Vec<String> {
        let vms = self.vms(connection);
        vms.iter().map(|vm| vm["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// Runs the command on connection `near`, which succeeds.
pub(crate) fn near(lab: &Lab, arguments: &[&str]) -> String {
    lab.stockade(&[&["--connection", "near"], arguments].concat())
}

/// Makes connection `near` with these options, and brings the tiny guest in. (It is built outside, where there is a network.)
pub(crate) fn bring_guest(lab: &Lab, image: &Path, options: &[(&str, &str)]) {
    let options = [&[("allow_guest_commands", "true")], options].concat();
    lab.connect("near", &options);
    near(
        lab,
        &["create", "image", "tiny.qcow2", "--file", &image.to_string_lossy()],
    );
}

/// Starts a tiny guest with these arguments.
pub(crate) fn create_guest(lab: &Lab, name: &str, more: &[&str]) {
    let basic = ["create", "vm", name, "--image", "tiny.qcow2", "--memory", "256m"];
    near(lab, &[&basic, more].concat());
}

/// Makes connection `near`, and starts a tiny guest `web` with these arguments.
pub(crate) fn with_guest(lab: &Lab, image: &Path, arguments: &[&str]) {
    bring_guest(lab, image, &[]);
    create_guest(lab, "web", arguments);
}

/// Runs `virsh`, which succeeds.
pub(crate) fn virsh(arguments: &[&str]) -> String {
    run(
        "virsh",
        &[&["--quiet", "--connect", "qemu:///system"], arguments].concat(),
    )
}

/// Runs a program, which succeeds; answers what it prints.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Defines a small VM without a disk, which runs (QEMU's firmware looks for something to boot for ever).
pub(crate) fn define(directory: &Path, name: &str, metadata: &str) {
    let file: PathBuf = directory.join("domain.xml");
    let xml = format!(
        "<domain type='qemu'><name>{name}</name><metadata>{metadata}</metadata><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
         <os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
    );
    std::fs::write(&file, xml).unwrap();
    virsh(&["define", &file.to_string_lossy()]);
}
