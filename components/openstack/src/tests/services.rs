//! Finding the services: the catalogue is read once, and what it lacks is named.

use super::*;

const EMPTY: &str = r#"{"servers": []}"#;

#[test]
fn the_catalogue_and_the_version_are_read_once_for_many_calls() {
    let host = cloud().with_route("GET /v2.1/servers/detail", 200, EMPTY);
    for _ in 0..3 {
        let page = Openstack::list_vms(&host, first_page()).expect("a list");
        assert!(page.items.is_empty() && page.next.is_none());
    }
    let reads = |path: &str| host.request_lines().iter().filter(|line| *line == path).count();
    assert_eq!((reads("GET /v3/auth/catalog"), reads("GET /v2.1/")), (1, 1));
    let last = host.requests().pop().expect("a request");
    assert_eq!(last.origin.as_deref(), Some("http://cloud.example:8774"));
    assert!(
        last.headers
            .contains(&("openstack-api-version".to_owned(), "compute 2.93".to_owned())),
        "{:?}",
        last.headers
    );
    Openstack::check_connection(&host).expect("it works");
    assert_eq!(reads("GET /v3/auth/catalog"), 2, "a check reads it anew");
}

#[test]
fn a_service_that_the_catalogue_lacks_is_unsupported_and_named() {
    let host = bare_cloud(
        r#"{"catalog": [{"type": "compute", "endpoints": [{"interface": "public", "region_id": "one", "url": "http://a/v2.1"}]}]}"#,
        "2.90",
    );
    let error = Openstack::list_disks(&host, first_page()).expect_err("no cinder");
    assert_eq!(error.kind, ErrorKind::Unsupported("list-disks".to_owned()));
    assert!(error.message.contains("block storage (Cinder)"), "{}", error.message);
    let error = Openstack::list_buckets(&host, first_page()).expect_err("no swift");
    assert_eq!(error.kind, ErrorKind::Unsupported("list-buckets".to_owned()));
    let host = host.with_option("region", "two");
    let error = Openstack::list_vms(&host, first_page()).expect_err("no such region");
    assert!(
        error.message.contains("no region `two`, only: one"),
        "{}",
        error.message
    );
}

#[test]
fn a_nova_that_is_too_old_is_unsupported() {
    let host = bare_cloud(
        r#"{"catalog": [{"type": "compute", "endpoints": [{"interface": "public", "region_id": "one", "url": "http://a/v2.1"}]}]}"#,
        "2.53",
    );
    let error = Openstack::list_vms(&host, first_page()).expect_err("too old");
    assert_eq!(error.kind, ErrorKind::Unsupported("list-vms".to_owned()));
    assert!(
        error.message.contains("2.53") && error.message.contains("2.67"),
        "{}",
        error.message
    );
}

#[test]
fn a_cursor_whose_vm_was_deleted_goes_on_by_time() {
    let server =
        |id: &str, created: &str| serde_json::json!({"id": id, "name": id, "status": "ACTIVE", "created": created});
    let all = serde_json::json!({"servers": [
        server("a", "2026-01-01T00:00:00Z"), server("c", "2026-01-01T00:00:02Z"), server("d", "2026-01-01T00:00:03Z"),
    ]});
    let gone = r#"{"badRequest": {"code": 400, "message": "marker [b] not found"}}"#;
    let host = cloud().with_route("GET /v2.1/servers/detail", 400, gone).with_route(
        "GET /v2.1/servers/detail",
        200,
        &all.to_string(),
    );
    let page = PageRequest {
        cursor: Some("2026-01-01T00:00:01Z/b".to_owned()),
        limit: Some(1),
    };
    let page = Openstack::list_vms(&host, page).expect("a page");
    let names: Vec<_> = page.items.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(
        (names, page.next.as_deref()),
        (vec!["c"], Some("2026-01-01T00:00:02Z/c"))
    );
}

#[test]
fn answers_of_another_shape_are_upstream() {
    for body in [
        "",
        "[]",
        "null",
        r#"{"servers": 7}"#,
        r#"{"servers": [{"id": 1}]}"#,
        "<html>",
    ] {
        let host = cloud().with_route("GET /v2.1/servers/detail", 200, body);
        let error = Openstack::list_vms(&host, first_page()).expect_err(body);
        assert!(matches!(error.kind, ErrorKind::Upstream(_)), "{body}: {error:?}");
    }
}
