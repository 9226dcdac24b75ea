//! DNS zones and their records. Nobody resolves them; they are checked and kept.

use std::net::{Ipv4Addr, Ipv6Addr};

use stockade_provider::abilities::Dns;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, DnsRecord, DnsRecordPage, DnsZone, DnsZonePage, Error, PageRequest};

use crate::Fake;
use crate::client::Client;
use crate::cloud::done;
use crate::service_records::StoredZone;

/// Time to live of records for which none is asked, in seconds.
const DEFAULT_TTL_SECONDS: u32 = 300;

/// The longest name in presentation form without the final dot (RFC 1035, section 2.3.4: 255 octets on the wire).
const MAX_NAME_CHARS: usize = 253;

impl<H: Host> Dns<H> for Fake {
    fn list_dns_zones(host: &H, page: PageRequest) -> Result<DnsZonePage, Error> {
        let client = Client::open(host, "list-dns-zones")?;
        let zones = client.all::<StoredZone>()?.into_iter().map(|zone| DnsZone {
            id: zone.id,
            name: zone.name,
            private: zone.private,
        });
        let (items, next) = page::cut(zones.collect(), &page, client.config.page_size, |zone: &DnsZone| {
            zone.name.clone()
        })?;
        Ok(DnsZonePage { items, next })
    }

    fn list_dns_records(host: &H, zone: String, page: PageRequest) -> Result<DnsRecordPage, Error> {
        let client = Client::open(host, "list-dns-records")?;
        let records = client.get::<StoredZone>(&zone)?.records;
        let (items, next) = page::cut(records, &page, client.config.page_size, |record| {
            format!("{} {}", record.name, record.type_)
        })?;
        Ok(DnsRecordPage { items, next })
    }

    fn set_dns_record(host: &H, zone: String, entry: DnsRecord, replace: bool) -> Result<Change, Error> {
        let client = Client::open(host, "set-dns-record")?;
        set(&client, &zone, &entry, replace).map(done)
    }

    fn delete_dns_record(host: &H, zone: String, name: String, record_type: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-dns-record")?;
        remove(&client, &zone, &name, &record_type).map(done)
    }
}

/// Sets a record; answers its id.
pub(crate) fn set<H: Host>(
    client: &Client<'_, H>,
    zone: &str,
    entry: &DnsRecord,
    replace: bool,
) -> Result<String, Error> {
    let record = DnsRecord {
        name: entry.name.to_ascii_lowercase(),
        type_: entry.type_.to_ascii_uppercase(),
        ttl_seconds: Some(entry.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS)),
        values: entry.values.clone(),
    };
    let id = format!("{} {}", record.name, record.type_);
    client.update::<StoredZone>(zone, |zone| {
        check_name(&record.name, &zone.name)?;
        check_values(&record)?;
        let is_same = |have: &DnsRecord| have.name == record.name && have.type_ == record.type_;
        if !replace && zone.records.iter().any(is_same) {
            return Err(Error::already_exists("dns-record", &id));
        }
        zone.records.retain(|have| !is_same(have));
        check_alone(&record, &zone.records)?;
        zone.records.push(record.clone());
        Ok(())
    })?;
    Ok(id)
}

/// Removes a record; answers its id.
pub(crate) fn remove<H: Host>(
    client: &Client<'_, H>,
    zone: &str,
    name: &str,
    record_type: &str,
) -> Result<String, Error> {
    let id = format!("{} {}", name.to_ascii_lowercase(), record_type.to_ascii_uppercase());
    client.update::<StoredZone>(zone, |zone| {
        let before = zone.records.len();
        zone.records
            .retain(|have| format!("{} {}", have.name, have.type_) != id);
        match zone.records.len() < before {
            true => Ok(()),
            false => Err(Error::not_found("dns-record", name)),
        }
    })?;
    Ok(id)
}

/// The zone that a name belongs to: the longest that ends it.
pub(crate) fn zone_of<H: Host>(client: &Client<'_, H>, name: &str) -> Result<StoredZone, Error> {
    let zones = client.all::<StoredZone>()?.into_iter();
    zones
        .filter(|zone| is_within(name, &zone.name))
        .max_by_key(|zone| zone.name.len())
        .ok_or_else(|| Error::not_found("dns-zone", name))
}

fn is_within(name: &str, zone: &str) -> bool {
    name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

fn check_name(name: &str, zone: &str) -> Result<(), Error> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'))
    };
    if name.len() > MAX_NAME_CHARS || !name.split('.').all(is_label) {
        return Err(Error::invalid_argument("name", format!("`{name}` is no DNS name")));
    }
    match is_within(name, zone) {
        true => Ok(()),
        false => Err(Error::invalid_argument(
            "name",
            format!("`{name}` is not in zone `{zone}`: give it fully qualified"),
        )),
    }
}

fn check_values(record: &DnsRecord) -> Result<(), Error> {
    let fits: fn(&str) -> bool = match record.type_.as_str() {
        "A" => |value| value.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => |value| value.parse::<Ipv6Addr>().is_ok(),
        "CNAME" | "NS" | "PTR" => is_host,
        // RFC 1035, section 3.3.9: a preference and a host.
        "MX" => |value| {
            value
                .split_once(' ')
                .is_some_and(|(preference, host)| preference.parse::<u16>().is_ok() && is_host(host))
        },
        "TXT" => |value| !value.is_empty() && !value.chars().any(char::is_control),
        other => {
            return Err(Error::invalid_argument(
                "type",
                format!("`{other}` is none of `A`, `AAAA`, `CNAME`, `MX`, `NS`, `PTR`, `TXT`"),
            ));
        }
    };
    if record.values.is_empty() || record.type_ == "CNAME" && record.values.len() > 1 {
        let message = "a record has at least one value, and a `CNAME` exactly one";
        return Err(Error::invalid_argument("values", message));
    }
    match record.values.iter().find(|value| !fits(value)) {
        None => Ok(()),
        Some(value) => Err(Error::invalid_argument(
            "values",
            format!("`{value}` is no data of type `{}`", record.type_),
        )),
    }
}

fn is_host(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    !text.is_empty() && text.len() <= MAX_NAME_CHARS && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// A `CNAME` stands alone under its name (RFC 1034, section 3.6.2).
fn check_alone(record: &DnsRecord, others: &[DnsRecord]) -> Result<(), Error> {
    let neighbour = others
        .iter()
        .find(|have| have.name == record.name && (record.type_ == "CNAME" || have.type_ == "CNAME"));
    match neighbour {
        None => Ok(()),
        Some(have) => Err(Error::conflict(format!(
            "`{}` has data of type `{}`, and a `CNAME` stands alone",
            record.name, have.type_
        ))),
    }
}
