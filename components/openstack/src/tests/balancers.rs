//! Load balancers, against answers made from Octavia's API reference.

use super::*;

fn balancer(status: &str) -> String {
    serde_json::json!({"loadbalancer": {
        "id": ID, "name": "front", "description": "", "vip_address": "10.0.0.9", "vip_port_id": "vip",
        "vip_network_id": "n", "provisioning_status": status, "operating_status": "ONLINE",
    }})
    .to_string()
}

fn spec(internal: bool) -> LoadBalancerSpec {
    LoadBalancerSpec {
        name: "front".to_owned(),
        network: Some("default".to_owned()),
        internal,
        listeners: vec![Listener {
            protocol: "http".to_owned(),
            port: 80,
            member_port: Some(8080),
            check_path: Some("/up".to_owned()),
        }],
        members: vec!["web-1".to_owned()],
        dns_name: None,
        options: vec![],
    }
}

fn host(status: &str) -> FakeHost {
    let one: serde_json::Value = serde_json::from_str(&server("ACTIVE")).expect("json");
    let servers = serde_json::json!({"servers": [one["server"]]});
    let port =
        r#"{"ports": [{"id": "q", "network_id": "n", "fixed_ips": [{"ip_address": "10.0.0.5", "subnet_id": "s"}]}]}"#;
    cloud()
        .with_route("GET /v2.0/lbaas/loadbalancers", 200, r#"{"loadbalancers": []}"#)
        .with_route(
            "GET /v2.0/networks",
            200,
            r#"{"networks": [{"id": "n", "name": "default"}]}"#,
        )
        .with_route("GET /v2.1/servers/detail", 200, &servers.to_string())
        .with_route("GET /v2.0/ports", 200, port)
        .with_route("POST /v2.0/lbaas/loadbalancers", 201, &balancer("PENDING_CREATE"))
        .with_route(&format!("GET /v2.0/lbaas/loadbalancers/{ID}"), 200, &balancer(status))
}

#[test]
fn a_load_balancer_is_asked_for_whole() {
    let host = host("ACTIVE");
    let change = Openstack::create_load_balancer(&host, spec(true)).expect("a load balancer");
    assert_eq!((change.id.as_str(), change.pending), (ID, None));
    let sent = changes(&host);
    assert_eq!(sent.len(), 1, "{sent:?}");
    for part in [
        r#""vip_network_id":"n""#,
        r#""address":"10.0.0.5""#,
        r#""url_path":"/up""#,
        r#""protocol_port":8080"#,
    ] {
        assert!(sent[0].contains(part), "{part} in {}", sent[0]);
    }
}

#[test]
fn a_load_balancer_that_fails_is_deleted_again() {
    let path = format!("GET /v2.0/lbaas/loadbalancers/{ID}");
    let host = host("ERROR")
        .with_route("GET /v2.0/floatingips", 200, r#"{"floatingips": []}"#)
        .with_route(&format!("DELETE /v2.0/lbaas/loadbalancers/{ID}"), 204, "");
    // The failure is seen twice: when it is waited for, and before it is deleted.
    host.set_route(&path, 200, &balancer("ERROR"));
    host.set_route(&path, 404, "{}");
    let error = Openstack::create_load_balancer(&host, spec(true)).expect_err("it fails");
    assert!(error.message.contains("ERROR"), "{}", error.message);
    let last = changes(&host).pop().expect("a change");
    assert_eq!(last, format!("DELETE /v2.0/lbaas/loadbalancers/{ID}?cascade=true"));
}

/// One load balancer with a listener, its group of one member and the check of it.
fn host_with_one() -> FakeHost {
    let one: serde_json::Value = serde_json::from_str(&balancer("ACTIVE")).expect("json");
    let of = serde_json::json!([{"id": ID}]);
    let listeners = serde_json::json!({"listeners": [
        {"id": "l", "protocol": "HTTP", "protocol_port": 80, "default_pool_id": "g", "loadbalancers": of},
    ]});
    let pools = serde_json::json!({"pools": [{"id": "g", "loadbalancers": of, "healthmonitor_id": "m"}]});
    let members = serde_json::json!({"members": [{"name": "web-1", "address": "10.0.0.5", "protocol_port": 8080}]});
    let floating = serde_json::json!({"floatingips": [
        {"id": "f", "floating_ip_address": "203.0.113.9", "port_id": "vip", "description": ""},
    ]});
    host("ACTIVE")
        .with_route(
            "GET /v2.0/lbaas/loadbalancers",
            200,
            &serde_json::json!({"loadbalancers": [one["loadbalancer"]]}).to_string(),
        )
        .with_route("GET /v2.0/lbaas/listeners", 200, &listeners.to_string())
        .with_route("GET /v2.0/lbaas/pools", 200, &pools.to_string())
        .with_route("GET /v2.0/lbaas/pools/g/members", 200, &members.to_string())
        .with_route(
            "GET /v2.0/lbaas/healthmonitors",
            200,
            r#"{"healthmonitors": [{"id": "m", "url_path": "/up"}]}"#,
        )
        .with_route("GET /v2.0/floatingips", 200, &floating.to_string())
        .with_route("PUT /v2.0/lbaas/pools/g/members", 202, "")
        .with_route(&format!("DELETE /v2.0/lbaas/loadbalancers/{ID}"), 204, "")
}

#[test]
fn a_load_balancer_is_read_with_its_parts_changed_and_deleted() {
    let host = host_with_one();
    // The first answer is that of a cloud without any.
    assert!(
        Openstack::list_load_balancers(&host, first_page())
            .expect("none")
            .items
            .is_empty()
    );
    let all = Openstack::list_load_balancers(&host, first_page()).expect("one").items;
    assert_eq!(all.len(), 1);
    let found = &all[0];
    assert_eq!(found.address.as_deref(), Some("203.0.113.9"));
    assert_eq!(
        (found.members.as_slice(), found.vendor_status.as_str()),
        (["web-1".to_owned()].as_slice(), "ONLINE")
    );
    assert_eq!(found.listeners, spec(true).listeners);
    let same = Openstack::get_load_balancer(&host, "front".to_owned()).expect("by name");
    assert_eq!(same, *found);
    let missing = Openstack::get_load_balancer(&host, "absent".to_owned()).expect_err("absent");
    assert_eq!(
        missing.kind,
        ErrorKind::NotFound(Subject::new("load-balancer", "absent"))
    );

    Openstack::set_load_balancer_members(&host, "front".to_owned(), vec!["web-1".to_owned()]).expect("members");
    let sent = changes(&host).pop().expect("a change");
    assert!(
        sent.starts_with("PUT /v2.0/lbaas/pools/g/members") && sent.contains(r#""protocol_port":8080"#),
        "{sent}"
    );
    host.set_route(&format!("GET /v2.0/lbaas/loadbalancers/{ID}"), 404, "{}");
    Openstack::delete_load_balancer(&host, "front".to_owned()).expect("deleted");
    // The public address was somebody else's and stays.
    let last = changes(&host).pop().expect("a change");
    assert_eq!(last, format!("DELETE /v2.0/lbaas/loadbalancers/{ID}?cascade=true"));
}
