//! Names: zones and records of Route 53, by its REST API.
//!
//! Route 53 is one service for all regions of a partition, and signatures for it are made for a region of its own. So it
//! has a credential of its own, which may be the same key.
//!
//! A record that AWS calls an alias has no data: it answers with the addresses of another AWS resource. Here its one value is
//! `ALIAS ZONE NAME`: the hosted zone of the other resource and its name, as in
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html>. The health of the target is not
//! evaluated for aliases that are made here.

mod alias;
mod names;
mod pages;
mod record;
mod service;
mod wire;
mod zones;

use stockade_provider::abilities::Dns;
use stockade_provider::host::Host;
use stockade_provider::types::{
    Change, CredentialKind, CredentialRequest, DnsRecord, DnsRecordPage, DnsZonePage, Endpoint, Error, PageRequest,
    Sigv4,
};

use self::record::Entry;
use self::service::Names;
use crate::Aws;

pub(crate) use self::alias::{delete_alias, expect_no_addresses, set_alias};
pub(crate) use self::service::status_of;

/// The endpoint of Route 53, and its signing name.
pub(crate) const ENDPOINT: &str = "route53";
/// The credential of that endpoint.
const CREDENTIAL: &str = "dns-key";
/// Route 53 has no default; five minutes are its console's.
const DEFAULT_TTL_SECONDS: u32 = 300;

/// Every request to Route 53 that the provider makes.
pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        ENDPOINT,
        "{scheme}://{route53_host}:{port}",
        "Route 53, which has DNS zones",
    )
    .with_credential(CREDENTIAL)
    .with_rule("GET", "/2013-04-01/hostedzone", "list DNS zones")
    .with_rule("GET", "/2013-04-01/hostedzonesbyname", "find a DNS zone by its name")
    .with_rule("GET", "/2013-04-01/hostedzone/*", "find a DNS zone by its id")
    .with_rule(
        "GET",
        "/2013-04-01/hostedzone/*/rrset",
        "list the records of a DNS zone",
    )
    .with_rule(
        "POST",
        "/2013-04-01/hostedzone/*/rrset",
        "set and delete records of a DNS zone",
    )
    .with_rule(
        "GET",
        "/2013-04-01/change/*",
        "wait until a change of records is everywhere",
    )
}

/// The credential of Route 53: signed for the partition's own region of global services.
pub(crate) fn credential() -> CredentialRequest {
    CredentialRequest::optional(
        CREDENTIAL,
        vec![CredentialKind::Sigv4(Sigv4 {
            service: ENDPOINT.to_owned(),
            region: "{dns_region}".to_owned(),
        })],
        "an access key for Route 53, which may be the same as `key`; needed for DNS only",
    )
}

impl<H: Host> Dns<H> for Aws {
    fn list_dns_zones(host: &H, page: PageRequest) -> Result<DnsZonePage, Error> {
        let (items, next) = Names::new(host, "list-dns-zones").zone_page(&page)?;
        Ok(DnsZonePage { items, next })
    }

    fn list_dns_records(host: &H, zone: String, page: PageRequest) -> Result<DnsRecordPage, Error> {
        let names = Names::new(host, "list-dns-records");
        let zone = names.zone(&zone)?;
        let (items, next) = names.record_page(&zone, &page)?;
        Ok(DnsRecordPage { items, next })
    }

    fn set_dns_record(host: &H, zone: String, entry: DnsRecord, replace: bool) -> Result<Change, Error> {
        let names = Names::new(host, "set-dns-record");
        let zone = names.zone(&zone)?;
        let entry = Entry::new(&entry, &zone, DEFAULT_TTL_SECONDS)?;
        names.set(&zone, &entry, replace)
    }

    fn delete_dns_record(host: &H, zone: String, name: String, record_type: String) -> Result<Change, Error> {
        let names = Names::new(host, "delete-dns-record");
        let zone = names.zone(&zone)?;
        names.delete(&zone, &name, &record_type)
    }
}
