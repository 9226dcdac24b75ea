//! The list that a server keeps: it follows everything that happens, whoever does it, and asks the daemon for nothing.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use stockade_test_support::wait_for;

use crate::daemon;
use crate::lab::{Lab, define, inside, virsh};
use crate::server::Server;

const LIMIT: Duration = Duration::from_secs(60);

fn local(lab: &Lab) -> Server {
    lab.connect("near", &[]);
    Server::start(lab)
}

/// Does something with virsh, and waits until the list shows it.
fn shown(server: &Server, done: &[&str], look: impl Fn(&[Value]) -> bool) {
    virsh(done);
    let began = Instant::now();
    wait_for(&format!("`virsh {}` to be in the list", done.join(" ")), LIMIT, || {
        server.list("near").filter(|list| look(list)).map(drop)
    });
    eprintln!("`virsh {}` was in the list after {:?}", done.join(" "), began.elapsed());
}

#[test]
fn the_list_follows_what_virsh_does_behind_the_servers_back() {
    inside(
        "serving::the_list_follows_what_virsh_does_behind_the_servers_back",
        |lab| {
            let server = local(lab);
            assert_eq!(server.list("near").unwrap().len(), 0);
            define(lab.directory(), "a", "");
            let has = |field: &'static str, value: &'static str| {
                move |list: &[Value]| list.iter().any(|vm| vm[field] == value)
            };
            shown(&server, &["dominfo", "a"], has("name", "a"));
            shown(&server, &["start", "a"], has("status", "running"));
            shown(&server, &["suspend", "a"], has("status", "paused"));
            shown(&server, &["resume", "a"], has("status", "running"));
            let note = "<info><image>debian12</image><plan>p</plan></info>";
            let set = [
                "metadata", "a", "--uri", "kvirt", "--key", "kvirt", "--set", note, "--live", "--config",
            ];
            shown(&server, &set, has("image", "debian12"));
            shown(&server, &["destroy", "a"], has("status", "stopped"));
            shown(&server, &["domrename", "a", "b"], |list| {
                list.len() == 1 && list[0]["name"] == "b"
            });
            shown(&server, &["undefine", "b"], <[Value]>::is_empty);
        },
    );
}

#[test]
fn what_the_server_did_itself_is_in_the_very_next_list() {
    inside("serving::what_the_server_did_itself_is_in_the_very_next_list", |lab| {
        define(lab.directory(), "a", "");
        let server = local(lab);
        assert_eq!(server.status("near", "a").as_deref(), Some("stopped"));
        for _ in 0..3 {
            server.post("/v1/connections/near/vms/a/start");
            assert_eq!(server.status("near", "a").as_deref(), Some("running"));
            server.post("/v1/connections/near/vms/a/stop?mode=forced");
            assert_eq!(server.status("near", "a").as_deref(), Some("stopped"));
        }
        let (status, _) = server.ask("DELETE", "/v1/connections/near/vms/a");
        assert_eq!((status, server.list("near").unwrap().len()), (204, 0));
    });
}

#[test]
fn listing_asks_the_daemon_nothing() {
    inside("serving::listing_asks_the_daemon_nothing", |lab| {
        define(lab.directory(), "a", "");
        let server = local(lab);
        assert_eq!(server.list("near").unwrap().len(), 1);
        // It can answer nothing now. A list that asked it would wait until the test's patience is over.
        daemon::signal("STOP");
        for _ in 0..50 {
            assert_eq!(server.status("near", "a").as_deref(), Some("stopped"));
        }
        daemon::signal("CONT");
    });
}

#[test]
fn a_daemon_that_went_away_is_said_and_read_anew_when_it_is_back() {
    inside(
        "serving::a_daemon_that_went_away_is_said_and_read_anew_when_it_is_back",
        |lab| {
            define(lab.directory(), "a", "");
            let server = local(lab);
            assert_eq!(server.status("near", "a").as_deref(), Some("stopped"));
            daemon::stop();
            let list = "/v1/connections/near/vms";
            let problem = wait_for("the list to be refused", LIMIT, || {
                let (status, body) = server.ask("GET", list);
                (status == 503).then(|| body.to_string())
            });
            assert!(problem.contains("systemctl start libvirtd"), "{problem}");
            daemon::start(false);
            define(lab.directory(), "b", "");
            wait_for("the list to be whole again", LIMIT, || {
                server.list("near").filter(|list| list.len() == 2).map(drop)
            });
            // Events come from the new daemon.
            shown(&server, &["start", "b"], |list| {
                list.iter().any(|vm| vm["status"] == "running")
            });
        },
    );
}

#[test]
fn a_daemon_that_dies_in_the_middle_of_a_call_is_said_with_what_to_do() {
    inside(
        "serving::a_daemon_that_dies_in_the_middle_of_a_call_is_said_with_what_to_do",
        |lab| {
            define(lab.directory(), "a", "");
            lab.connect("near", &[]);
            for arguments in [["list", "vm"].as_slice(), &["start", "vm", "a"]] {
                daemon::signal("STOP");
                let call = lab
                    .command(arguments)
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap();
                let asked = format!("/proc/{}/fd", call.id());
                wait_for("the call to reach the daemon", LIMIT, || {
                    let files = std::fs::read_dir(&asked).ok()?.flatten();
                    let mut links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
                    links
                        .any(|link| link.to_string_lossy().starts_with("socket:"))
                        .then_some(())
                });
                daemon::signal("KILL");
                let output = call.wait_with_output().unwrap();
                let told = String::from_utf8(output.stderr).unwrap();
                assert!(!output.status.success(), "{arguments:?}");
                assert!(
                    told.contains("systemctl start libvirtd") || told.contains("once libvirt runs again"),
                    "{told}"
                );
                daemon::start(false);
                assert_eq!(lab.vms("near")[0]["status"], "stopped");
            }
        },
    );
}
