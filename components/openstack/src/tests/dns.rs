//! Contract tests of names, against answers made from Designate's API reference.

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

fn host(records: &str) -> FakeHost {
    cloud()
        .with_route("GET /v2/zones", 200, ZONES)
        .with_route(
            "GET /v2/zones/z/recordsets",
            200,
            &format!(r#"{{"recordsets": [{records}], "links": {{}}}}"#),
        )
        .with_route("POST /v2/zones/z/recordsets", 202, RECORD)
        .with_route("PUT /v2/zones/z/recordsets/r", 202, RECORD)
        .with_route("DELETE /v2/zones/z/recordsets/r", 202, RECORD)
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
