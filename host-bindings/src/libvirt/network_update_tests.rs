//! Tests of changing networks: the document, and libvirt's test driver.

use super::*;
use crate::contract::{OptionEntry, OptionValue};
use crate::libvirt::schema_check::check;
use crate::libvirt::test_host::{TestHost, vm_xml};

const NETWORK: &str = "<network><name>n</name><uuid>11111111-2222-4333-8444-555555555555</uuid><forward mode='nat' dev='eth0'>\
    <nat><port start='1024' end='65535'/></nat><interface dev='eth0'/></forward><bridge name='virbr0' stp='on' delay='0'/>\
    <domain name='old.example' localOnly='yes'/><dns><forwarder domain='x.example' addr='192.0.2.1'/><forwarder addr='9.9.9.9'/>\
    <txt name='a' value='b'/></dns><ip address='10.1.0.1' netmask='255.255.255.0'><tftp root='/tftp'/><dhcp>\
    <range start='10.1.0.2' end='10.1.0.254'/><host mac='52:54:00:00:00:01' ip='10.1.0.7'/></dhcp></ip></network>";

#[expect(clippy::needless_pass_by_value, reason = "called with literals")]
fn update(value: serde_json::Value) -> Result<Update, Error> {
    let mut update = NetworkUpdate {
        dhcp: None,
        mode: None,
        domain: None,
        options: vec![],
    };
    for (name, value) in value.as_object().unwrap() {
        match (name.as_str(), value) {
            ("@dhcp", value) => update.dhcp = value.as_bool(),
            ("@mode", value) => update.mode = value.as_str().map(str::to_owned),
            ("@domain", value) => update.domain = value.as_str().map(str::to_owned),
            (name, value) => update.options.push(OptionEntry {
                name: name.to_owned(),
                value: match value {
                    serde_json::Value::String(text) => OptionValue::Text(text.clone()),
                    serde_json::Value::Bool(value) => OptionValue::Boolean(*value),
                    serde_json::Value::Number(number) => OptionValue::Integer(number.as_i64().unwrap() as i32),
                    list => OptionValue::TextList(serde_json::from_value(list.clone()).unwrap()),
                },
            }),
        }
    }
    Update::from_contract(&update)
}

fn applied(value: serde_json::Value) -> Result<String, Error> {
    let tree = apply(&Tree::parse(NETWORK).unwrap(), &update(value)?)?;
    check("network", &tree.to_xml());
    Ok(tree.to_xml())
}

#[test]
fn an_update_of_nothing_changes_nothing() {
    assert_eq!(
        applied(serde_json::json!({})).unwrap(),
        Tree::parse(NETWORK).unwrap().to_xml()
    );
    assert_eq!(
        applied(serde_json::json!({"@mode": "nat", "@dhcp": true})).unwrap(),
        applied(serde_json::json!({})).unwrap()
    );
}

#[test]
fn what_is_not_named_stays_beside_what_changes() {
    for (value, there, gone) in [
        (
            serde_json::json!({"@dhcp": false}),
            "<tftp root='/tftp'/></ip>",
            "<dhcp>",
        ),
        (
            serde_json::json!({"@mode": "route"}),
            "<forward mode='route' dev='eth0'/>",
            "<nat>",
        ),
        (serde_json::json!({"@mode": "isolated"}), "<tftp", "<forward mode="),
        (
            serde_json::json!({"@domain": "new.example"}),
            "<domain name='new.example' localOnly='yes'/>",
            "old.example",
        ),
        (serde_json::json!({"@domain": ""}), "<tftp", "<domain"),
        (
            serde_json::json!({"local_domain": false}),
            "<domain name='old.example'/>",
            "localOnly",
        ),
        (serde_json::json!({"device": "eth1"}), "dev='eth1'", "<interface"),
        (serde_json::json!({"nat_ipv6": true}), "<nat ipv6='yes'><port", "x"),
        (serde_json::json!({"mtu": 9000}), "<mtu size='9000'/>", "x"),
        (
            serde_json::json!({"dns_forwarders": ["192.0.2.9"]}),
            "domain='x.example'",
            "9.9.9.9",
        ),
        (
            serde_json::json!({"dns_hosts": ["10.1.0.8=a"]}),
            "<host ip='10.1.0.8'><hostname>a</hostname></host>",
            "x",
        ),
        (serde_json::json!({"dns": false}), "<dns enable='no'>", "x"),
        (
            serde_json::json!({"dhcp_hosts": ["52:54:00:00:00:02=10.1.0.8"]}),
            "ip='10.1.0.8'",
            "10.1.0.7",
        ),
        (
            serde_json::json!({"dhcp_ranges": ["10.1.0.100-10.1.0.200"]}),
            "<range start='10.1.0.100' end='10.1.0.200'/><host",
            "10.1.0.254",
        ),
        (
            serde_json::json!({"bridge": "virbr9"}),
            "<bridge name='virbr9' stp='on'",
            "virbr0",
        ),
    ] {
        let xml = applied(value.clone()).unwrap();
        assert!(xml.contains(there), "{value}: {xml}");
        assert!(gone == "x" || !xml.contains(gone), "{value}: {xml}");
        assert!(
            xml.contains("<uuid>11111111-2222-4333-8444-555555555555</uuid>"),
            "{xml}"
        );
    }
}

