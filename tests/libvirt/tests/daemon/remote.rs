//! Hosts that are reached by ssh, TLS and TCP; and what is said when they are not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stockade_test_support::wait_for;

use crate::daemon;
use crate::lab::{Lab, define, inside, run};
use crate::server::Server;
use crate::sshd::Sshd;

const LIMIT: Duration = Duration::from_secs(60);

/// The ssh processes of this pid namespace that dig tunnels.
fn tunnels() -> Vec<String> {
    let all = run("ps", &["-eo", "pid=,args="]);
    let tunnels = all.lines().filter(|line| line.contains("ssh -N -T"));
    tunnels
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

fn ssh(lab: &Lab, name: &str, sshd: &Sshd, key: &str, known: &str) {
    let options = [
        ("uri", Sshd::uri()),
        ("ssh_key", sshd.file(key)),
        ("ssh_known_hosts", sshd.file(known)),
    ];
    let options: Vec<(&str, &str)> = options.iter().map(|(name, value)| (*name, value.as_str())).collect();
    lab.connect(name, &options);
}

#[test]
fn a_host_is_used_through_one_ssh_which_ends_with_the_command() {
    inside(
        "remote::a_host_is_used_through_one_ssh_which_ends_with_the_command",
        |lab| {
            let sshd = Sshd::start(lab.directory(), "");
            ssh(lab, "far", &sshd, "id", "known");
            define(lab.directory(), "vm-1", "");
            assert_eq!(lab.names("far"), ["vm-1"]);
            lab.stockade(&["--connection", "far", "start", "vm", "vm-1"]);
            assert_eq!(lab.vms("far")[0]["status"], "running");
            let image = lab.directory().join("image.raw");
            std::fs::write(&image, vec![7; 3 << 20]).unwrap();
            lab.stockade(&[
                "--connection",
                "far",
                "create",
                "image",
                "i.raw",
                "--file",
                &image.to_string_lossy(),
            ]);
            let there = std::fs::read("/var/lib/libvirt/images/i.raw").unwrap();
            assert!(there == std::fs::read(&image).unwrap(), "the image arrived as it was");
            lab.stockade(&["--connection", "far", "stop", "vm", "vm-1", "--force"]);
            wait_for("ssh to end with its command", LIMIT, || {
                tunnels().is_empty().then_some(())
            });
        },
    );
}

/// A directory with an `ssh` that takes half a second between making its socket and listening at it, as a busy machine may.
fn slow_ssh(directory: &Path) -> PathBuf {
    let directory = directory.join("slow");
    std::fs::create_dir_all(&directory).unwrap();
    let script = "#!/bin/sh\nexec strace -D -qq -o /dev/null -e inject=listen:delay_enter=500000 /usr/bin/ssh \"$@\"\n";
    let file = directory.join("ssh");
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

#[test]
fn a_tunnel_counts_as_dug_when_ssh_listens_and_not_when_its_socket_is_there() {
    inside(
        "remote::a_tunnel_counts_as_dug_when_ssh_listens_and_not_when_its_socket_is_there",
        |lab| {
            let sshd = Sshd::start(lab.directory(), "");
            ssh(lab, "far", &sshd, "id", "known");
            let path = std::env::var("PATH").unwrap();
            let path = format!("{}:{path}", slow_ssh(lab.directory()).display());
            let mut command = lab.command(&["--connection", "far", "list", "vm"]);
            let output = command.env("PATH", path).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        },
    );
}

#[test]
fn a_server_keeps_one_ssh_and_digs_a_new_tunnel_when_it_breaks() {
    inside(
        "remote::a_server_keeps_one_ssh_and_digs_a_new_tunnel_when_it_breaks",
        |lab| {
            let sshd = Sshd::start(lab.directory(), "");
            ssh(lab, "far", &sshd, "id", "known");
            define(lab.directory(), "vm-1", "");
            let server = Server::start(lab);
            assert_eq!(server.status("far", "vm-1").as_deref(), Some("stopped"));
            server.post("/v1/connections/far/vms/vm-1/start");
            assert_eq!(server.status("far", "vm-1").as_deref(), Some("running"));
            let first = tunnels();
            assert_eq!(first.len(), 1, "reads and changes share a tunnel: {first:?}");
            run("kill", &["-KILL", &first[0]]);
            // Behind the server's back, while it has no way to hear of it.
            crate::lab::virsh(&["destroy", "vm-1"]);
            wait_for("the state to be read anew", LIMIT, || {
                (server.status("far", "vm-1").as_deref() == Some("stopped")).then_some(())
            });
            let second = tunnels();
            assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
            drop(server);
            wait_for("ssh to end with its server", LIMIT, || {
                tunnels().is_empty().then_some(())
            });
        },
    );
}

#[test]
fn ssh_that_does_not_come_through_says_why_and_what_to_do() {
    inside(
        "remote::ssh_that_does_not_come_through_says_why_and_what_to_do",
        |lab| {
            let sshd = Sshd::start(lab.directory(), "");
            let list = |name: &str| lab.refused(&["--connection", name, "list", "vm"]);
            ssh(lab, "unknown-host", &sshd, "id", "empty");
            assert!(
                list("unknown-host").contains("its host key is not in"),
                "{}",
                list("unknown-host")
            );
            ssh(lab, "changed-host", &sshd, "id", "changed");
            assert!(
                list("changed-host").contains("somebody may be in between"),
                "{}",
                list("changed-host")
            );
            ssh(lab, "wrong-key", &sshd, "stranger", "known");
            assert!(list("wrong-key").contains("ssh-add"), "{}", list("wrong-key"));
            ssh(lab, "no-daemon", &sshd, "id", "known");
            daemon::stop();
            let told = list("no-daemon");
            assert!(
                told.contains("systemctl start libvirtd") && told.contains("remote_socket"),
                "{told}"
            );
            daemon::start(false);
            assert_eq!(lab.names("no-daemon"), Vec::<String>::new());
            drop(sshd);
            assert!(list("no-daemon").contains("is the host up"), "{}", list("no-daemon"));
            assert!(tunnels().is_empty());
        },
    );
}

#[test]
fn an_sshd_that_forwards_no_sockets_is_among_the_reasons_that_are_told() {
    inside(
        "remote::an_sshd_that_forwards_no_sockets_is_among_the_reasons_that_are_told",
        |lab| {
            let sshd = Sshd::start(lab.directory(), "AllowStreamLocalForwarding no");
            ssh(lab, "far", &sshd, "id", "known");
            let told = lab.refused(&["--connection", "far", "list", "vm"]);
            assert!(told.contains("AllowStreamLocalForwarding"), "{told}");
        },
    );
}

#[test]
fn tls_needs_both_sides_certificates_and_plain_tcp_somebodys_word() {
    inside(
        "remote::tls_needs_both_sides_certificates_and_plain_tcp_somebodys_word",
        |lab| {
            let directory = lab.directory();
            daemon::listen(directory);
            define(directory, "vm-1", "");
            let at = |name: &str| directory.join(name).display().to_string();
            let tls = |name: &str, ca: &str, client: &str| {
                lab.connect(
                    name,
                    &[
                        ("uri", "qemu+tls://localhost/system"),
                        ("tls_ca", &at(ca)),
                        ("tls_certificate", &at(&format!("{client}.pem"))),
                        ("tls_key", &at(&format!("{client}.key"))),
                    ],
                );
            };
            tls("good", "ca.pem", "client");
            assert_eq!(lab.names("good"), ["vm-1"]);
            lab.stockade(&["--connection", "good", "start", "vm", "vm-1"]);
            tls("wrong-host", "other-ca.pem", "client");
            tls("stranger", "ca.pem", "stranger");
            for name in ["wrong-host", "stranger"] {
                let told = lab.refused(&["--connection", name, "list", "vm"]);
                assert!(told.contains("`tls_certificate`"), "{name}: {told}");
            }
            lab.connect(
                "plain",
                &[("uri", "qemu+tcp://127.0.0.1/system"), ("allow_plain_tcp", "true")],
            );
            assert_eq!(lab.names("plain"), ["vm-1"]);
            let uri = "uri=qemu+tcp://127.0.0.1/system";
            let told = lab.refused(&["create", "connection", "p", "--provider", "libvirt", "--option", uri]);
            assert!(told.contains("allow_plain_tcp"), "{told}");
        },
    );
}
