//! Subnets, security groups, load balancers and names.

use super::*;

fn subnet(name: &str, cidr: &str) -> SubnetSpec {
    SubnetSpec {
        name: text(name),
        network: text("default"),
        cidr: text(cidr),
        gateway: None,
        dhcp: true,
        location: None,
        metadata: vec![],
        options: vec![],
    }
}

#[test]
fn subnets_lie_in_their_network_and_do_not_overlap() {
    let host = FakeHost::new();
    Fake::create_subnet(&host, subnet("a", "192.0.2.64/28")).expect("create");
    let made = Fake::get_subnet(&host, text("a")).expect("get");
    assert_eq!(
        (made.network.as_str(), made.gateway.as_deref()),
        ("default", Some("192.0.2.65"))
    );
    for (spec, kind) in [
        (subnet("b", "198.51.100.0/28"), invalid("cidr")),
        (subnet("b", "192.0.2.0/33"), invalid("cidr")),
        (subnet("b", "192.0.2.72/29"), ErrorKind::Conflict),
        (subnet("b", "192.0.2.0/25"), ErrorKind::Conflict),
        (
            subnet("a", "192.0.2.0/28"),
            ErrorKind::AlreadyExists(Subject::new("subnet", "a")),
        ),
        (
            SubnetSpec {
                gateway: Some(text("192.0.2.1")),
                ..subnet("b", "192.0.2.16/28")
            },
            invalid("gateway"),
        ),
        (
            SubnetSpec {
                network: text("x"),
                ..subnet("b", "192.0.2.0/28")
            },
            missing("network", "x"),
        ),
    ] {
        assert_eq!(Fake::create_subnet(&host, spec).expect_err("refused").kind, kind);
    }
    Fake::update_subnet(&host, text("a"), Some(false), Some(text("192.0.2.70"))).expect("update");
    let changed = Fake::get_subnet(&host, text("a")).expect("get");
    assert_eq!(
        (changed.dhcp, changed.gateway.as_deref()),
        (Some(false), Some("192.0.2.70"))
    );
}

#[test]
fn an_interface_takes_an_address_of_its_subnet_and_holds_it() {
    let host = FakeHost::new();
    Fake::create_subnet(&host, subnet("a", "192.0.2.64/30")).expect("create");
    let with_subnet = |name| VmSpec {
        nics: vec![VmNicSpec {
            subnet: Some(text("a")),
            ..nic()
        }],
        ..spec(name)
    };
    Fake::create_vm(&host, with_subnet("one")).expect("create");
    assert_eq!(Fake::get_vm(&host, text("one")).expect("get").ips, ["192.0.2.66"]);
    // The gateway has the other address.
    assert!(matches!(
        Fake::create_vm(&host, with_subnet("two")).expect_err("full").kind,
        ErrorKind::QuotaExceeded(_)
    ));
    assert_eq!(
        Fake::delete_subnet(&host, text("a")).expect_err("in use").kind,
        ErrorKind::Conflict
    );
    Fake::delete_vm(&host, text("one"), EVERYTHING).expect("delete");
    Fake::delete_subnet(&host, text("a")).expect("free now");
}

fn rule(protocol: Option<&str>, from: Option<u16>, to: Option<u16>) -> SecurityRule {
    SecurityRule {
        direction: TrafficDirection::Ingress,
        protocol: protocol.map(text),
        from_port: from,
        to_port: to,
        cidr: Some(text("192.0.2.0/24")),
        description: None,
    }
}

#[test]
fn a_security_group_keeps_rules_that_make_sense_and_outlives_no_vm() {
    let host = FakeHost::new();
    let group = |rules| SecurityGroupSpec {
        name: text("web"),
        network: None,
        description: Some(text("for tests")),
        rules,
    };
    for wrong in [
        rule(Some("tcq"), None, None),
        rule(Some("icmp"), Some(1), None),
        rule(None, Some(1), None),
        rule(Some("tcp"), None, Some(1)),
        rule(Some("tcp"), Some(2), Some(1)),
        SecurityRule {
            cidr: Some(text("x")),
            ..rule(None, None, None)
        },
    ] {
        assert_eq!(
            Fake::create_security_group(&host, group(vec![wrong]))
                .expect_err("refused")
                .kind,
            invalid("rules")
        );
    }
    let rules = vec![rule(Some("tcp"), Some(22), None), rule(Some("58"), None, None)];
    Fake::create_security_group(&host, group(rules.clone())).expect("create");
    assert_eq!(Fake::get_security_group(&host, text("web")).expect("get").rules, rules);
    Fake::update_security_group(&host, text("web"), vec![]).expect("update");
    assert_eq!(Fake::get_security_group(&host, text("web")).expect("get").rules, []);
    Fake::create_vm(
        &host,
        VmSpec {
            security_groups: vec![text("web")],
            ..spec("a")
        },
    )
    .expect("create");
    assert_eq!(
        Fake::delete_security_group(&host, text("web"))
            .expect_err("in use")
            .kind,
        ErrorKind::Conflict
    );
    Fake::delete_vm(&host, text("a"), EVERYTHING).expect("delete");
    Fake::delete_security_group(&host, text("web")).expect("free now");
}

fn record(name: &str, kind: &str, values: &[&str]) -> DnsRecord {
    DnsRecord {
        name: text(name),
        type_: text(kind),
        ttl_seconds: None,
        values: values.iter().copied().map(text).collect(),
    }
}

