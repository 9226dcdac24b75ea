//! Tests of snapshots on libvirt's test driver, which has those inside the disks.

use super::*;
use crate::libvirt::test_host::{TestHost, vm_xml};

const ALL: PageRequest = PageRequest {
    cursor: None,
    limit: None,
};

fn host() -> TestHost {
    TestHost::new(&vm_xml("web", &[("disk", "/default-pool/web_0.img")], "default"))
}

fn take(host: &TestHost, name: &str) -> Result<Change, Error> {
    let spec = SnapshotSpec {
        name: name.into(),
        description: Some("why <it> is".into()),
        with_memory: false,
        quiesce: false,
    };
    create_snapshot(&host.connect, "web", &spec).map_err(|fault| *fault.error)
}

fn names(host: &TestHost) -> Vec<String> {
    let page = list_snapshots(&host.connect, "web", &ALL).unwrap();
    page.items.into_iter().map(|snapshot| snapshot.name).collect()
}

#[test]
fn snapshots_are_listed_as_a_tree_parents_first() {
    let host = host();
    assert!(names(&host).is_empty());
    // Against the alphabet, so that the order is the tree's.
    for name in ["z", "m", "a"] {
        assert_eq!(take(&host, name).unwrap().id, name);
    }
    revert_snapshot(&host.connect, "web", "z").unwrap();
    take(&host, "b").unwrap();
    let page = list_snapshots(&host.connect, "web", &ALL).unwrap();
    let seen: Vec<_> = page
        .items
        .iter()
        .map(|snapshot| (snapshot.name.as_str(), snapshot.parent.as_deref(), snapshot.current))
        .collect();
    let expected = [
        ("z", None, false),
        ("b", Some("z"), true),
        ("m", Some("z"), false),
        ("a", Some("m"), false),
    ];
    assert_eq!(seen, expected);
    assert_eq!(page.items[0].description.as_deref(), Some("why <it> is"));
    assert!(page.items[0].created_at.is_some() && !page.items[0].with_memory);
    let mut cursor = None;
    let mut paged = Vec::new();
    loop {
        let part = list_snapshots(&host.connect, "web", &PageRequest { cursor, limit: Some(1) }).unwrap();
        paged.extend(part.items.into_iter().map(|snapshot| snapshot.name));
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, ["z", "b", "m", "a"]);
}

#[test]
fn deleting_keeps_the_descendants_unless_asked() {
    let host = host();
    for name in ["one", "two", "three"] {
        take(&host, name).unwrap();
    }
    delete_snapshot(&host.connect, "web", "two", false).unwrap();
    assert_eq!(names(&host), ["one", "three"]);
    delete_snapshot(&host.connect, "web", "one", true).unwrap();
    assert!(names(&host).is_empty());
}

#[test]
fn names_that_are_taken_absent_or_hostile_are_refused() {
    let host = host();
    take(&host, "one").unwrap();
    assert_eq!(take(&host, "one").unwrap_err().kind.name(), "already-exists");
    for bad in ["", "../x", "a/b", "a\0b", "a\nb"] {
        assert_eq!(take(&host, bad).unwrap_err().kind.name(), "invalid-argument", "{bad:?}");
        let error = revert_snapshot(&host.connect, "web", bad).unwrap_err().error;
        assert_eq!(error.kind.name(), "not-found", "{bad:?}");
        let error = delete_snapshot(&host.connect, "web", bad, true).unwrap_err().error;
        assert_eq!(error.kind.name(), "not-found", "{bad:?}");
    }
    let error = list_snapshots(&host.connect, "absent", &ALL).unwrap_err().error;
    assert_eq!(error.kind, Error::not_found("vm", "absent").kind);
    assert_eq!(names(&host), ["one"]);
}
