//! Disks, against answers made from Cinder's API reference.

use super::*;

fn volume(status: &str, server: Option<&str>) -> String {
    let attachments: Vec<_> = server.iter().map(|id| serde_json::json!({"server_id": id})).collect();
    serde_json::json!({"volume": {
        "id": ID, "name": "data", "status": status, "size": 2, "volume_type": "fast", "attachments": attachments,
        "metadata": {"plan": "blue"}, "created_at": "2026-01-01T00:00:00.000000",
    }})
    .to_string()
}

fn volumes() -> String {
    let one: serde_json::Value = serde_json::from_str(&volume("available", None)).expect("json");
    serde_json::json!({"volumes": [one["volume"]]}).to_string()
}

#[test]
fn a_disk_is_read_by_its_name_with_its_pool_and_metadata() {
    let host = cloud().with_route("GET /v3/p/volumes/detail", 200, &volumes());
    let disk = Openstack::get_disk(&host, "data".to_owned()).expect("a disk");
    assert_eq!(
        (disk.id.as_str(), disk.size_gib, disk.pool.as_deref()),
        (ID, 2, Some("fast"))
    );
    assert_eq!(disk.metadata.len(), 1);
    let all = Openstack::list_disks(&host, first_page()).expect("disks").items;
    assert_eq!(all, [disk]);
    let error = Openstack::get_disk(&host, "absent".to_owned()).expect_err("absent");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("disk", "absent")));
}

#[test]
fn a_disk_that_cannot_be_made_is_deleted_again() {
    let host = cloud()
        .with_route("POST /v3/p/volumes", 202, &volume("creating", None))
        .with_route(&format!("GET /v3/p/volumes/{ID}"), 200, &volume("error", None))
        .with_route(&format!("DELETE /v3/p/volumes/{ID}"), 202, "");
    let spec = DiskSpec {
        name: None,
        size_gib: 2,
        pool: None,
        format: None,
        image: None,
        vm: None,
        metadata: vec![],
        options: vec![],
    };
    let error = Openstack::create_disk(&host, spec).expect_err("error");
    assert!(
        matches!(error.kind, ErrorKind::Upstream(_)) && error.message.contains("`error`"),
        "{error:?}"
    );
    assert!(
        changes(&host).last().is_some_and(|line| line.starts_with("DELETE")),
        "{:?}",
        changes(&host)
    );
}

#[test]
fn an_attached_disk_grows_with_a_newer_version_and_is_not_deleted() {
    let path = format!("GET /v3/p/volumes/{ID}");
    let host = cloud()
        .with_route(&path, 200, &volume("in-use", Some(OTHER_ID)))
        .with_route(&format!("POST /v3/p/volumes/{ID}/action"), 202, "");
    Openstack::resize_disk(&host, ID.to_owned(), 3).expect("it grows");
    let asked = host
        .requests()
        .into_iter()
        .find(|request| request.method == "POST")
        .expect("a change");
    let version = ("openstack-api-version".to_owned(), "volume 3.42".to_owned());
    assert!(asked.headers.contains(&version), "{:?}", asked.headers);
    let shrink = Openstack::resize_disk(&host, ID.to_owned(), 1).expect_err("shrinking");
    assert_eq!(shrink.kind, ErrorKind::InvalidArgument("size-gib".to_owned()));
    let delete = Openstack::delete_disk(&host, ID.to_owned()).expect_err("in use");
    assert_eq!(delete.kind, ErrorKind::Conflict);
}

