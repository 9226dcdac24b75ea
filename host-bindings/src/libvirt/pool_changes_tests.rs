//! Tests of creating and deleting pools on libvirt's test driver.

use super::*;
use crate::contract::PoolSpec;
use crate::libvirt::test_host::{TestHost, vm_xml};

fn request(name: &str, kind: &str, path: &str) -> PoolRequest {
    PoolRequest::from_spec(&PoolSpec {
        name: name.into(),
        r#type: Some(kind.into()),
        path: Some(path.into()),
        options: vec![],
    })
    .unwrap()
}

fn names(host: &TestHost) -> Vec<String> {
    let pools = host.connect.list_all_storage_pools(0).unwrap();
    let pools: Vec<_> = pools.into_iter().map(Owned::new).collect();
    let mut names: Vec<String> = pools.iter().map(|pool| pool.get_name().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_created_pool_is_active_starts_with_its_host_and_can_be_deleted() {
    let host = TestHost::new("");
    for (kind, path) in [("dir", "/srv/vms"), ("logical", "vg0")] {
        let change = create_pool(&host.connect, &request("p", kind, path)).unwrap();
        let pool = lookup::find_pool(&host.connect, &change.id).unwrap();
        assert!(pool.is_active().unwrap() && pool.get_autostart().unwrap(), "{kind}");
        drop(pool);
        assert_eq!(delete_pool(&host.connect, "p", false).unwrap().id, change.id);
        assert_eq!(names(&host), ["default"], "{kind}");
    }
}

#[test]
fn a_name_that_is_taken_is_refused_and_nothing_changes() {
    let host = TestHost::new("");
    let error = create_pool(&host.connect, &request("default", "dir", "/srv/other"))
        .unwrap_err()
        .error;
    assert_eq!(error.kind.name(), "already-exists", "{error}");
    assert_eq!(names(&host), ["default"]);
}

#[test]
fn a_pool_on_the_place_of_another_one_is_a_conflict_and_is_not_left() {
    let host = TestHost::new("");
    let error = create_pool(&host.connect, &request("p", "dir", "/default-pool"))
        .unwrap_err()
        .error;
    assert_eq!(error.kind.name(), "conflict", "{error}");
    assert_eq!(names(&host), ["default"]);
}

#[test]
fn a_pool_with_volumes_is_deleted_only_with_its_contents() {
    let host = TestHost::new("");
    let error = delete_pool(&host.connect, "default", false).unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict", "{error}");
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    assert_eq!(pool.list_volumes().unwrap(), ["base.qcow2"]);
    drop(pool);
    delete_pool(&host.connect, "default", true).unwrap();
    assert!(names(&host).is_empty());
}

#[test]
fn contents_that_a_vm_needs_are_never_deleted() {
    let host = TestHost::new(&vm_xml("web", &[("cdrom", "/default-pool/base.qcow2")], "default"));
    let error = delete_pool(&host.connect, "default", true).unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict", "{error}");
    assert!(error.message.contains("web"), "{error}");
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    assert!(pool.is_active().unwrap());
    assert_eq!(pool.list_volumes().unwrap(), ["base.qcow2"]);
}

#[test]
fn an_inactive_pool_is_forgotten_without_being_looked_into() {
    let host = TestHost::new("");
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    pool.destroy().unwrap();
    drop(pool);
    delete_pool(&host.connect, "default", false).unwrap();
    let error = delete_pool(&host.connect, "default", false).unwrap_err().error;
    assert_eq!(error.kind.name(), "not-found", "{error}");
}
