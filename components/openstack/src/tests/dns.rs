//! Names, against answers made from Designate's API reference.

use super::*;

const ZONES: &str =
    r#"{"zones": [{"id": "z", "name": "example.org."}, {"id": "y", "name": "sub.example.org."}], "links": {}}"#;
const RECORD: &str = r#"{"id": "r", "name": "www.example.org.", "type": "A", "ttl": 60, "records": ["192.0.2.1"]}"#;

fn entry(name: &str) -> DnsRecord {
    DnsRecord {
        name: name.to_owned(),
        type_: "A".to_owned(),
        ttl_seconds: Some(60),
        values: vec!["192.0.2.1".to_owned()],
    }
}

/// The two zones, with these records in the first.
fn zones(records: &str) -> FakeHost {
    let records = format!(r#"{{"recordsets": [{records}], "links": {{}}}}"#);
    cloud()
        .with_route("GET /v2/zones", 200, ZONES)
        .with_route("GET /v2/zones/z/recordsets", 200, &records)
}

fn host(records: &str) -> FakeHost {
    zones(records)
        .with_route("POST /v2/zones/z/recordsets", 202, RECORD)
        .with_route("PUT /v2/zones/z/recordsets/r", 202, RECORD)
        .with_route("DELETE /v2/zones/z/recordsets/r", 202, RECORD)
}

fn refusing(request: &str, records: &str, answer: &str) -> FakeHost {
    zones(records).with_route(request, 400, answer)
}

#[test]
fn names_have_no_final_dot_here_and_one_there() {
    let host = host("");
    let zones = Openstack::list_dns_zones(&host, first_page()).expect("zones").items;
    assert_eq!(
        zones.iter().map(|zone| zone.name.as_str()).collect::<Vec<_>>(),
        ["sub.example.org", "example.org"]
    );
    Openstack::set_dns_record(&host, "example.org".to_owned(), entry("www.example.org"), false).expect("set");
    let sent = changes(&host).join("");
    assert!(
        sent.contains(r#""name":"www.example.org.""#) && sent.contains(r#""ttl":60"#),
        "{sent}"
    );
    let records = Openstack::list_dns_records(&host, "example.org".to_owned(), first_page()).expect("records");
    assert!(records.items.is_empty(), "{records:?}");
    let outside = Openstack::set_dns_record(&host, "example.org".to_owned(), entry("www.example.com"), false);
    assert_eq!(
        outside.expect_err("outside").kind,
        ErrorKind::InvalidArgument("name".to_owned())
    );
}

#[test]
fn data_that_is_there_is_replaced_only_when_asked() {
    let host = host(RECORD);
    let zone = || "example.org.".to_owned();
    let error = Openstack::set_dns_record(&host, zone(), entry("www.example.org"), false).expect_err("there");
    assert_eq!(
        error.kind,
        ErrorKind::AlreadyExists(Subject::new("record", "www.example.org"))
    );
    let records = Openstack::list_dns_records(&host, zone(), first_page()).expect("records");
    assert_eq!(records.items, [entry("www.example.org")]);
    Openstack::set_dns_record(&host, zone(), entry("www.example.org"), true).expect("replaced");
    Openstack::delete_dns_record(&host, zone(), "www.example.org".to_owned(), "A".to_owned()).expect("deleted");
    let none = Openstack::delete_dns_record(&host, zone(), "www.example.org".to_owned(), "TXT".to_owned());
    assert_eq!(
        none.expect_err("none").kind,
        ErrorKind::NotFound(Subject::new("record", "www.example.org"))
    );
}

#[test]
fn a_name_is_written_as_the_zone_writes_it() {
    let host = cloud()
        .with_route(
            "GET /v2/zones",
            200,
            r#"{"zones": [{"id": "z", "name": "Example.org."}], "links": {}}"#,
        )
        .with_route("GET /v2/zones/z/recordsets", 200, r#"{"recordsets": [], "links": {}}"#)
        .with_route("POST /v2/zones/z/recordsets", 202, RECORD);
    Openstack::set_dns_record(&host, "Example.org".to_owned(), entry("WWW.example.ORG"), false).expect("set");
    let sent = changes(&host).join("");
    assert!(sent.contains(r#""name":"www.Example.org.""#), "{sent}");
}

#[test]
fn a_refusal_names_the_field_that_it_is_about_and_says_why() {
    let object = |message: &str| format!(r#"{{"code": 400, "type": "invalid_object", "message": "{message}"}}"#);
    let zone = || "example.org".to_owned();
    for (answer, field, why) in [
        (
            r#"{"code": 400, "type": "invalid_object", "errors": {"errors": [{"message": "'x' is not a 'A' Record"}]}}"#.to_owned(),
            "values",
            "is not a 'A' Record",
        ),
        (object("Value too high for ttl"), "ttl-seconds", "too high"),
        (object("Host name a_b is invalid"), "name", "is invalid"),
        (
            r#"{"code": 400, "type": "invalid_recordset_location", "message": "CNAME recordset may not share a name"}"#.to_owned(),
            "name",
            "may not share",
        ),
        (
            r#"{"code": 400, "type": "bad_request", "message": "Managed records may not be updated"}"#.to_owned(),
            "type",
            "Managed",
        ),
    ] {
        let host = refusing("POST /v2/zones/z/recordsets", "", &answer);
        let error = Openstack::set_dns_record(&host, zone(), entry("www.example.org"), false).expect_err(&answer);
        assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()), "{answer}");
        assert!(error.message.contains(why), "{}", error.message);
    }
    let answer = r#"{"code": 400, "type": "bad_request", "message": "Deleting a SOA recordset is not allowed"}"#;
    let host = refusing("DELETE /v2/zones/z/recordsets/r", RECORD, answer);
    let error = Openstack::delete_dns_record(&host, zone(), "www.example.org".to_owned(), "A".to_owned());
    assert_eq!(
        error.expect_err("managed").kind,
        ErrorKind::InvalidArgument("record-type".to_owned())
    );
}