#[test]
fn a_disk_is_attached_to_a_vm_and_detached_from_it() {
    let disk = |status: &str, vm: Option<&str>| volume(status, vm).replace(ID, OTHER_ID).replace("SERVER", ID);
    let path = format!("GET /v3/p/volumes/{OTHER_ID}");
    let held = server("ACTIVE").replace(
        r#""os-extended-volumes:volumes_attached":[]"#,
        &format!(r#""os-extended-volumes:volumes_attached":[{{"id":"{OTHER_ID}","delete_on_termination":false}}]"#),
    );
    let attachments = format!("/v2.1/servers/{ID}/os-volume_attachments");
    let host = cloud()
        .with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server("ACTIVE"))
        .with_route(&path, 200, &disk("available", None))
        .with_route(&path, 200, &disk("in-use", Some("SERVER")))
        .with_route(&format!("POST {attachments}"), 200, "{}");
    let spec = AttachSpec {
        disk: OTHER_ID.to_owned(),
        bus: None,
        read_only: false,
        shareable: false,
    };
    Openstack::attach_disk(&host, ID.to_owned(), spec.clone()).expect("attached");
    let sent = changes(&host).pop().expect("a change");
    assert!(sent.contains(&attachments) && sent.contains(OTHER_ID), "{sent}");
    let read_only = AttachSpec {
        read_only: true,
        ..spec
    };
    let refused = Openstack::attach_disk(&host, ID.to_owned(), read_only).expect_err("read-only");
    assert_eq!(refused.kind, ErrorKind::InvalidArgument("read-only".to_owned()));

    let host = cloud()
        .with_route(&format!("GET /v2.1/servers/{ID}"), 200, &held)
        .with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server("ACTIVE"))
        .with_route(&format!("DELETE {attachments}/{OTHER_ID}"), 202, "");
    Openstack::detach_disk(&host, ID.to_owned(), OTHER_ID.to_owned()).expect("detached");
    let again = Openstack::detach_disk(&host, ID.to_owned(), OTHER_ID.to_owned()).expect_err("free");
    assert_eq!(again.kind, ErrorKind::NotFound(Subject::new("disk", OTHER_ID)));
}

#[test]
fn pools_are_types_of_volumes_that_nobody_makes_here() {
    let host = cloud().with_route(
        "GET /v3/p/types",
        200,
        r#"{"volume_types": [{"id": "t", "name": "fast"}]}"#,
    );
    let pools = Openstack::list_pools(&host, first_page()).expect("pools").items;
    assert_eq!((pools.len(), pools[0].name.as_str()), (1, "fast"));
    let pool = Openstack::get_pool(&host, "fast".to_owned()).expect("a pool");
    assert_eq!(pool, pools[0]);
    let spec = PoolSpec {
        name: "slow".to_owned(),
        type_: None,
        path: None,
        options: vec![],
    };
    let error = Openstack::create_pool(&host, spec).expect_err("unsupported");
    assert_eq!(error.kind, ErrorKind::Unsupported("create-pool".to_owned()));
    let error = Openstack::delete_pool(&host, "fast".to_owned(), false).expect_err("unsupported");
    assert_eq!(error.kind, ErrorKind::Unsupported("delete-pool".to_owned()));
}

#[test]
fn a_disk_is_a_copy_of_a_snapshot_or_of_an_image() {
    let snapshots = serde_json::json!({"snapshots": [{"id": OTHER_ID, "name": "before", "size": 2}]});
    let host = cloud()
        .with_route("GET /v3/p/snapshots/detail", 200, &snapshots.to_string())
        .with_route("POST /v3/p/volumes", 202, &volume("creating", None))
        .with_route(&format!("GET /v3/p/volumes/{ID}"), 200, &volume("available", None));
    let spec = |image: Option<&str>, snapshot: &str| DiskSpec {
        name: None,
        size_gib: 2,
        pool: None,
        format: None,
        image: image.map(str::to_owned),
        vm: None,
        metadata: vec![],
        options: vec![OptionEntry {
            name: "volume_snapshot".to_owned(),
            value: OptionValue::Text(snapshot.to_owned()),
        }],
    };
    let error = Openstack::create_disk(&host, spec(Some("tiny"), "before")).expect_err("both");
    assert_eq!(error.kind, ErrorKind::InvalidArgument("volume_snapshot".to_owned()));
    let error = Openstack::create_disk(&host, spec(None, "absent")).expect_err("absent");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("snapshot", "absent")));
    assert!(changes(&host).is_empty(), "{:?}", changes(&host));
    Openstack::create_disk(&host, spec(None, "before")).expect("a disk");
    assert!(
        changes(&host)[0].contains(&format!(r#""snapshot_id":"{OTHER_ID}""#)),
        "{:?}",
        changes(&host)
    );
}
