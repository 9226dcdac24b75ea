//! What VMs boot from, and what else goes with them: the body that Nova gets
//! (<https://docs.openstack.org/api-ref/compute/#create-server>).

use serde_json::{Value, json};

use super::boot::{furnished, spec};
use super::*;

fn option(name: &str, value: OptionValue) -> OptionEntry {
    OptionEntry {
        name: name.to_owned(),
        value,
    }
}

fn disk() -> VmDiskSpec {
    VmDiskSpec {
        size_gib: None,
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    }
}

/// The body with which a plain VM is created after a change of its spec.
fn body(change: impl FnOnce(&mut VmSpec)) -> Value {
    let volume = json!({"id": OTHER_ID, "name": "data", "status": "available", "size": 2});
    let host = furnished()
        .with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server("ACTIVE"))
        .with_route(
            "GET /v3/p/volumes/detail",
            200,
            &json!({ "volumes": [volume] }).to_string(),
        )
        .with_route(
            "GET /v3/p/snapshots/detail",
            200,
            &json!({"snapshots": [{"id": OTHER_ID, "name": "before", "size": 2}]}).to_string(),
        )
        .with_route(
            "GET /v3/p/types",
            200,
            r#"{"volume_types": [{"id": "t", "name": "fast"}]}"#,
        )
        .with_route(
            "GET /v2.1/os-server-groups",
            200,
            r#"{"server_groups": [{"id": "g", "name": "apart"}]}"#,
        );
    let mut spec = VmSpec {
        nics: vec![],
        ssh_keys: vec![],
        user_data: None,
        ..spec()
    };
    change(&mut spec);
    Openstack::create_vm(&host, spec).expect("a vm");
    let created = changes(&host);
    let (_, body) = created
        .iter()
        .find_map(|line| line.split_once("POST /v2.1/servers "))
        .unwrap_or_else(|| panic!("{created:?}"));
    serde_json::from_str(body).expect("json")
}

fn devices(change: impl FnOnce(&mut VmSpec)) -> Value {
    let body = body(change);
    assert_eq!(body.pointer("/server/imageRef"), None, "{body}");
    body["server"]["block_device_mapping_v2"].clone()
}

#[test]
fn a_vm_boots_from_the_image_on_its_host() {
    let body = body(|_| {});
    assert_eq!(body["server"]["imageRef"], OTHER_ID);
    assert_eq!(body["server"].get("block_device_mapping_v2"), None);
}

#[test]
fn a_vm_boots_from_a_new_volume_that_goes_with_it() {
    let expected = |size: u32| {
        json!([{
            "boot_index": 0, "source_type": "image", "destination_type": "volume", "uuid": OTHER_ID,
            "volume_size": size, "delete_on_termination": true,
        }])
    };
    let by_option = devices(|spec| spec.options = vec![option("boot_volume", OptionValue::Boolean(true))]);
    assert_eq!(by_option, expected(1));
    let by_size = devices(|spec| {
        spec.disks = vec![VmDiskSpec {
            size_gib: Some(7),
            ..disk()
        }];
    });
    assert_eq!(by_size, expected(7));
    let mut in_a_pool = expected(1);
    in_a_pool[0]["volume_type"] = json!("fast");
    assert_eq!(devices(|spec| spec.pool = Some("fast".to_owned())), in_a_pool);
}

#[test]
fn a_vm_boots_from_a_snapshot_or_from_a_volume_that_stays() {
    let snapshot = devices(|spec| {
        spec.image = None;
        spec.options = vec![option("volume_snapshot", OptionValue::Text("before".to_owned()))];
    });
    assert_eq!(
        (&snapshot[0]["source_type"], &snapshot[0]["uuid"]),
        (&json!("snapshot"), &json!(OTHER_ID))
    );
    let existing = devices(|spec| {
        spec.image = None;
        spec.disks = vec![VmDiskSpec {
            existing: Some("data".to_owned()),
            ..disk()
        }];
    });
    assert_eq!(
        existing,
        json!([{
            "boot_index": 0, "source_type": "volume", "destination_type": "volume", "uuid": OTHER_ID,
            "delete_on_termination": false,
        }])
    );
}

#[test]
fn further_disks_are_volumes_beside_the_one_on_the_host() {
    let body = body(|spec| {
        let more = VmDiskSpec {
            size_gib: Some(3),
            ..disk()
        };
        spec.disks = vec![disk(), more];
    });
    let kinds: Vec<_> = body["server"]["block_device_mapping_v2"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|device| (device["boot_index"].clone(), device["destination_type"].clone()))
        .collect();
    assert_eq!(kinds, [(json!(0), json!("local")), (json!(-1), json!("volume"))]);
}

#[test]
fn interfaces_groups_and_drives_are_asked_for() {
    let nic = |network: &str| VmNicSpec {
        network: Some(network.to_owned()),
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    };
    let body = body(|spec| {
        spec.nics = vec![nic("default"), nic("outside")];
        spec.metadata = vec![Tag {
            key: "plan".to_owned(),
            value: "blue".to_owned(),
        }];
        spec.options = vec![
            option("server_group", OptionValue::Text("apart".to_owned())),
            option("config_drive", OptionValue::Boolean(true)),
            option("key_pair", OptionValue::Text("mine".to_owned())),
        ];
    });
    assert_eq!(body["server"]["networks"], json!([{"uuid": "n"}, {"uuid": "o"}]));
    assert_eq!(body["os:scheduler_hints"], json!({"group": "g"}));
    assert_eq!(body["server"]["config_drive"], true);
    assert_eq!(body["server"]["key_name"], "mine");
    assert_eq!(body["server"]["metadata"], json!({"plan": "blue"}));
}
