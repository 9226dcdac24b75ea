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

impl WireZone {
    /// A name as it is written in this zone, when it is within. Designate keeps the case of names and compares it, also
    /// in the zone's own part; for DNS it makes no difference (RFC 4343).
    fn within(&self, name: &str) -> Option<String> {
        let (name, zone) = (absolute(name).to_ascii_lowercase(), absolute(&self.name));
        let own = name.strip_suffix(&zone.to_ascii_lowercase())?;
        (own.is_empty() || own.ends_with('.')).then(|| format!("{own}{zone}"))
    }
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

    /// The data of a name as it is written in the zone.
    fn record(&self, zone: &WireZone, name: &str, kind: &str, doing: &str) -> Result<Option<WireRecord>, Error> {
        let query = [("name", name), ("type", kind)];
        let all = self.records(zone, &query, doing)?;
        let is_it = |record: &WireRecord| record.name.eq_ignore_ascii_case(name) && record.kind == kind;
        Ok(all.into_iter().find(is_it))
    }

    /// Makes the data of a name and type this.
    pub(crate) fn set_record(&self, zone: &str, entry: &DnsRecord, replace: bool) -> Result<Change, Error> {
        let doing = format!("setting {} of `{}`", entry.type_, entry.name);
        if entry.values.is_empty() {
            return Err(Error::invalid_argument("values", "a record has at least one value"));
        }
        let zone = self.zone(zone)?;
        let Some(name) = zone.within(&entry.name) else {
            let message = format!("`{}` is not within zone `{}`", entry.name, relative(&zone.name));
            return Err(Error::invalid_argument("name", message));
        };
        let mut body = json!({"records": entry.values});
        // None is the zone's own, also for a record that had another one.
        body["ttl"] = entry.ttl_seconds.map_or(Value::Null, |ttl| json!(ttl));
        let answer: WireRecord = match self.record(&zone, &name, &entry.type_, &doing)? {
            Some(_) if !replace => return Err(Error::already_exists("record", &entry.name)),
            Some(have) => self
                .call(Service::Dns, "PUT", ["zones", &zone.id, "recordsets", &have.id])
                .json(body)
                .read(&doing)
                .map_err(|error| of_refusal(error, "type"))?,
            None => {
                body["name"] = json!(name);
                body["type"] = json!(entry.type_);
                self.call(Service::Dns, "POST", ["zones", &zone.id, "recordsets"])
                    .json(body)
                    .read(&doing)
                    .map_err(|error| of_refusal(error, "type"))?
            }
        };
        Ok(done(answer.id))
    }

    /// Deletes all data of a name and type.
    pub(crate) fn delete_record(&self, zone: &str, name: &str, kind: &str) -> Result<Change, Error> {
        let doing = format!("deleting {kind} of `{name}`");
        let zone = self.zone(zone)?;
        let record = match zone.within(name) {
            Some(name) => self.record(&zone, &name, kind, &doing)?,
            None => None,
        };
        let record = record.ok_or_else(|| {
            let message = format!("zone `{}` has no {kind} of `{name}`", relative(&zone.name));
            Error::new(ErrorKind::NotFound(Subject::new("record", name)), message)
        })?;
        self.call(Service::Dns, "DELETE", ["zones", &zone.id, "recordsets", &record.id])
            .about("record", name)
            .send(&doing)
            .map_err(|error| of_refusal(error, "record-type"))?;
        Ok(done(record.id))
    }

    /// The zone that a name belongs to: the longest one.
    pub(crate) fn zone_of(&self, name: &str) -> Result<String, Error> {
        let all = self.zones(&[], "looking for a zone")?;
        let around = all.into_iter().filter(|zone| zone.within(name).is_some());
        around
            .max_by_key(|zone| zone.name.len())
            .map(|zone| zone.id)
            .ok_or_else(|| Error::not_found("zone", relative(name)))
    }
}

/// Which field a 400 is about. Designate has one code for data that does not fit its type, for names and for lives, and says
/// which in words; `type_field` is what the type is called here, and what is wrong when it keeps such records itself.
fn of_refusal(error: Error, type_field: &str) -> Error {
    let ErrorKind::Upstream(fault) = &error.kind else {
        return error;
    };
    if fault.status != Some(400) {
        return error;
    }
    let message = error.message.to_ascii_lowercase();
    let field = match fault.code.as_deref() {
        Some("invalid_recordset_location") => "name",
        // The SOA, and the NS of the zone itself.
        Some("bad_request") => type_field,
        _ if message.contains("host name") => "name",
        _ if message.contains(" ttl") => "ttl-seconds",
        _ => "values",
    };
    Error {
        kind: ErrorKind::InvalidArgument(field.to_owned()),
        ..error
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
