//! Buckets: contents of every size and keys of every spelling, both ways.

use std::io::{Read as _, Seek as _, Write as _};
use std::net::TcpStream;

use serde_json::json;
use stockade::blobs::Blob;
use stockade::contract::ErrorKind;
use stockade::limits::Room;

use crate::lab::{Lab, blob, missing};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        objects_of_any_key_are_seen_by_both_sides,
        pages_of_objects_are_cut_where_they_are_told,
        large_contents_are_written_in_parts_and_nothing_is_left_of_those_that_fail,
        a_presigned_url_is_good_for_anybody_who_changes_nothing,
        what_is_public_was_asked_to_be,
    ]
}

const KEYS: [&str; 8] = [
    "plain",
    "a b+c",
    "50%",
    "ü&=?#",
    "a%2Fb",
    "dir/",
    "deep/er/one",
    "x<&>y'\"",
];

/// What the provider reads of an object.
fn downloaded(lab: &Lab, bucket: &str, key: &str) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    let into = Blob::into_file(file.try_clone().unwrap(), Room::new(64 << 20));
    lab.done(lab.service.download_bucket_object(bucket, key, into));
    let mut content = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut content).unwrap();
    content
}

fn objects_of_any_key_are_seen_by_both_sides(lab: &Lab) {
    let service = &lab.service;
    assert_eq!(lab.done(service.create_bucket("ours", false)), "ours");
    lab.boto("s3", "create_bucket", json!({"Bucket": "theirs"}));
    for key in KEYS {
        lab.done(service.upload_bucket_object("ours", key, blob(key.as_bytes()), false));
        let seen = lab.boto("s3", "get_object", json!({"Bucket": "ours", "Key": key}));
        assert_eq!(seen["Body"], key);
        lab.boto("s3", "put_object", json!({"Bucket": "theirs", "Key": key, "Body": key}));
        assert_eq!(downloaded(lab, "theirs", key), key.as_bytes());
    }
    let mut expected = KEYS;
    expected.sort_unstable();
    for bucket in ["ours", "theirs"] {
        let objects = lab.done(service.list_bucket_objects(bucket, ""));
        let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, expected, "{bucket}");
        assert!(
            objects
                .iter()
                .all(|object| object.modified_at.is_some() && object.etag.is_some())
        );
    }
    let some = lab.done(service.list_bucket_objects("ours", "deep/"));
    assert_eq!(some.len(), 1);
    let buckets = lab.done(service.list_buckets());
    let names: Vec<&str> = buckets.iter().map(|bucket| bucket.name.as_str()).collect();
    assert_eq!(names, ["ours", "theirs"]);

    lab.done(service.delete_bucket_object("ours", "a b+c"));
    assert_eq!(
        lab.refused(service.delete_bucket_object("ours", "a b+c")),
        missing("bucket-object", "a b+c")
    );
    assert_eq!(lab.refused(service.delete_bucket("ours", false)), ErrorKind::Conflict);
    lab.done(service.delete_bucket("ours", true));
    assert_eq!(
        lab.refused(service.delete_bucket("ours", true)),
        missing("bucket", "ours")
    );
    let left = lab.boto("s3", "list_buckets", json!({}));
    assert_eq!(left["Buckets"].as_array().map(Vec::len), Some(1));
}

fn pages_of_objects_are_cut_where_they_are_told(lab: &Lab) {
    lab.done(lab.service.create_bucket("paged", false));
    for number in 0..7 {
        let key = format!("key {number}+");
        lab.boto("s3", "put_object", json!({"Bucket": "paged", "Key": key, "Body": "x"}));
    }
    let mut cursor = None;
    let mut keys = Vec::new();
    for size in [3, 3, 1] {
        let page = serde_json::from_value(json!({"cursor": cursor, "limit": 3})).unwrap();
        let page = lab.done(lab.service.list_bucket_objects_page("paged", "", page));
        assert_eq!(page.items.len(), size);
        keys.extend(page.items.into_iter().map(|object| object.key));
        cursor = page.next;
    }
    assert_eq!((cursor, keys.len(), keys[6].as_str()), (None, 7, "key 6+"));
}

