//! Zones and their recordsets. Designate writes names with their final dot, the contract without.

use serde::Deserialize;
use serde_json::{Value, json};

use stockade_provider::abilities::Dns;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{
    Change, DnsRecord, DnsRecordPage, DnsZone, DnsZonePage, Error, ErrorKind, PageRequest, Subject,
};

use crate::Openstack;
use crate::change::done;
use crate::cloud::{Cloud, PAGE, is_id};
use crate::find;
use crate::service::Service;

#[derive(Clone, Debug, Deserialize)]
struct WireZone {
    id: String,
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireRecord {
    pub(crate) id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    ttl: Option<u32>,
    #[serde(default)]
    records: Vec<String>,
}

/// A name without its final dot.
fn relative(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// A name with its final dot.
fn absolute(name: &str) -> String {
    format!("{}.", relative(name))
}

impl<H: Host> Cloud<'_, H> {
    fn zones(&self, query: &[(&str, &str)], doing: &str) -> Result<Vec<WireZone>, Error> {
        self.list(Service::Dns, &["zones"], "zones", query, doing)
    }

    fn zone(&self, zone: &str) -> Result<WireZone, Error> {
        let doing = format!("looking for zone `{zone}`");
        let wanted = match is_id(zone) {
            true => zone.to_owned(),
            false => relative(zone).to_owned(),
        };
        let all = self.zones(&[], &doing)?;
        find::one("zone", &wanted, all, |found| &found.id, |found| relative(&found.name)).map_err(|error| {
            match error.kind {
                ErrorKind::NotFound(_) => Error::not_found("zone", zone),
                _ => error,
            }
        })
    }

    fn records(&self, zone: &WireZone, query: &[(&str, &str)], doing: &str) -> Result<Vec<WireRecord>, Error> {
        let path = ["zones", &zone.id, "recordsets"];
        self.list(Service::Dns, &path, "recordsets", query, doing)
    }

    fn record(&self, zone: &WireZone, name: &str, kind: &str, doing: &str) -> Result<Option<WireRecord>, Error> {
        let name = absolute(name);
        let query = [("name", name.as_str()), ("type", kind)];
        let all = self.records(zone, &query, doing)?;
        let is_it = |record: &WireRecord| record.name.eq_ignore_ascii_case(&name) && record.kind == kind;
        Ok(all.into_iter().find(is_it))
    }

    /// Makes the data of a name and type this.
    pub(crate) fn set_record(&self, zone: &str, entry: &DnsRecord, replace: bool) -> Result<Change, Error> {
        let doing = format!("setting {} of `{}`", entry.type_, entry.name);
        if entry.values.is_empty() {
            return Err(Error::invalid_argument("values", "a record has at least one value"));
        }
        let zone = self.zone(zone)?;
        let name = absolute(&entry.name);
        let is_inside = name.eq_ignore_ascii_case(&absolute(&zone.name))
            || name
                .to_ascii_lowercase()
                .ends_with(&format!(".{}", absolute(&zone.name).to_ascii_lowercase()));
        if !is_inside {
            let message = format!("`{}` is not within zone `{}`", entry.name, relative(&zone.name));
            return Err(Error::invalid_argument("name", message));
        }
        let mut body = json!({"records": entry.values});
        // None is the zone's own, also for a record that had another one.
        body["ttl"] = entry.ttl_seconds.map_or(Value::Null, |ttl| json!(ttl));
        let answer: WireRecord = match self.record(&zone, &entry.name, &entry.type_, &doing)? {
            Some(_) if !replace => return Err(Error::already_exists("record", &entry.name)),
            Some(have) => self
                .call(Service::Dns, "PUT", ["zones", &zone.id, "recordsets", &have.id])
                .json(body)
                .read(&doing)
                .map_err(of_data)?,
            None => {
                body["name"] = json!(name);
                body["type"] = json!(entry.type_);
                self.call(Service::Dns, "POST", ["zones", &zone.id, "recordsets"])
                    .json(body)
                    .read(&doing)
                    .map_err(of_data)?
            }
        };
        Ok(done(answer.id))
    }

    /// Deletes all data of a name and type.
    pub(crate) fn delete_record(&self, zone: &str, name: &str, kind: &str) -> Result<Change, Error> {
        let doing = format!("deleting {kind} of `{name}`");
        let zone = self.zone(zone)?;
        let record = self.record(&zone, name, kind, &doing)?.ok_or_else(|| {
            let message = format!("zone `{}` has no {kind} of `{name}`", relative(&zone.name));
            Error::new(ErrorKind::NotFound(Subject::new("record", name)), message)
        })?;
        self.call(Service::Dns, "DELETE", ["zones", &zone.id, "recordsets", &record.id])
            .about("record", name)
            .send(&doing)?;
        Ok(done(record.id))
    }

    /// The zone that a name belongs to: the longest one.
    pub(crate) fn zone_of(&self, name: &str) -> Result<String, Error> {
        let name = absolute(name).to_ascii_lowercase();
        let is_around = |zone: &WireZone| {
            let zone = absolute(&zone.name).to_ascii_lowercase();
            name == zone || name.ends_with(&format!(".{zone}"))
        };
        let all = self.zones(&[], "looking for a zone")?;
        let zone = all.into_iter().filter(is_around).max_by_key(|zone| zone.name.len());
        zone.map(|zone| zone.id)
            .ok_or_else(|| Error::not_found("zone", relative(&name)))
    }
}

/// Designate answers 400 `invalid_object` for data that does not fit the type.
fn of_data(error: Error) -> Error {
    match &error.kind {
        ErrorKind::Upstream(fault) if fault.status == Some(400) => Error {
            kind: ErrorKind::InvalidArgument("values".to_owned()),
            ..error
        },
        _ => error,
    }
}

impl<H: Host> Dns<H> for Openstack {
    fn list_dns_zones(host: &H, page: PageRequest) -> Result<DnsZonePage, Error> {
        let cloud = Cloud::open(host, "list-dns-zones")?;
        let all = cloud.zones(&[], "listing zones")?;
        let (all, next) = page::cut(all, &page, PAGE, |zone| zone.id.clone())?;
        let item = |zone: WireZone| DnsZone {
            name: relative(&zone.name).to_owned(),
            id: zone.id,
            // Designate's zones are served to everybody that can reach its name servers.
            private: false,
        };
        Ok(DnsZonePage {
            items: all.into_iter().map(item).collect(),
            next,
        })
    }

    fn list_dns_records(host: &H, zone: String, page: PageRequest) -> Result<DnsRecordPage, Error> {
        let cloud = Cloud::open(host, "list-dns-records")?;
        let found = cloud.zone(&zone)?;
        let all = cloud.records(&found, &[], &format!("listing records of zone `{zone}`"))?;
        let (all, next) = page::cut(all, &page, PAGE, |record| record.id.clone())?;
        let item = |record: WireRecord| DnsRecord {
            name: relative(&record.name).to_owned(),
            type_: record.kind,
            ttl_seconds: record.ttl,
            values: record.records,
        };
        Ok(DnsRecordPage {
            items: all.into_iter().map(item).collect(),
            next,
        })
    }

    fn set_dns_record(host: &H, zone: String, entry: DnsRecord, replace: bool) -> Result<Change, Error> {
        Cloud::open(host, "set-dns-record")?.set_record(&zone, &entry, replace)
    }

    fn delete_dns_record(host: &H, zone: String, name: String, record_type: String) -> Result<Change, Error> {
        Cloud::open(host, "delete-dns-record")?.delete_record(&zone, &name, &record_type)
    }
}
