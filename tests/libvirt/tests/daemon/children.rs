//! What the command starts: nothing, and `ssh` on the way to another host.

use std::path::Path;
use std::process::Command;

use stockade_test_support::{artifacts, tiny_guest};

use crate::lab::{Lab, inside};
use crate::sshd::Sshd;

/// Runs the command under strace(1); answers the programs that were started, itself excluded.
fn started(lab: &Lab, arguments: &[&str]) -> Vec<String> {
    let trace = lab.directory().join("trace");
    let mut command = Command::new("strace");
    command
        .args(["--follow-forks", "-qq", "--trace=execve,execveat", "--output"])
        .arg(&trace);
    command.arg(artifacts::stockade()).args(arguments);
    command.env("STOCKADE_HOME", lab.directory().join("stockade"));
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    let trace = std::fs::read_to_string(trace).unwrap();
    // `execvp` tries one directory after the other; what counts is what was found.
    let found = trace
        .lines()
        .filter(|line| line.contains("exec") && line.ends_with("= 0"));
    let mut programs: Vec<String> = found.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect();
    assert_eq!(programs.remove(0), artifacts::stockade().to_string_lossy(), "{trace}");
    programs
}

#[test]
fn a_vms_whole_life_starts_no_program_but_ssh() {
    let image = tiny_guest::image().unwrap();
    inside("children::a_vms_whole_life_starts_no_program_but_ssh", |lab| {
        let sshd = Sshd::start(lab.directory(), "");
        let options = [
            ("uri", Sshd::uri()),
            ("ssh_key", sshd.file("id")),
            ("ssh_known_hosts", sshd.file("known")),
        ];
        let options: Vec<(&str, &str)> = options.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lab.connect("far", &options);
        lab.connect("near", &[]);
        for connection in ["near", "far"] {
            for arguments in life(&image) {
                let arguments = [&["--connection", connection], arguments.as_slice()].concat();
                let started = started(lab, &arguments);
                let expected = started
                    .iter()
                    .all(|program| connection == "far" && program.ends_with("/ssh"));
                assert!(expected && started.len() <= 1, "{arguments:?} started {started:?}");
                assert_eq!(started.len(), usize::from(connection == "far"), "{arguments:?}");
            }
        }
    });
}

/// A VM from its image to its deletion, with everything that the provider can do in between.
fn life(image: &Path) -> Vec<Vec<&str>> {
    let image = image.to_str().unwrap();
    [
        &["create", "image", "tiny.qcow2", "--file", image][..],
        &[
            "create",
            "vm",
            "web",
            "--image",
            "tiny.qcow2",
            "--memory",
            "128m",
            "--disk",
            "1",
        ],
        &["list", "vm"],
        &["info", "vm", "web"],
        &["restart", "vm", "web", "--force"],
        &["stop", "vm", "web", "--force"],
        &["start", "vm", "web"],
        &["delete", "vm", "web", "--yes"],
        &["list", "image"],
        &["list", "pool"],
        &["list", "network"],
        &["delete", "image", "tiny.qcow2", "--yes"],
    ]
    .map(<[&str]>::to_vec)
    .to_vec()
}
