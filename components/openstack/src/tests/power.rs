//! Stopping and starting where stopped VMs give up their place, and when a deleted VM is gone.

use super::*;

fn actions(host: &FakeHost) -> Vec<String> {
    let action = |line: String| line.split_once("/action ").map(|(_, body)| body.to_owned());
    changes(host).into_iter().filter_map(action).collect()
}

/// A cloud whose server has these statuses one after the other, the last one for ever.
fn with_server(statuses: &[&str]) -> FakeHost {
    let host = cloud()
        .with_option("stop", "shelve")
        .with_route(&format!("POST /v2.1/servers/{ID}/action"), 202, "");
    statuses.iter().fold(host, |host, status| {
        host.with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server(status))
    })
}

#[test]
fn a_stopped_vm_is_shelved_where_the_connection_says_so() {
    let host = with_server(&["ACTIVE", "ACTIVE", "SHELVED_OFFLOADED"]);
    Openstack::stop_vm(&host, ID.to_owned(), StopMode::Forced).expect("stopped");
    assert_eq!(actions(&host), [r#"{"shelve":null}"#]);
    Openstack::stop_vm(&host, ID.to_owned(), StopMode::Forced).expect("stopped already");
    assert_eq!(actions(&host).len(), 1);
    let vm = host.with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server("ACTIVE"));
    Openstack::start_vm(&vm, ID.to_owned()).expect("started");
    assert_eq!(actions(&vm)[1..], [r#"{"unshelve":null}"#]);
}

#[test]
fn a_vm_that_was_stopped_otherwise_is_shelved_too() {
    let host = with_server(&["SHUTOFF", "SHELVED"]);
    Openstack::stop_vm(&host, ID.to_owned(), StopMode::Graceful(1)).expect("stopped");
    assert_eq!(actions(&host), [r#"{"shelve":null}"#]);
}

#[test]
fn a_graceful_stop_shelves_nothing() {
    let host = with_server(&["ACTIVE"]);
    let error = Openstack::stop_vm(&host, ID.to_owned(), StopMode::Graceful(1)).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unsupported("stop-vm".to_owned()));
    assert!(changes(&host).is_empty());
}

#[test]
fn a_vm_is_gone_when_nova_has_forgotten_it_and_not_when_it_says_deleted() {
    let host = with_server(&["ACTIVE", "DELETED"])
        .with_route(&format!("GET /v2.1/servers/{ID}"), 404, "{}")
        .with_route(&format!("DELETE /v2.1/servers/{ID}"), 204, "")
        .with_route("GET /v2/images", 200, r#"{"images": []}"#)
        .with_route("GET /v2.0/ports", 200, r#"{"ports": []}"#);
    let options = VmDeleteOptions {
        keep_disks: false,
        delete_snapshots: false,
    };
    let change = Openstack::delete_vm(&host, ID.to_owned(), options).expect("deleted");
    assert_eq!(change.pending, None);
    // Nova lists a server that it has marked as deleted until it has dropped it as well.
    let read = format!("GET /v2.1/servers/{ID}");
    let reads = host.request_lines().into_iter().filter(|line| line.starts_with(&read));
    assert_eq!(reads.count(), 3);
}
