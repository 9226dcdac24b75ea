//! Contract tests of load balancers, against answers made from Octavia's API reference.

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
