//! Names: the zone is found without guessing, and exactly what is there is deleted.

use stockade_provider::abilities::{Dns, Operations};

use super::*;
use crate::Aws;

fn zones(zones: &[(&str, &str)]) -> String {
    let zones: String = zones
        .iter()
        .map(|(id, name)| {
            format!(
                "<HostedZone><Id>/hostedzone/{id}</Id><Name>{name}</Name><Config><PrivateZone>false</PrivateZone></Config></HostedZone>"
            )
        })
        .collect();
    format!("<ListHostedZonesByNameResponse><HostedZones>{zones}</HostedZones></ListHostedZonesByNameResponse>")
}

fn set(name: &str, identifier: &str, value: &str) -> String {
    let identifier = match identifier {
        "" => String::new(),
        text => format!("<SetIdentifier>{text}</SetIdentifier><Weight>1</Weight>"),
    };
    format!(
        "<ResourceRecordSet><Name>{name}</Name><Type>A</Type>{identifier}<TTL>60</TTL><ResourceRecords><ResourceRecord>\
         <Value>{value}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
    )
}

fn sets(sets: &str, next: &str) -> String {
    let is_truncated = !next.is_empty();
    format!(
        "<ListResourceRecordSetsResponse><ResourceRecordSets>{sets}</ResourceRecordSets><IsTruncated>{is_truncated}</IsTruncated>\
         {next}</ListResourceRecordSetsResponse>"
    )
}

fn changed(status: &str) -> String {
    format!(
        "<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1</Id><Status>{status}</Status></ChangeInfo>\
         </ChangeResourceRecordSetsResponse>"
    )
}

fn record(name: &str, value: &str) -> DnsRecord {
    DnsRecord {
        name: name.to_owned(),
        type_: "A".to_owned(),
        ttl_seconds: None,
        values: vec![value.to_owned()],
    }
}

fn set_record(answers: &[&str], replace: bool) -> (Result<Change, Error>, FakeHost) {
    let host = host(answers);
    let zone = "example.org".to_owned();
    let outcome = Aws::set_dns_record(&host, zone, record("a.example.org", "192.0.2.1"), replace);
    (outcome, host)
}

fn last_body(host: &FakeHost) -> String {
    let request = host.requests().pop().expect("a request");
    String::from_utf8(request.body).expect("text")
}

#[test]
fn a_record_is_created_replaced_or_refused() {
    let zone = zones(&[("Z1", "example.org."), ("Z2", "example.com.")]);
    let (outcome, host) = set_record(&[&zone, &sets("", ""), &changed("PENDING")], false);
    let change = outcome.expect("created");
    assert_eq!(change.id, "a.example.org");
    assert!(last_body(&host).contains("<Action>CREATE</Action>"));
    let token = change.pending.expect("not everywhere yet");
    for (status, done) in [("PENDING", false), ("INSYNC", true)] {
        let answer = format!(
            "<GetChangeResponse><ChangeInfo><Id>C1</Id><Status>{status}</Status></ChangeInfo></GetChangeResponse>"
        );
        let poll = super::host(&[&answer]);
        assert_eq!(Aws::poll_operation(&poll, token.clone()).expect("state").done, done);
        assert_eq!(poll.request_lines(), ["GET /2013-04-01/change/C1"]);
    }

    let there = sets(&set("a.example.org.", "", "192.0.2.9"), "");
    let (outcome, host) = set_record(&[&zone, &there, &changed("INSYNC")], true);
    assert_eq!(outcome.expect("replaced").pending, None);
    assert!(last_body(&host).contains("<Action>UPSERT</Action>"));

    let (outcome, _) = set_record(&[&zone, &there], false);
    let subject = Subject::new("dns-record", "a.example.org");
    assert_eq!(outcome.expect_err("there").kind, ErrorKind::AlreadyExists(subject));
}

