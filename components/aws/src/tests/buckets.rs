//! Buckets: which requests are sent, and that nothing half-made is left.

use stockade_provider::abilities::Buckets;
use stockade_provider::fake_host::FakeBlob;

use super::*;
use crate::Aws;

const BEGUN: &str = "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";

/// A host with these answers, whose parts are as small as S3 takes.
fn storage(answers: Vec<Response>) -> FakeHost {
    let host = host(&[]).with_option("s3_part_mib", 5);
    for answer in answers {
        host.answer(Ok(answer));
    }
    host
}

fn ok(body: &str) -> Response {
    Response::new(200).with_body(body)
}

fn s3_error(status: u16, code: &str) -> Response {
    Response::new(status).with_body(format!(
        "<Error><Code>{code}</Code><Message>m</Message><RequestId>r</RequestId></Error>"
    ))
}

/// Methods, paths and queries of the requests so far.
fn lines(host: &FakeHost) -> Vec<String> {
    let line = |mut request: Request| {
        request.body.clear();
        let query: Vec<String> = request
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{} /{}?{}", request.method, request.path.join("/"), query.join("&"))
    };
    host.requests().into_iter().map(line).collect()
}

fn upload(host: &FakeHost, bytes: usize, public: bool) -> Result<Change, Error> {
    let content = FakeBlob::new(vec![7; bytes]);
    Aws::upload_bucket_object(host, "b-1".to_owned(), "a b/c+".to_owned(), &content, public)
}

#[test]
fn a_small_object_is_one_request_and_public_only_when_asked() {
    for (public, header) in [(false, None), (true, Some("public-read"))] {
        let host = storage(vec![ok("")]);
        assert_eq!(upload(&host, 5 << 20, public).expect("written").id, "a b/c+");
        assert_eq!(lines(&host), ["PUT /b-1/a b/c+?"]);
        let request = &host.requests()[0];
        assert_eq!(request.body.len(), 5 << 20);
        let acl = request.headers.iter().find(|(name, _)| name == "x-amz-acl");
        assert_eq!(acl.map(|(_, value)| value.as_str()), header);
    }
}

#[test]
fn a_large_object_goes_in_parts_that_make_the_whole() {
    let part = |tag: &str| ok("").with_header("ETag", tag);
    let done = ok("<CompleteMultipartUploadResult/>");
    let host = storage(vec![
        ok(BEGUN),
        part("\"1\""),
        s3_error(503, "SlowDown"),
        part("\"2\""),
        done,
    ]);
    upload(&host, (5 << 20) + 1, true).expect("written");
    let put = |number| format!("PUT /b-1/a b/c+?partNumber={number}&uploadId=u/1");
    let expected = [
        "POST /b-1/a b/c+?uploads=".to_owned(),
        put(1),
        put(2),
        put(2),
        "POST /b-1/a b/c+?uploadId=u/1".to_owned(),
    ];
    assert_eq!(lines(&host), expected);
    let requests = host.requests();
    assert_eq!((requests[1].body.len(), requests[3].body.len()), (5 << 20, 1));
    let body = String::from_utf8(requests[4].body.clone()).expect("text");
    assert!(body.contains("<PartNumber>2</PartNumber><ETag>\"2\"</ETag>"), "{body}");
    assert_eq!(
        requests[0].headers,
        [("x-amz-acl".to_owned(), "public-read".to_owned())]
    );
}

#[test]
fn a_failed_upload_in_parts_is_aborted() {
    let part = || ok("").with_header("ETag", "\"1\"");
    let inside = ok("<Error><Code>InvalidPart</Code><Message>m</Message></Error>");
    for (answers, kind) in [
        (vec![s3_error(403, "AccessDenied")], ErrorKind::Denied),
        (
            vec![part(), s3_error(404, "NoSuchBucket")],
            ErrorKind::NotFound(Subject::new("bucket", "b-1")),
        ),
        (
            vec![part(), ok("")],
            ErrorKind::Upstream(UpstreamFault {
                status: Some(200),
                code: None,
            }),
        ),
        (
            vec![part(), part(), inside],
            ErrorKind::Upstream(UpstreamFault {
                status: Some(200),
                code: Some("InvalidPart".to_owned()),
            }),
        ),
    ] {
        let host = storage([vec![ok(BEGUN)], answers, vec![Response::new(204)]].concat());
        assert_eq!(upload(&host, 6 << 20, false).expect_err("fails").kind, kind);
        assert_eq!(
            lines(&host).last().map(String::as_str),
            Some("DELETE /b-1/a b/c+?uploadId=u/1")
        );
    }
    let host = storage(vec![
        ok(BEGUN),
        s3_error(403, "AccessDenied"),
        s3_error(403, "AccessDenied"),
    ]);
    let error = upload(&host, 6 << 20, false).expect_err("fails");
    assert!(error.message.contains("abort upload `u/1`"), "{}", error.message);
}

