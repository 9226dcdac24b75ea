//! The vendor's own examples: their signatures cannot be had by a mistake.
//!
//! - Object storage: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>, `sigv4-streaming`
//!   and `sigv4-query-string-auth` beside it.
//! - Other services: the test suite that the vendor published for Signature Version 4, and
//!   <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-examples.html>.

use http::Method;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::http::origin::Origin;

/// A request to sign, and what it should become.
struct Example {
    service: &'static str,
    method: Method,
    url: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signature: &'static str,
}

const NO_HEADERS: &[(&str, &str)] = &[];
const STORAGE: &str = "https://examplebucket.s3.amazonaws.com";

fn signer(service: &str) -> Sigv4 {
    let (id, secret) = match service {
        "s3" => ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        _ => ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    };
    let key = AccessKey {
        id: id.into(),
        secret: Secret::new(secret),
        session_token: None,
    };
    Sigv4::new(key, service, "us-east-1")
}

fn moment(service: &str) -> Moment {
    Moment(
        if service == "s3" {
            "20130524T000000Z"
        } else {
            "20150830T123600Z"
        }
        .into(),
    )
}

/// Splits a URL and calls `work` with the request that it makes.
fn with_outgoing<T>(
    method: &Method,
    url: &str,
    headers: &mut HeaderMap,
    body: OutgoingBody<'_>,
    work: impl FnOnce(&mut Outgoing<'_>) -> T,
) -> T {
    let slash = url.match_indices('/').nth(2).map_or(url.len(), |(slash, _)| slash);
    let (origin, rest) = url.split_at(slash);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let origin: Origin = origin.parse().unwrap();
    work(&mut Outgoing {
        origin: &origin,
        method,
        path: &mut path.to_owned(),
        query: &mut query.to_owned(),
        headers,
        body,
        changes: false,
        now: SystemTime::UNIX_EPOCH,
        stamp: 0,
        framing: None,
    })
}

fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    map
}

