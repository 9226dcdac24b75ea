//! Buckets, against answers made from Swift's API reference.

use super::*;

const OBJECTS: &str = r#"[
    {"name": "a/b", "bytes": 3, "hash": "h", "last_modified": "2026-01-01T00:00:00.000000", "content_type": "x"},
    {"name": "c", "bytes": 5, "hash": "i", "last_modified": "2026-01-01T00:00:00.000000", "content_type": "x"}]"#;

#[test]
fn buckets_and_objects_are_listed_by_pages() {
    let host = cloud()
        .with_route(
            "GET /v1/AUTH_p",
            200,
            r#"[{"name": "one", "count": 2, "bytes": 8}, {"name": "two", "count": 0, "bytes": 0}]"#,
        )
        .with_route("GET /v1/AUTH_p/one", 200, OBJECTS);
    let page = PageRequest {
        cursor: None,
        limit: Some(1),
    };
    let buckets = Openstack::list_buckets(&host, page.clone()).expect("buckets");
    assert_eq!((buckets.items.len(), buckets.next.as_deref()), (1, Some("one")));
    let objects = Openstack::list_bucket_objects(&host, "one".to_owned(), "a".to_owned(), page).expect("objects");
    assert_eq!(
        (objects.items[0].key.as_str(), objects.next.as_deref()),
        ("a/b", Some("a/b"))
    );
    assert_eq!(
        objects.items[0].modified_at.as_deref(),
        Some("2026-01-01T00:00:00.000000Z")
    );
    let last = host.request_lines().pop().expect("a request");
    assert_eq!(last, "GET /v1/AUTH_p/one?format=json&limit=2&prefix=a");
}

#[test]
fn a_bucket_that_is_there_is_not_changed() {
    let host = cloud().with_route("HEAD /v1/AUTH_p/one", 204, "");
    let error = Openstack::create_bucket(&host, "one".to_owned(), true).expect_err("it is there");
    assert_eq!(error.kind, ErrorKind::AlreadyExists(Subject::new("bucket", "one")));
    assert!(changes(&host).is_empty());
    let host = cloud()
        .with_route("HEAD /v1/AUTH_p/one", 404, "")
        .with_route("PUT /v1/AUTH_p/one", 201, "");
    Openstack::create_bucket(&host, "one".to_owned(), true).expect("a bucket");
    let request = host.requests().pop().expect("a request");
    let acl = ("x-container-read".to_owned(), ".r:*,.rlistings".to_owned());
    assert!(request.headers.contains(&acl), "{:?}", request.headers);
}

#[test]
fn an_object_goes_through_a_blob() {
    let host = cloud()
        .with_route("HEAD /v1/AUTH_p/one", 204, "")
        .with_route("PUT /v1/AUTH_p/one/a/b", 201, "")
        .with_route("GET /v1/AUTH_p/one/a/b", 200, "abc")
        .with_route("GET /v1/AUTH_p/one/none", 404, "<html><h1>Not Found</h1></html>")
        .with_route("DELETE /v1/AUTH_p/one/a/b", 204, "")
        .with_route("DELETE /v1/AUTH_p/one/none", 404, "<html><h1>Not Found</h1></html>");
    let content = FakeBlob::new("abc");
    Openstack::upload_bucket_object(&host, "one".to_owned(), "a/b".to_owned(), &content, false).expect("written");
    let public = Openstack::upload_bucket_object(&host, "one".to_owned(), "a/b".to_owned(), &content, true);
    assert_eq!(
        public.expect_err("private").kind,
        ErrorKind::InvalidArgument("public".to_owned())
    );
    let into = FakeBlob::new("");
    Openstack::download_bucket_object(&host, "one".to_owned(), "a/b".to_owned(), &into).expect("read");
    assert_eq!(into.bytes(), b"abc");
    let none = Openstack::download_bucket_object(&host, "one".to_owned(), "none".to_owned(), &into);
    assert_eq!(
        none.expect_err("none").kind,
        ErrorKind::NotFound(Subject::new("object", "none"))
    );
    Openstack::delete_bucket_object(&host, "one".to_owned(), "a/b".to_owned()).expect("deleted");
    let none = Openstack::delete_bucket_object(&host, "one".to_owned(), "none".to_owned());
    assert_eq!(
        none.expect_err("none").kind,
        ErrorKind::NotFound(Subject::new("object", "none"))
    );
}

#[test]
fn a_full_bucket_is_a_conflict_unless_its_contents_go_too() {
    let full = "<html><h1>Conflict</h1></html>";
    let host = cloud().with_route("DELETE /v1/AUTH_p/one", 409, full);
    let error = Openstack::delete_bucket(&host, "one".to_owned(), false).expect_err("full");
    assert_eq!(error.kind, ErrorKind::Conflict);
    let host = cloud()
        .with_route("GET /v1/AUTH_p/one", 200, OBJECTS)
        .with_route("GET /v1/AUTH_p/one", 200, "[]")
        .with_route("DELETE /v1/AUTH_p/one/a/b", 204, "")
        .with_route("DELETE /v1/AUTH_p/one/c", 404, "")
        .with_route("DELETE /v1/AUTH_p/one", 204, "");
    Openstack::delete_bucket(&host, "one".to_owned(), true).expect("deleted");
}