#[test]
fn a_bucket_is_created_once_in_its_region_and_private_unless_told() {
    let create = |answers, public| {
        let host = storage(answers);
        let outcome = Aws::create_bucket(&host, "b-1".to_owned(), public);
        (outcome.map(|change| change.id), lines(&host), host)
    };
    let (outcome, sent, host) = create(vec![Response::new(404), ok("")], false);
    assert_eq!(outcome.as_deref(), Ok("b-1"));
    assert_eq!(sent, ["HEAD /b-1?", "PUT /b-1?"]);
    let body = String::from_utf8(host.requests()[1].body.clone()).expect("text");
    assert!(
        body.contains("<LocationConstraint>eu-west-3</LocationConstraint>"),
        "{body}"
    );

    let (outcome, sent, _) = create(vec![Response::new(200)], false);
    assert_eq!(
        outcome.expect_err("there").kind,
        ErrorKind::AlreadyExists(Subject::new("bucket", "b-1"))
    );
    assert_eq!(sent, ["HEAD /b-1?"]);

    let (outcome, _, _) = create(vec![Response::new(403), s3_error(409, "BucketAlreadyExists")], false);
    assert_eq!(
        outcome.expect_err("taken").kind,
        ErrorKind::AlreadyExists(Subject::new("bucket", "b-1"))
    );

    let policy_refused = vec![
        Response::new(404),
        ok(""),
        Response::new(204),
        s3_error(403, "AccessDenied"),
        Response::new(204),
    ];
    let (outcome, sent, _) = create(policy_refused, true);
    assert_eq!(outcome.expect_err("refused").kind, ErrorKind::Denied);
    assert_eq!(
        sent[1..],
        [
            "PUT /b-1?",
            "DELETE /b-1?publicAccessBlock=",
            "PUT /b-1?policy=",
            "DELETE /b-1?"
        ]
    );
}

#[test]
fn a_bucket_is_emptied_only_when_that_is_asked_for() {
    let host = storage(vec![ok(""), s3_error(409, "BucketNotEmpty")]);
    let error = Aws::delete_bucket(&host, "b-1".to_owned(), false).expect_err("not empty");
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(lines(&host), ["HEAD /b-1?", "DELETE /b-1?"]);

    let versions = "<ListVersionsResult><Version><Key>k</Key><VersionId>v</VersionId></Version></ListVersionsResult>";
    let uploads =
        "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>";
    let host = storage(vec![
        ok(""),
        ok(versions),
        ok("<DeleteResult/>"),
        ok(uploads),
        Response::new(204),
        Response::new(204),
    ]);
    Aws::delete_bucket(&host, "b-1".to_owned(), true).expect("deleted");
    assert_eq!(
        lines(&host),
        [
            "HEAD /b-1?",
            "GET /b-1?versions=&encoding-type=url",
            "POST /b-1?delete=",
            "GET /b-1?uploads=&encoding-type=url&max-uploads=100",
            "DELETE /b-1/k?uploadId=u",
            "DELETE /b-1?"
        ]
    );
}

#[test]
fn what_is_missing_is_named_whichever_it_is() {
    let host = storage(vec![Response::new(404), Response::new(404)]);
    let error = Aws::delete_bucket_object(&host, "b-1".to_owned(), "k".to_owned()).expect_err("no bucket");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("bucket", "b-1")));
    let host = storage(vec![Response::new(404), Response::new(200)]);
    let error = Aws::presign_bucket_object(&host, "b-1".to_owned(), "k".to_owned(), 60).expect_err("no object");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("bucket-object", "k")));
    for (code, noun, name) in [("NoSuchBucket", "bucket", "b-1"), ("NoSuchKey", "bucket-object", "k")] {
        let host = storage(vec![s3_error(404, code)]);
        let into = FakeBlob::default();
        let error = Aws::download_bucket_object(&host, "b-1".to_owned(), "k".to_owned(), &into).expect_err("missing");
        assert_eq!(error.kind, ErrorKind::NotFound(Subject::new(noun, name)));
    }
    let host = storage(vec![]);
    let bad = |bucket: &str| Aws::delete_bucket(&host, bucket.to_owned(), true).expect_err("no name");
    for bucket in ["", "..", "a/b", "a?b"] {
        assert_eq!(bad(bucket).kind, ErrorKind::NotFound(Subject::new("bucket", bucket)));
    }
    let times =
        [0, 604_801].map(|seconds| Aws::presign_bucket_object(&host, "b-1".to_owned(), "k".to_owned(), seconds));
    assert!(times.iter().all(|answer| {
        answer
            .as_ref()
            .is_err_and(|error| error.kind == ErrorKind::InvalidArgument("valid-seconds".to_owned()))
    }));
}
