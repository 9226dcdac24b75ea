//! A record that a caller wants: checked, and as Route 53 takes it.

use std::net::{Ipv4Addr, Ipv6Addr};

use stockade_provider::types::{DnsRecord, Error};

use super::names::{is_within, shown};
use super::wire::Zone;
use crate::xml_text::element;

/// How the one value of an alias begins.
const ALIAS: &str = "ALIAS";

/// What Route 53 is to answer for a name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(super) name: String,
    pub(super) record_type: String,
    data: Data,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Data {
    Values { ttl_seconds: u32, values: Vec<String> },
    Alias { zone: String, name: String },
}

impl Entry {
    /// What the contract's record says.
    ///
    /// # Errors
    /// `invalid-argument` for data that does not fit.
    pub(super) fn new(entry: &DnsRecord, zone: &Zone, default_ttl_seconds: u32) -> Result<Self, Error> {
        let name = shown(&entry.name);
        if name.split('.').any(str::is_empty) || !is_within(&name, &zone.name) {
            let message = format!("`{}` is not within zone `{}`", entry.name, shown(&zone.name));
            return Err(Error::invalid_argument("name", message));
        }
        let record_type = checked_type(&entry.type_)?;
        Ok(Self {
            data: data(entry, &record_type, default_ttl_seconds)?,
            name,
            record_type,
        })
    }

    /// An alias of another AWS resource.
    pub(crate) fn alias(name: &str, zone: &str, target: &str) -> Self {
        Self {
            name: shown(name),
            record_type: "A".to_owned(),
            data: Data::Alias {
                zone: zone.to_owned(),
                name: target.to_owned(),
            },
        }
    }

    /// Its `ResourceRecordSet`.
    pub(super) fn xml(&self) -> String {
        let data = match &self.data {
            Data::Values { ttl_seconds, values } => {
                let value = |value: &String| format!("<ResourceRecord>{}</ResourceRecord>", element("Value", value));
                let values: String = values.iter().map(value).collect();
                format!("<TTL>{ttl_seconds}</TTL><ResourceRecords>{values}</ResourceRecords>")
            }
            Data::Alias { zone, name } => format!(
                "<AliasTarget>{}{}<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>",
                element("HostedZoneId", zone),
                element("DNSName", name)
            ),
        };
        format!(
            "<ResourceRecordSet>{}{}{data}</ResourceRecordSet>",
            element("Name", &self.name),
            element("Type", &self.record_type)
        )
    }
}

/// The contract's value for an alias.
pub(super) fn alias_value(zone: &str, name: &str) -> String {
    format!("{ALIAS} {zone} {}", shown(name))
}

/// A type as Route 53 writes it.
pub(super) fn checked_type(text: &str) -> Result<String, Error> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let message = format!("`{text}` is no type of DNS data: `A`, `TXT` …");
        return Err(Error::invalid_argument("type", message));
    }
    Ok(text.to_ascii_uppercase())
}

fn data(entry: &DnsRecord, record_type: &str, default_ttl_seconds: u32) -> Result<Data, Error> {
    let invalid = |message: String| Err(Error::invalid_argument("values", message));
    if let Some(alias) = entry.values.iter().find_map(|value| value.strip_prefix("ALIAS ")) {
        let Some((zone, name)) = alias.split_once(' ').filter(|_| entry.values.len() == 1) else {
            return invalid("an alias is the only value: `ALIAS ZONE NAME`".to_owned());
        };
        if entry.ttl_seconds.is_some() {
            return Err(Error::cannot_honour(
                "ttl-seconds",
                "an alias lives as long as its target's own data",
            ));
        }
        return Ok(Data::Alias {
            zone: zone.to_owned(),
            name: name.to_owned(),
        });
    }
    if entry.values.is_empty() {
        return invalid("there is no value; to delete a record, delete it".to_owned());
    }
    // Route 53 checks every type; these two are what callers get wrong, and compatible clouds do not check them.
    let is_misfit = |value: &&String| match record_type {
        "A" => value.parse::<Ipv4Addr>().is_err(),
        "AAAA" => value.parse::<Ipv6Addr>().is_err(),
        _ => value.trim().is_empty(),
    };
    if let Some(value) = entry.values.iter().find(is_misfit) {
        return invalid(format!("`{value}` is no data of type {record_type}"));
    }
    Ok(Data::Values {
        ttl_seconds: entry.ttl_seconds.unwrap_or(default_ttl_seconds),
        values: entry.values.clone(),
    })
}

#[cfg(test)]
mod tests {
    use stockade_provider::types::ErrorKind;

    use super::*;

    fn entry(name: &str, record_type: &str, ttl_seconds: Option<u32>, values: &[&str]) -> Result<Entry, Error> {
        let record = DnsRecord {
            name: name.to_owned(),
            type_: record_type.to_owned(),
            ttl_seconds,
            values: values.iter().map(|&value| value.to_owned()).collect(),
        };
        let zone = Zone {
            id: "Z1".to_owned(),
            name: "example.org.".to_owned(),
            private: false,
        };
        Entry::new(&record, &zone, 300)
    }

    #[test]
    fn values_and_aliases_are_written_as_route_53_takes_them() {
        let xml = entry("*.Example.org.", "txt", None, &["\"a & b\""])
            .expect("entry")
            .xml();
        assert_eq!(
            xml,
            "<ResourceRecordSet><Name>*.example.org</Name><Type>TXT</Type><TTL>300</TTL><ResourceRecords><ResourceRecord>\
             <Value>\"a &amp; b\"</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
        );
        let xml = entry("a.example.org", "A", None, &["ALIAS Z2 lb.example.net"])
            .expect("entry")
            .xml();
        assert_eq!(
            xml,
            "<ResourceRecordSet><Name>a.example.org</Name><Type>A</Type><AliasTarget><HostedZoneId>Z2</HostedZoneId>\
             <DNSName>lb.example.net</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_field() {
        for (field, outcome) in [
            ("name", entry("a.example.com", "A", None, &["192.0.2.1"])),
            ("name", entry(".example.org", "A", None, &["192.0.2.1"])),
            ("type", entry("a.example.org", "", None, &["192.0.2.1"])),
            ("type", entry("a.example.org", "A/B", None, &["192.0.2.1"])),
            ("values", entry("a.example.org", "A", None, &["2001:db8::1"])),
            ("values", entry("a.example.org", "AAAA", None, &["192.0.2.1"])),
            ("values", entry("a.example.org", "TXT", None, &[])),
            ("values", entry("a.example.org", "TXT", None, &[" "])),
            ("values", entry("a.example.org", "A", None, &["ALIAS Z2"])),
            (
                "values",
                entry("a.example.org", "A", None, &["ALIAS Z2 b", "192.0.2.1"]),
            ),
            ("ttl-seconds", entry("a.example.org", "A", Some(60), &["ALIAS Z2 b"])),
        ] {
            let error = outcome.expect_err(field);
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()));
        }
    }
}