#[test]
fn data_with_routing_policies_is_replaced_and_deleted_exactly() {
    let zone = zones(&[("Z1", "example.org.")]);
    let (one, two) = (
        set("a.example.org.", "one", "192.0.2.1"),
        set("a.example.org.", "two", "192.0.2.2"),
    );
    let other = set("b.example.org.", "", "192.0.2.3");
    let there = sets(&format!("{one}{two}{other}"), "");
    let (outcome, host) = set_record(&[&zone, &there, &changed("INSYNC")], true);
    assert!(outcome.is_ok());
    let deleted = format!("<Change><Action>DELETE</Action>{one}</Change><Change><Action>DELETE</Action>{two}</Change>");
    assert!(last_body(&host).contains(&format!("{deleted}<Change><Action>CREATE</Action>")));

    let host = super::host(&[&zone, &there, &changed("INSYNC")]);
    Aws::delete_dns_record(
        &host,
        "example.org".to_owned(),
        "A.example.org".to_owned(),
        "a".to_owned(),
    )
    .expect("deleted");
    let body = last_body(&host);
    assert!(body.contains(&deleted) && !body.contains("192.0.2.3"), "{body}");
}

#[test]
fn what_is_not_there_is_not_found_and_two_zones_of_one_name_are_ambiguous() {
    let zone = zones(&[("Z1", "example.org.")]);
    let beyond = sets(&set("b.example.org.", "", "192.0.2.3"), "");
    let host = super::host(&[&zone, &beyond]);
    let delete = |host: &FakeHost, name: &str| {
        Aws::delete_dns_record(host, "example.org".to_owned(), name.to_owned(), "A".to_owned()).expect_err("absent")
    };
    let subject = Subject::new("dns-record", "a.example.org");
    assert_eq!(delete(&host, "a.example.org").kind, ErrorKind::NotFound(subject));
    let host = super::host(&[&zone]);
    let subject = Subject::new("dns-record", "a.example.com");
    assert_eq!(delete(&host, "a.example.com").kind, ErrorKind::NotFound(subject));

    let two = zones(&[("Z1", "example.org."), ("Z2", "example.org.")]);
    let error = Aws::list_dns_records(&super::host(&[&two]), "example.org".to_owned(), first_page()).expect_err("two");
    assert!(
        matches!(&error.kind, ErrorKind::Ambiguous(names) if names.candidates == ["Z1", "Z2"]),
        "{error:?}"
    );
    let next = zones(&[("Z2", "example.zone.")]);
    let error =
        Aws::list_dns_records(&super::host(&[&next]), "example.org".to_owned(), first_page()).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("dns-zone", "example.org")));
}

#[test]
fn one_entry_for_each_name_and_type_even_where_a_page_ends() {
    let zone = zones(&[("Z1", "example.org.")]);
    let next = |name: &str, identifier: &str| {
        format!(
            "<NextRecordName>{name}</NextRecordName><NextRecordType>A</NextRecordType><NextRecordIdentifier>{identifier}</NextRecordIdentifier>"
        )
    };
    let first = sets(
        &set("a.example.org.", "one", "192.0.2.1"),
        &next("a.example.org.", "two"),
    );
    let rest = format!(
        "{}{}",
        set("a.example.org.", "two", "192.0.2.2"),
        set("b.example.org.", "", "192.0.2.3")
    );
    let second = sets(&rest, &next("c.example.org.", ""));
    let host = super::host(&[&zone, &first, &second]);
    let page = PageRequest {
        cursor: None,
        limit: Some(1),
    };
    let page = Aws::list_dns_records(&host, "example.org".to_owned(), page).expect("page");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].values, ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(page.next.as_deref(), Some("b.example.org A"));
    let host = super::host(&[&zone, &second]);
    let after = PageRequest {
        cursor: page.next,
        limit: None,
    };
    Aws::list_dns_records(&host, "example.org".to_owned(), after).expect("page");
    assert!(
        host.request_lines()[1].contains("name=b.example.org&type=A"),
        "{:?}",
        host.request_lines()
    );
}
