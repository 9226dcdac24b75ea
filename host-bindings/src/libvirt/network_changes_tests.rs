//! Tests of creating and deleting networks on libvirt's test driver.

use super::*;
use crate::contract::NetworkSpec;
use crate::libvirt::test_host::{TestHost, vm_xml};

fn spec(cidrs: &[&str]) -> NetworkSpec {
    NetworkSpec {
        name: "lab".into(),
        cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    }
}

fn create(host: &TestHost, spec: &NetworkSpec) -> Result<Change, Error> {
    create_network(&host.connect, NetworkRequest::from_spec(spec)?).map_err(|fault| *fault.error)
}

fn names(host: &TestHost) -> Vec<String> {
    let networks = host.connect.list_all_networks(0).unwrap();
    let networks: Vec<_> = networks.into_iter().map(Owned::new).collect();
    let mut names: Vec<String> = networks.iter().map(|network| network.get_name().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_created_network_is_active_starts_with_its_host_and_can_be_deleted() {
    let host = TestHost::new("");
    let change = create(&host, &spec(&["10.231.0.0/24"])).unwrap();
    let network = lookup::find_network(&host.connect, &change.id).unwrap();
    assert!(network.is_active().unwrap() && network.get_autostart().unwrap());
    drop(network);
    assert_eq!(delete_network(&host.connect, "lab").unwrap().id, change.id);
    assert_eq!(names(&host), ["default"]);
    let error = delete_network(&host.connect, "lab").unwrap_err().error;
    assert_eq!(error.kind.name(), "not-found");
}

#[test]
fn without_a_range_a_free_one_is_found() {
    let taken = "<network><name>n</name><ip address='192.168.100.1' netmask='255.255.254.0'/></network>";
    let host = TestHost::new(taken);
    create(&host, &spec(&[])).unwrap();
    let network = lookup::find_network(&host.connect, "lab").unwrap();
    let facts = NetworkFacts::from_xml(&network.get_xml_desc(0).unwrap()).unwrap();
    assert_eq!(facts.cidrs, ["192.168.102.0/24"]);
}

#[test]
fn a_range_that_overlaps_another_networks_is_a_conflict_and_leaves_nothing() {
    let host = TestHost::new("");
    for cidr in ["192.168.122.0/24", "192.168.0.0/16", "192.168.122.128/25"] {
        let error = create(&host, &spec(&[cidr])).unwrap_err();
        assert_eq!(error.kind.name(), "conflict", "{error}");
        assert!(error.message.contains("`default`"), "{error}");
    }
    assert_eq!(names(&host), ["default"]);
}

#[test]
fn a_name_that_is_taken_is_refused_and_the_network_stays_as_it_was() {
    let host = TestHost::new("");
    let same = NetworkSpec {
        name: "default".into(),
        ..spec(&["10.231.0.0/24"])
    };
    assert_eq!(create(&host, &same).unwrap_err().kind.name(), "already-exists");
    let network = lookup::find_network(&host.connect, "default").unwrap();
    let facts = NetworkFacts::from_xml(&network.get_xml_desc(0).unwrap()).unwrap();
    assert_eq!(facts.cidrs, ["192.168.122.0/24"]);
}

#[test]
fn a_network_that_cannot_be_started_is_not_left_defined() {
    let host = TestHost::new("");
    // The test driver refuses a bridge that another network has, at definition or at the start.
    let same_bridge = NetworkSpec {
        options: vec![crate::contract::OptionEntry {
            name: "bridge".into(),
            value: crate::contract::OptionValue::Text("virbr0".into()),
        }],
        ..spec(&["10.231.0.0/24"])
    };
    if create(&host, &same_bridge).is_err() {
        assert_eq!(names(&host), ["default"]);
    }
}

#[test]
fn a_network_that_a_vm_is_on_is_not_deleted() {
    let host = TestHost::new(&vm_xml("web", &[], "default"));
    let error = delete_network(&host.connect, "default").unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict");
    assert!(error.message.contains("web"), "{error}");
    assert!(
        lookup::find_network(&host.connect, "default")
            .unwrap()
            .is_active()
            .unwrap()
    );
}

#[test]
fn only_running_vms_stand_in_the_way_of_a_restart() {
    let host = TestHost::new(&vm_xml("web", &[], "default"));
    assert!(vms_on(&host.connect, "default", true).unwrap().is_empty());
    assert_eq!(vms_on(&host.connect, "default", false).unwrap(), ["web"]);
    lookup::find_domain(&host.connect, "web").unwrap().create().unwrap();
    assert_eq!(vms_on(&host.connect, "default", true).unwrap(), ["web"]);
}
