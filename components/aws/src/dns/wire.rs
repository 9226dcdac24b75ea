//! Route 53's documents: what is read from them and how changes are written.
//!
//! Source: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html>, each operation's
//! page.

use stockade_provider::types::{DnsRecord, DnsZone};

use super::names::shown;
use super::record::alias_value;
use crate::xml::Element;
use crate::xml_text::again;

/// The namespace of the documents that are sent.
const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Its id, without `/hostedzone/`.
    pub(crate) id: String,
    /// Its name as Route 53 writes it.
    pub(crate) name: String,
    pub(super) private: bool,
}

impl Zone {
    pub(super) fn read(zone: Element<'_>) -> Option<Self> {
        let id = zone.text("Id")?;
        Some(Self {
            id: id.strip_prefix("/hostedzone/").unwrap_or(id).to_owned(),
            name: zone.string("Name")?,
            private: zone.child("Config").and_then(|config| config.boolean("PrivateZone")) == Some(true),
        })
    }

    pub(super) fn into_dns_zone(self) -> DnsZone {
        DnsZone {
            name: shown(&self.name),
            id: self.id,
            private: self.private,
        }
    }
}

/// The zones of a list.
pub(super) fn zones(root: Element<'_>) -> Vec<Zone> {
    let zones = root.child("HostedZones");
    zones
        .into_iter()
        .flat_map(|zones| zones.children("HostedZone"))
        .filter_map(Zone::read)
        .collect()
}

/// One set of data. Several of one name and type differ by who asks: their routing policy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Set {
    pub(super) record: DnsRecord,
    /// The set as Route 53 wrote it: it deletes only what is described exactly.
    pub(super) xml: String,
    /// Whether it has a routing policy, so that an upsert without one would be refused.
    pub(super) is_routed: bool,
}

/// The data sets of a list, and where the next page begins: name, type, and the routing policy's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SetPage {
    pub(super) sets: Vec<Set>,
    pub(super) next: Option<Place>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) record_type: String,
    pub(super) identifier: Option<String>,
}

pub(super) fn sets(root: Element<'_>) -> SetPage {
    let sets = root.child("ResourceRecordSets");
    let sets = sets.into_iter().flat_map(|sets| sets.children("ResourceRecordSet"));
    let place = || {
        Some(Place {
            name: root.string("NextRecordName")?,
            record_type: root.string("NextRecordType")?,
            identifier: root.string("NextRecordIdentifier"),
        })
    };
    SetPage {
        sets: sets.filter_map(set).collect(),
        next: (root.boolean("IsTruncated") == Some(true)).then(place).flatten(),
    }
}

fn set(set: Element<'_>) -> Option<Set> {
    let values = match set.child("AliasTarget") {
        Some(alias) => vec![alias_value(alias.text("HostedZoneId")?, alias.text("DNSName")?)],
        None => {
            let records = set.child("ResourceRecords");
            let records = records
                .into_iter()
                .flat_map(|records| records.children("ResourceRecord"));
            records.filter_map(|record| record.string("Value")).collect()
        }
    };
    Some(Set {
        record: DnsRecord {
            name: shown(set.text("Name")?),
            type_: set.string("Type")?,
            ttl_seconds: set.number("TTL"),
            values,
        },
        xml: again(set),
        is_routed: set.child("SetIdentifier").is_some(),
    })
}

/// What is done with a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Upsert,
    Delete,
}

/// A batch: all of its changes are made or none.
pub(super) fn batch(changes: &[(Action, &str)]) -> String {
    let change = |(action, set): &(Action, &str)| {
        let action = match action {
            Action::Create => "CREATE",
            Action::Upsert => "UPSERT",
            Action::Delete => "DELETE",
        };
        format!("<Change><Action>{action}</Action>{set}</Change>")
    };
    let changes: String = changes.iter().map(change).collect();
    format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch><Changes>{changes}</Changes></ChangeBatch>\
         </ChangeResourceRecordSetsRequest>"
    )
}

/// A change's id without `/change/`, and whether it is everywhere.
pub(super) fn change(root: Element<'_>) -> Option<(String, bool)> {
    let info = root.child("ChangeInfo")?;
    let id = info.text("Id")?;
    let is_in_sync = info.text("Status") == Some("INSYNC");
    Some((id.strip_prefix("/change/").unwrap_or(id).to_owned(), is_in_sync))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    const LIST: &str = "<ListResourceRecordSetsResponse xmlns=\"urn:x\"><ResourceRecordSets>\
        <ResourceRecordSet><Name>\\052.example.org.</Name><Type>A</Type><SetIdentifier>one</SetIdentifier><Weight>1</Weight>\
        <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>\
        <ResourceRecordSet><Name>b.example.org.</Name><Type>A</Type><AliasTarget><HostedZoneId>Z2</HostedZoneId>\
        <DNSName>lb.example.net.</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>\
        </ResourceRecordSets><IsTruncated>true</IsTruncated><NextRecordName>c.example.org.</NextRecordName>\
        <NextRecordType>TXT</NextRecordType><MaxItems>2</MaxItems></ListResourceRecordSetsResponse>";

    #[test]
    fn sets_are_read_and_can_be_written_again_exactly() {
        let document = Document::parse(LIST).expect("xml");
        let page = sets(Element::root(&document));
        let [routed, alias] = page.sets.as_slice() else {
            panic!("{page:?}")
        };
        assert_eq!(
            (routed.record.name.as_str(), routed.record.ttl_seconds),
            ("*.example.org", Some(60))
        );
        assert!(routed.is_routed && !alias.is_routed);
        assert_eq!(alias.record.values, ["ALIAS Z2 lb.example.net"]);
        assert!(
            LIST.contains(&routed.xml) && LIST.contains(&alias.xml),
            "{}",
            routed.xml
        );
        let next = page.next.expect("more");
        assert_eq!(
            (next.name.as_str(), next.record_type.as_str(), next.identifier),
            ("c.example.org.", "TXT", None)
        );
        assert!(batch(&[(Action::Delete, &routed.xml)]).contains("<Action>DELETE</Action><ResourceRecordSet>"));
    }
}
