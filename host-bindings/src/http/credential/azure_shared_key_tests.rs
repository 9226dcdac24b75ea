//! The texts that are signed are those of the vendor's documentation; that its servers take the signatures is shown by
//! `tests/peers`.

use super::*;

/// Azurite's well-known account and key: <https://learn.microsoft.com/azure/storage/common/storage-use-azurite>.
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn credential() -> AzureSharedKey {
    AzureSharedKey::new("myaccount", Secret::new(KEY))
}

struct Case {
    origin: &'static str,
    method: Method,
    path: &'static str,
    query: &'static str,
}

impl Case {
    fn outgoing<T>(
        &self,
        headers: &mut HeaderMap,
        body: OutgoingBody<'_>,
        work: impl FnOnce(&mut Outgoing<'_>) -> T,
    ) -> T {
        work(&mut Outgoing {
            origin: &self.origin.parse().unwrap(),
            method: &self.method,
            path: &mut self.path.to_owned(),
            query: &mut self.query.to_owned(),
            headers,
            body,
            changes: false,
            now: SystemTime::UNIX_EPOCH,
            stamp: 0,
            framing: None,
        })
    }
}

fn get(path: &'static str, query: &'static str) -> Case {
    Case {
        origin: "https://myaccount.blob.core.windows.net",
        method: Method::GET,
        path,
        query,
    }
}

#[test]
fn the_documented_request_gives_the_documented_text() {
    let mut headers = HeaderMap::new();
    headers.insert("x-ms-version", HeaderValue::from_static("2015-02-21"));
    let moment = OffsetDateTime::from_unix_timestamp(1_435_361_952).unwrap();
    let case = get("/mycontainer", "comp=metadata&restype=container&timeout=20");
    let text = case.outgoing(&mut headers, OutgoingBody::Bytes(&[]), |outgoing| {
        credential().sign(outgoing, moment).unwrap();
        credential().string_to_sign(outgoing).unwrap()
    });
    assert_eq!(
        text,
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
         /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
    );
    assert!(headers[AUTHORIZATION].is_sensitive());
    assert!(
        headers[AUTHORIZATION]
            .to_str()
            .unwrap()
            .starts_with("SharedKey myaccount:")
    );
}

#[test]
fn the_documented_resources_are_canonical() {
    for (path, query, expected) in [
        (
            "/mycontainer",
            "restype=container&comp=metadata",
            "/myaccount/mycontainer\ncomp:metadata\nrestype:container",
        ),
        (
            "/mycontainer",
            "restype=container&comp=list&include=snapshots&include=metadata&include=uncommittedblobs",
            "/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots,uncommittedblobs\nrestype:container",
        ),
        ("/my%20container/a%2Bb", "", "/myaccount/my%20container/a%2Bb"),
        ("/", "COMP=a%26b", "/myaccount/\ncomp:a&b"),
    ] {
        assert_eq!(credential().resource(path, query).unwrap(), expected);
    }
}

#[test]
fn the_length_of_a_body_is_signed_and_must_be_known() {
    let case = get("/c/b", "");
    for (body, expected) in [
        (OutgoingBody::Bytes(b"12345"), Some("GET\n\n\n5\n")),
        (OutgoingBody::Spliced(Some(7)), Some("GET\n\n\n7\n")),
        (OutgoingBody::Spliced(Some(0)), Some("GET\n\n\n\n")),
        (OutgoingBody::Spliced(None), None),
    ] {
        let text = case.outgoing(&mut HeaderMap::new(), body, |outgoing| {
            credential().string_to_sign(outgoing)
        });
        assert_eq!(
            text.is_ok_and(|text| expected.is_some_and(|start| text.starts_with(start))),
            expected.is_some()
        );
    }
}

#[test]
fn a_url_is_signed_for_one_blob_and_nothing_wider() {
    let host = "https://myaccount.blob.core.windows.net";
    let cases = [
        (host, "GET", "/c/b", "", Some("&sp=r&")),
        (host, "HEAD", "/c/d/b%20c", "", Some("&sp=r&")),
        (host, "PUT", "/c/b", "", Some("&sp=cw&")),
        (host, "DELETE", "/c/b", "", Some("&sp=d&")),
        (
            "http://127.0.0.1:1",
            "GET",
            "/myaccount/c/b",
            "",
            Some("&spr=https%2Chttp&"),
        ),
        // A container, a list, another meaning of the same path, another account, another service, another shape.
        (host, "GET", "/c", "", None),
        (host, "GET", "/c/", "", None),
        (host, "GET", "/", "", None),
        (host, "PUT", "/c/b", "comp=lease", None),
        (host, "POST", "/c/b", "", None),
        ("https://other.blob.core.windows.net", "GET", "/c/b", "", None),
        ("https://myaccount.queue.core.windows.net", "GET", "/c/b", "", None),
        ("https://blobs.example", "GET", "/myaccount/c/b", "", None),
        ("http://127.0.0.1:1", "GET", "/c/b/d", "", None),
        ("http://127.0.0.1:1", "GET", "/myaccount2/c/b", "", None),
        ("http://127.0.0.1:1", "GET", "/myaccount/c", "", None),
    ];
    for (origin, method, path, query, expected) in cases {
        let case = Case {
            origin,
            method: method.parse().unwrap(),
            path,
            query,
        };
        let signed = case.outgoing(&mut HeaderMap::new(), OutgoingBody::Bytes(&[]), |outgoing| {
            let valid = Duration::from_secs(90);
            credential().presign_at(outgoing, OffsetDateTime::UNIX_EPOCH, valid)?;
            Ok::<_, CredentialError>(format!("&{}", outgoing.query))
        });
        match expected {
            Some(part) => {
                let signed = signed.unwrap();
                assert!(
                    signed.contains(part) && signed.contains("se=1970-01-01T00%3A01%3A30Z"),
                    "{signed}"
                );
                assert!(!signed.contains(KEY));
            }
            None => assert!(
                matches!(signed, Err(CredentialError::Presign(_))),
                "{method} {origin}{path}: {signed:?}"
            ),
        }
    }
}

#[test]
fn an_account_or_key_that_is_none_is_refused_and_the_key_not_repeated() {
    for (account, key, sound) in [
        ("myaccount", KEY, true),
        ("MyAccount", KEY, false),
        ("a/b", KEY, false),
        ("ab", KEY, false),
        ("myaccount", "", false),
        ("myaccount", "not base64 canary", false),
    ] {
        let credential = AzureSharedKey::new(account, Secret::new(key));
        let checked = credential.check();
        assert_eq!(checked.is_ok(), sound, "{account} {checked:?}");
        assert!(!format!("{checked:?} {credential:?}").contains("canary"));
    }
}
