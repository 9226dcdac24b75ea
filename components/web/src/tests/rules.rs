//! The provider asks for exactly the requests that it makes.

use super::*;

fn rules() -> impl Iterator<Item = RequestRule> {
    <Web as Info<FakeHost>>::describe()
        .endpoints
        .into_iter()
        .flat_map(|endpoint| endpoint.rules)
}

/// Whether a rule lets a request pass: literal segments, and `*` for one.
fn allows(rule: &RequestRule, request: &Request) -> bool {
    let pattern: Vec<&str> = rule.path.trim_start_matches('/').split('/').collect();
    rule.methods.contains(&request.method)
        && pattern.len() == request.path.len()
        && pattern
            .iter()
            .zip(&request.path)
            .all(|(want, have)| *want == "*" || want == have)
}

/// A kweb that has everything and agrees to everything.
fn agreeable() -> FakeHost {
    let host = FakeHost::new()
        .with_route("GET /vms", 200, VM_LIST)
        .with_route("GET /vms/new", 200, "{}")
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("GET /vms/web-2", 200, "{}")
        .with_route("GET /pools", 200, POOLS)
        .with_route("GET /host", 200, HOST)
        .with_route("GET /networks", 200, NETWORKS)
        .with_route("GET /images", 200, r#"{"images":["/var/lib/libvirt/images/free"]}"#)
        .with_route("GET /isos", 200, r#"{"isos":[]}"#)
        .with_route("GET /snapshots/web-1", 200, r#"{"snapshots":[]}"#)
        .with_option("delete_attached_disks", true);
    for route in [
        "POST /vms",
        "UPDATE /vms/web-1",
        "DELETE /vms/web-1",
        "POST /vms/web-1/start",
        "POST /vms/web-1/stop",
        "POST /disks/web-1",
        "DELETE /disks/web-1",
        "POST /nics/web-1",
        "DELETE /nics/web-1",
        "POST /snapshots/web-1",
        "DELETE /snapshots/web-1",
        "POST /snapshots/web-1/revert",
        "POST /pools",
        "DELETE /pools/second",
        "POST /networks",
        "UPDATE /networks/default",
        "DELETE /networks/default",
        "DELETE /images/free",
    ] {
        host.set_route(route, 200, OK);
    }
    host
}

/// Calls every function that sends something. Outcomes do not matter here.
fn call_everything(host: &FakeHost) {
    let text = |text: &str| text.to_owned();
    let vm = || text("web-1");
    let delete = VmDeleteOptions {
        keep_disks: false,
        delete_snapshots: true,
    };
    let snapshot = SnapshotSpec {
        name: text("s"),
        description: None,
        with_memory: true,
        quiesce: false,
    };
    let pool = PoolSpec {
        name: text("third"),
        type_: None,
        path: Some(text("/p")),
        options: vec![],
    };
    let update = NetworkUpdate {
        dhcp: Some(true),
        mode: None,
        domain: None,
        options: vec![],
    };
    drop(Web::check_connection(host));
    drop(Web::create_vm(host, spec("new")));
    drop(Web::restart_vm(host, vm(), StopMode::Forced));
    drop(Web::delete_vm(host, vm(), delete));
    drop(Web::set_vm_autostart(host, vm(), true));
    drop(Web::create_disk(host, disk_spec(None)));
    drop(Web::delete_disk(host, text("web-1_0.img")));
    drop(Web::add_nic(host, vm(), nic()));
    drop(Web::remove_nic(host, vm(), text("eth0")));
    drop(Web::list_snapshots(host, vm(), first_page()));
    drop(Web::create_snapshot(host, vm(), snapshot));
    drop(Web::revert_snapshot(host, vm(), text("s")));
    drop(Web::delete_snapshot(host, vm(), text("s"), false));
    drop(Web::list_pools(host, first_page()));
    drop(Web::create_pool(host, pool));
    drop(Web::delete_pool(host, text("second"), false));
    drop(Web::create_network(host, network_spec("n")));
    drop(Web::update_network(host, text("default"), update));
    drop(Web::delete_network(host, text("default")));
    drop(Web::delete_image(host, text("free")));
    drop(Web::list_hosts(host, first_page()));
}

#[test]
fn a_rule_is_asked_for_each_request_and_no_rule_is_useless() {
    let host = agreeable();
    call_everything(&host);
    let requests = host.requests();
    for request in &requests {
        assert!(
            rules().any(|rule| allows(&rule, request)),
            "no rule for {} /{}",
            request.method,
            request.path.join("/")
        );
    }
    for rule in rules() {
        for method in &rule.methods {
            let one = RequestRule {
                methods: vec![method.clone()],
                ..rule.clone()
            };
            assert!(
                requests.iter().any(|request| allows(&one, request)),
                "{method} {} is never used",
                rule.path
            );
        }
    }
}