#[test]
fn the_vendors_examples_are_signed_as_it_signs_them() {
    let examples = [
        Example {
            service: "s3",
            method: Method::GET,
            url: "https://examplebucket.s3.amazonaws.com/test.txt",
            headers: &[("Range", "bytes=0-9")],
            body: "",
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        },
        Example {
            service: "s3",
            method: Method::PUT,
            // `$` need not be encoded in a path, but is where it is signed.
            url: "https://examplebucket.s3.amazonaws.com/test$file.text",
            headers: &[
                ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body: "Welcome to Amazon S3.",
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        },
        Example {
            service: "s3",
            method: Method::GET,
            url: "https://examplebucket.s3.amazonaws.com/?lifecycle=",
            headers: NO_HEADERS,
            body: "",
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        },
        Example {
            service: "s3",
            method: Method::GET,
            url: "https://examplebucket.s3.amazonaws.com/?prefix=J&max-keys=2",
            headers: &[("User-Agent", "not signed"), ("Accept-Encoding", "identity")],
            body: "",
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        },
        // get-vanilla
        Example {
            service: "service",
            method: Method::GET,
            url: "https://example.amazonaws.com/",
            headers: NO_HEADERS,
            body: "",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        },
        // get-vanilla-query-order-key-case
        Example {
            service: "service",
            method: Method::GET,
            url: "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            headers: NO_HEADERS,
            body: "",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        },
        // As botocore 1.43.106 signs it: a path that is encoded twice, an order of pairs, a port.
        Example {
            service: "service",
            method: Method::GET,
            url: "https://example.amazonaws.com:8443/v1/a%20b$c/%E1%88%B4?b=2&a-b=1&a=%2F&a=%20",
            headers: NO_HEADERS,
            body: "",
            signature: "d2ce5f2015e83c85ff6e6525eb406d9ed6d1f2bd5d9386229c091ef66b645fd0",
        },
        // post-x-www-form-urlencoded
        Example {
            service: "service",
            method: Method::POST,
            url: "https://example.amazonaws.com/",
            headers: &[("Content-Type", "application/x-www-form-urlencoded")],
            body: "Param1=value1",
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        },
        // get-header-value-multiline and -trim are of one kind: values are trimmed, folded and joined.
        Example {
            service: "service",
            method: Method::GET,
            url: "https://example.amazonaws.com/",
            headers: &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            body: "",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        },
        // The example of the user's guide: a query and a header.
        Example {
            service: "iam",
            method: Method::GET,
            url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            headers: &[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: "",
            signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        },
    ];
    for example in examples {
        let mut headers = header_map(example.headers);
        let body = OutgoingBody::Bytes(example.body.as_bytes());
        let signature = with_outgoing(&example.method, example.url, &mut headers, body, |outgoing| {
            let signed = signer(example.service).sign(outgoing, &moment(example.service));
            assert!(!outgoing.path.contains('$'));
            signed
        });
        assert_eq!(signature.unwrap(), example.signature, "{}", example.url);
        let authorization = headers.get(AUTHORIZATION).unwrap();
        assert!(authorization.is_sensitive());
        assert!(authorization.to_str().unwrap().ends_with(example.signature));
    }
}

#[test]
fn a_presigned_url_is_the_vendors_own() {
    let url = format!("{STORAGE}/test.txt");
    let mut headers = HeaderMap::new();
    let (valid, query) = with_outgoing(&Method::GET, &url, &mut headers, OutgoingBody::Bytes(&[]), |outgoing| {
        let valid = signer("s3").presign_at(outgoing, &moment("s3"), Duration::from_secs(86_400));
        (valid, outgoing.query.clone())
    });
    assert_eq!(valid, Duration::from_secs(86_400));
    assert_eq!(
        query,
        "X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
    let longest = with_outgoing(&Method::GET, &url, &mut headers, OutgoingBody::Bytes(&[]), |outgoing| {
        signer("s3").presign_at(outgoing, &moment("s3"), Duration::from_secs(u64::from(u32::MAX)))
    });
    assert_eq!(longest, Duration::from_secs(604_800));
}

#[tokio::test]
async fn a_body_in_chunks_is_the_vendors_own() {
    let mut headers = header_map(&[("x-amz-storage-class", "REDUCED_REDUNDANCY")]);
    let body = vec![b'a'; 66_560];
    let url = "http://s3.amazonaws.com/examplebucket/chunkObject.txt";
    let spliced = OutgoingBody::Spliced(Some(body.len() as u64));
    let (signature, framing) = with_outgoing(&Method::PUT, url, &mut headers, spliced, |outgoing| {
        let signature = signer("s3").sign(outgoing, &moment("s3")).unwrap();
        (signature, outgoing.framing.take().unwrap())
    });
    assert_eq!(
        signature,
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    );
    assert_eq!(
        (framing.length, &headers[CONTENT_LENGTH]),
        (66_824, &"66824".parse().unwrap())
    );
    let mut sent = Vec::new();
    (framing.frame)(Box::pin(std::io::Cursor::new(body)))
        .read_to_end(&mut sent)
        .await
        .unwrap();
    assert_eq!(sent.len() as u64, framing.length);
    let sent = String::from_utf8(sent).unwrap();
    let heads: Vec<&str> = sent.lines().filter(|line| line.contains(';')).collect();
    assert_eq!(
        heads,
        [
            "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ]
    );
}

#[tokio::test]
async fn chunks_are_as_long_as_announced_and_a_short_body_is_an_error() {
    for (length, there, whole) in [
        (1, 1, true),
        (65_536, 65_536, true),
        (65_537, 65_537, true),
        (200_000, 199_999, false),
    ] {
        let signer = ChunkSigner::new(Tag::default(), String::new(), String::new(), String::new());
        let mut body = SignedChunks::new(Box::pin(std::io::Cursor::new(vec![0; there])), length, signer);
        let mut sent = Vec::new();
        match body.read_to_end(&mut sent).await {
            Ok(_) => assert!(whole && sent.len() as u64 == framed_length(length), "{length}"),
            Err(error) => assert!(!whole && error.kind() == std::io::ErrorKind::UnexpectedEof, "{length}"),
        }
    }
}

#[test]
fn bodies_are_signed_as_they_can_be() {
    let cases = [
        ("s3", STORAGE, OutgoingBody::Spliced(Some(5)), Some(UNSIGNED_PAYLOAD)),
        (
            "s3",
            "http://127.0.0.1:9",
            OutgoingBody::Spliced(Some(5)),
            Some(SIGNED_CHUNKS),
        ),
        ("s3", STORAGE, OutgoingBody::Spliced(None), None),
        ("ec2", "https://ec2.example", OutgoingBody::Spliced(Some(5)), None),
    ];
    for (service, origin, body, expected) in cases {
        let mut headers = HeaderMap::new();
        let url = format!("{origin}/x");
        let signed = with_outgoing(&Method::PUT, &url, &mut headers, body, |outgoing| {
            signer(service).sign(outgoing, &moment(service))
        });
        match expected {
            Some(hash) => assert_eq!(headers[CONTENT_SHA256], hash),
            None => assert!(matches!(signed, Err(CredentialError::Body(_))), "{signed:?}"),
        }
    }
}

#[test]
fn a_session_token_is_sent_signed_and_secret() {
    let mut signer = signer("s3");
    signer.key.session_token = Some(Secret::new("token/+canary=="));
    let mut headers = HeaderMap::new();
    let url = format!("{STORAGE}/a");
    let query = with_outgoing(&Method::GET, &url, &mut headers, OutgoingBody::Bytes(&[]), |outgoing| {
        signer.sign(outgoing, &moment("s3")).unwrap();
        signer.presign_at(outgoing, &moment("s3"), Duration::from_secs(60));
        outgoing.query.clone()
    });
    assert!(headers[SECURITY_TOKEN].is_sensitive() && headers[SECURITY_TOKEN] == "token/+canary==");
    assert!(
        headers[AUTHORIZATION]
            .to_str()
            .unwrap()
            .contains(";x-amz-security-token,")
    );
    assert!(query.contains("&X-Amz-Security-Token=token%2F%2Bcanary%3D%3D&"));
    let scrubber = crate::http::Scrubber::new(signer.secrets());
    for echo in [
        "token/+canary==",
        "token%2F%2Bcanary%3D%3D",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ] {
        assert_eq!(scrubber.scrub(echo.as_bytes()), b"[redacted]", "{echo}");
    }
    assert!(!format!("{signer:?}").contains("canary"));
}

#[test]
fn names_that_would_change_what_is_signed_are_refused() {
    let key = |id: &str| AccessKey {
        id: id.into(),
        secret: Secret::new("s"),
        session_token: None,
    };
    for (id, service, region, sound) in [
        ("AKIA", "ec2", "eu-central-1", true),
        ("GK-1_a.b", "s3", "garage", true),
        ("AKIA", "ec2", "eu/x", false),
        ("AKIA", "ec2", "", false),
        ("AKIA", "ec2", "EU", false),
        ("AKIA", "ec2", "-eu", false),
        ("AKIA", "ec2", "eu\n", false),
        ("AKIA", "s3/aws4_request", "eu", false),
        ("a/b", "ec2", "eu", false),
        ("a, SignedHeaders=host", "ec2", "eu", false),
        ("", "ec2", "eu", false),
    ] {
        assert_eq!(
            Sigv4::new(key(id), service, region).check().is_ok(),
            sound,
            "{id} {service} {region}"
        );
    }
}