#[test]
fn names_are_checked_replaced_on_demand_and_deleted_by_type() {
    let host = FakeHost::new();
    let set = |entry, replace| Fake::set_dns_record(&host, text("example.org"), entry, replace);
    set(record("a.example.org", "A", &["192.0.2.1"]), false).expect("set");
    assert!(matches!(
        set(record("a.example.org", "a", &["192.0.2.2"]), false)
            .expect_err("taken")
            .kind,
        ErrorKind::AlreadyExists(_)
    ));
    set(record("a.example.org", "A", &["192.0.2.2", "192.0.2.3"]), true).expect("replace");
    set(record("a.example.org", "TXT", &["v=1 x"]), false).expect("another type");
    for (wrong, field) in [
        (record("a.example.org", "A", &["2001:db8::1"]), "values"),
        (record("a.example.org", "A", &[]), "values"),
        (record("b.example.org", "CNAME", &["c", "d"]), "values"),
        (record("b.example.org", "MX", &["mail"]), "values"),
        (record("b.example.com", "A", &["192.0.2.1"]), "name"),
        (record("bexample.org", "A", &["192.0.2.1"]), "name"),
        (record("b..example.org", "A", &["192.0.2.1"]), "name"),
        (record("b.example.org", "NOPE", &["x"]), "type"),
    ] {
        assert_eq!(set(wrong, true).expect_err("refused").kind, invalid(field));
    }
    assert_eq!(
        set(record("a.example.org", "CNAME", &["b.example.org"]), true)
            .expect_err("stands alone")
            .kind,
        ErrorKind::Conflict
    );
    Fake::delete_dns_record(&host, text("zone-1"), text("a.example.org"), text("A")).expect("delete");
    let left = Fake::list_dns_records(&host, text("example.org"), page(None))
        .expect("list")
        .items;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].type_, "TXT");
}

fn balancer(name: &str) -> LoadBalancerSpec {
    LoadBalancerSpec {
        name: text(name),
        network: None,
        internal: true,
        listeners: vec![Listener {
            protocol: text("tcp"),
            port: 80,
            member_port: Some(8080),
            check_path: None,
        }],
        members: vec![],
        dns_name: None,
        options: vec![],
    }
}

#[test]
fn a_load_balancer_comes_and_goes_with_its_name() {
    let host = FakeHost::new();
    Fake::create_vm(&host, spec("a")).expect("vm");
    let named = LoadBalancerSpec {
        members: vec![text("a")],
        dns_name: Some(text("www.example.org")),
        internal: false,
        ..balancer("web")
    };
    Fake::create_load_balancer(&host, named.clone()).expect("create");
    let made = Fake::get_load_balancer(&host, text("web")).expect("get");
    assert_eq!(
        (made.members, made.address.as_deref()),
        (vec![text("a")], Some("203.0.113.1"))
    );
    let records = || {
        Fake::list_dns_records(&host, text("example.org"), page(None))
            .expect("list")
            .items
    };
    assert_eq!(records()[0].values, ["203.0.113.1"]);
    // The name is taken: nothing of the second one is left.
    let second = LoadBalancerSpec {
        name: text("second"),
        ..named
    };
    Fake::create_load_balancer(&host, second).expect_err("its name is taken");
    assert_eq!(
        Fake::list_load_balancers(&host, page(None)).expect("list").items.len(),
        1
    );
    Fake::delete_vm(&host, text("a"), EVERYTHING).expect("delete");
    assert!(
        Fake::get_load_balancer(&host, text("web"))
            .expect("get")
            .members
            .is_empty()
    );
    Fake::delete_load_balancer(&host, text("web")).expect("delete");
    assert_eq!(records(), []);
}

#[test]
fn a_load_balancer_that_makes_no_sense_is_refused() {
    let host = FakeHost::new();
    let listener = balancer("x").listeners[0].clone();
    let refused = |change: fn(&mut LoadBalancerSpec), kind| {
        let mut wrong = balancer("x");
        change(&mut wrong);
        assert_eq!(
            Fake::create_load_balancer(&host, wrong).expect_err("refused").kind,
            kind
        );
    };
    refused(|spec| spec.listeners.clear(), invalid("listeners"));
    refused(|spec| spec.listeners[0].protocol = text("ftp"), invalid("listeners"));
    refused(|spec| spec.listeners[0].port = 0, invalid("listeners"));
    refused(
        |spec| spec.listeners[0].check_path = Some(text("x")),
        invalid("listeners"),
    );
    refused(|spec| spec.members = vec![text("x")], missing("vm", "x"));
    refused(|spec| spec.network = Some(text("x")), missing("network", "x"));
    refused(
        |spec| spec.dns_name = Some(text("www.example.com")),
        missing("dns-zone", "www.example.com"),
    );
    let twice = LoadBalancerSpec {
        listeners: vec![listener.clone(), listener],
        ..balancer("x")
    };
    assert_eq!(
        Fake::create_load_balancer(&host, twice).expect_err("refused").kind,
        invalid("listeners")
    );
}

#[test]
fn an_internal_balancer_holds_its_network_and_its_address() {
    let host = FakeHost::new();
    Fake::create_load_balancer(&host, balancer("web")).expect("create");
    Fake::create_vm(&host, spec("a")).expect("vm");
    let address = Fake::get_load_balancer(&host, text("web")).expect("get").address;
    let ips = Fake::get_vm(&host, text("a")).expect("get").ips;
    assert_ne!(address, ips.into_iter().next());
    assert_eq!(
        Fake::delete_network(&host, text("default")).expect_err("in use").kind,
        ErrorKind::Conflict
    );
}