fn large_contents_are_written_in_parts_and_nothing_is_left_of_those_that_fail(lab: &Lab) {
    lab.done(lab.service.create_bucket("large", false));
    let content: Vec<u8> = (0..(11_u32 << 20) + 7).map(|index| index.to_le_bytes()[1]).collect();
    lab.done(
        lab.service
            .upload_bucket_object("large", "in parts ü", blob(&content), false),
    );
    let head = lab.boto("s3", "head_object", json!({"Bucket": "large", "Key": "in parts ü"}));
    assert_eq!(head["ContentLength"], content.len());
    // S3's tag of an object in parts ends with their number.
    assert!(head["ETag"].as_str().unwrap().contains("-3"), "{head}");
    assert!(downloaded(lab, "large", "in parts ü") == content);

    let before = lab.peer.observe().unwrap();
    // Its limit lets the first part pass and not the third.
    let poor = lab.sibling("poor", |config| config.limits.requests_per_call = 3);
    let refused = lab.refused(poor.upload_bucket_object("large", "unmade", blob(&content), false));
    assert_eq!(refused, ErrorKind::Denied);
    let uploads = lab.boto("s3", "list_multipart_uploads", json!({"Bucket": "large"}));
    // The abort needs a request, too; the provider says which upload is left.
    if uploads["Uploads"].as_array().is_some_and(|uploads| !uploads.is_empty()) {
        let id = &uploads["Uploads"][0]["UploadId"];
        lab.boto(
            "s3",
            "abort_multipart_upload",
            json!({"Bucket": "large", "Key": "unmade", "UploadId": id}),
        );
    }
    lab.expect_unchanged(&before);
    assert_eq!(
        lab.refused(lab.service.upload_bucket_object("absent", "k", blob(&content), false)),
        missing("bucket", "absent")
    );
    lab.expect_unchanged(&before);
}

fn a_presigned_url_is_good_for_anybody_who_changes_nothing(lab: &Lab) {
    lab.done(lab.service.create_bucket("given", false));
    lab.done(
        lab.service
            .upload_bucket_object("given", "a b+ü", blob(b"content"), false),
    );
    let url = lab.done(lab.service.presign_bucket_object("given", "a b+ü", 60));
    assert_eq!(fetched(&url), (200, "content".to_owned()));
    assert_eq!(fetched(&url.replace("Expires=60", "Expires=600")).0, 403);
    assert_eq!(
        lab.refused(lab.service.presign_bucket_object("given", "absent", 60)),
        missing("bucket-object", "absent")
    );
    // An operator who granted no signed URLs.
    let strict = lab.sibling("strict", |config| {
        for endpoint in config.grants.endpoints.values_mut() {
            endpoint.presign_seconds = None;
        }
    });
    assert_eq!(
        lab.refused(strict.presign_bucket_object("given", "a b+ü", 60)),
        ErrorKind::Denied
    );
}

/// As somebody would who was given the URL and knows nothing else.
fn fetched(url: &str) -> (u16, String) {
    let (host, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn what_is_public_was_asked_to_be(lab: &Lab) {
    let service = &lab.service;
    lab.done(service.create_bucket("private", false));
    lab.done(service.create_bucket("public", true));
    let policy = |bucket: &str| lab.peer.call("s3", "get_bucket_policy", &json!({"Bucket": bucket}));
    assert!(policy("private").is_err());
    let policy = policy("public").unwrap();
    let policy = policy["Policy"].as_str().unwrap();
    assert!(
        policy.contains("s3:GetObject") && policy.contains("arn:aws:s3:::public/*"),
        "{policy}"
    );
    lab.done(service.upload_bucket_object("public", "k", blob(b"x"), true));
    let acl = lab.boto("s3", "get_object_acl", json!({"Bucket": "public", "Key": "k"}));
    assert!(acl["Grants"].to_string().contains("AllUsers"), "{acl}");
    // Another key: this peer keeps the list of an object that is replaced, which S3 does not.
    lab.done(service.upload_bucket_object("public", "own", blob(b"x"), false));
    let acl = lab.boto("s3", "get_object_acl", json!({"Bucket": "public", "Key": "own"}));
    assert!(!acl["Grants"].to_string().contains("AllUsers"), "{acl}");

    let before = lab.peer.observe().unwrap();
    let taken = lab.refused(service.create_bucket("public", false));
    assert!(matches!(taken, ErrorKind::AlreadyExists(_)), "{taken:?}");
    let nameless = lab.refused(service.create_bucket("Not_A_Name", false));
    assert_eq!(nameless, ErrorKind::InvalidArgument("bucket".to_owned()));
    let keyless = lab.refused(service.upload_bucket_object("private", "a//b", blob(b"x"), false));
    assert_eq!(keyless, ErrorKind::InvalidArgument("key".to_owned()));
    lab.expect_unchanged(&before);
}