#[test]
fn what_a_network_cannot_become_is_refused_by_its_field() {
    for (field, value) in [
        ("mode", serde_json::json!({"@mode": "bridge"})),
        ("mode", serde_json::json!({"@mode": "hub"})),
        ("domain", serde_json::json!({"@domain": "a b"})),
        ("gateway", serde_json::json!({"gateway": "10.1.0.9"})),
        ("macvtap_mode", serde_json::json!({"macvtap_mode": "vepa"})),
        (
            "dhcp_hosts",
            serde_json::json!({"dhcp_hosts": ["52:54:00:00:00:02=10.2.0.8"]}),
        ),
        ("dhcp_ranges", serde_json::json!({"dhcp_ranges": ["10.2.0.1-10.2.0.8"]})),
        (
            "dhcp_hosts",
            serde_json::json!({"@dhcp": false, "dhcp_hosts": ["52:54:00:00:00:02=10.1.0.8"]}),
        ),
        ("colour", serde_json::json!({"colour": "red"})),
    ] {
        let error = applied(value.clone()).unwrap_err();
        assert_eq!(
            error.kind,
            crate::contract::ErrorKind::InvalidArgument(field.into()),
            "{value}: {error}"
        );
    }
}

#[test]
fn fixed_leases_change_while_vms_run_and_other_things_do_not() {
    let host = TestHost::new(&vm_xml("web", &[], "default"));
    lookup::find_domain(&host.connect, "web").unwrap().create().unwrap();
    let fixed = update(serde_json::json!({"dhcp_hosts": ["52:54:00:00:00:01=192.168.122.7=web"]})).unwrap();
    update_network(&host.connect, "default", &fixed).unwrap();
    let network = lookup::find_network(&host.connect, "default").unwrap();
    assert!(network.get_xml_desc(0).unwrap().contains("192.168.122.7"));
    let error = update_network(
        &host.connect,
        "default",
        &update(serde_json::json!({"@domain": "lab.example"})).unwrap(),
    );
    let error = error.unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict");
    assert!(error.message.contains("web"), "{error}");
    assert!(!network.get_xml_desc(0).unwrap().contains("lab.example"));
    lookup::find_domain(&host.connect, "web").unwrap().destroy().unwrap();
    update_network(
        &host.connect,
        "default",
        &update(serde_json::json!({"@domain": "lab.example"})).unwrap(),
    )
    .unwrap();
    assert!(network.is_active().unwrap());
    assert!(network.get_xml_desc(0).unwrap().contains("lab.example"));
}

#[test]
fn autostart_alone_restarts_nothing() {
    let host = TestHost::new("");
    update_network(
        &host.connect,
        "default",
        &update(serde_json::json!({"autostart": true})).unwrap(),
    )
    .unwrap();
    let network = lookup::find_network(&host.connect, "default").unwrap();
    assert!(network.get_autostart().unwrap() && network.is_active().unwrap());
    let error = update_network(&host.connect, "absent", &update(serde_json::json!({})).unwrap());
    assert_eq!(error.unwrap_err().error.kind.name(), "not-found");
}
