//! Finding zones: a page of them, the one of an id or name, the one that a name belongs to.

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::types::{DnsZone, Error, ErrorKind, PageRequest, Request};

use super::ENDPOINT;
use super::names::{is_same, is_within};
use super::pages::limit;
use super::service::{Names, VERSION};
use super::wire::{self, Zone};
use crate::error;
use crate::instances::one_of;
use crate::rest;

/// The most zones in an answer: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZones.html>.
const ZONES_IN_A_PAGE: u32 = 100;

impl<H: Host> Names<'_, H> {
    pub(super) fn zone_page(&self, page: &PageRequest) -> Result<(Vec<DnsZone>, Option<String>), Error> {
        let limit = limit(page, ZONES_IN_A_PAGE)?;
        let (zones, next) = self.zones(limit, page.cursor.as_deref()).map_err(|error| {
            // The marker is a zone's id: one that is gone, or was never one.
            match (&error.kind, &page.cursor) {
                (ErrorKind::NotFound(_) | ErrorKind::InvalidArgument(_), Some(_)) => Error {
                    kind: ErrorKind::InvalidArgument("cursor".to_owned()),
                    ..error
                },
                _ => error,
            }
        })?;
        Ok((zones.into_iter().map(Zone::into_dns_zone).collect(), next))
    }

    fn zones(&self, limit: u32, marker: Option<&str>) -> Result<(Vec<Zone>, Option<String>), Error> {
        let doing = "listing DNS zones";
        let mut request =
            Request::new(ENDPOINT, "GET", [VERSION, "hostedzone"]).with_query("maxitems", limit.to_string());
        if let Some(marker) = marker {
            request = request.with_query("marker", marker);
        }
        let response = self.send(&request, doing, None)?;
        rest::document(&response, "ListHostedZonesResponse", doing, |root| {
            let next = root
                .string("NextMarker")
                .filter(|_| root.boolean("IsTruncated") == Some(true));
            Ok((wire::zones(root), next))
        })
    }

    /// The zone of this id or name.
    ///
    /// # Errors
    /// `ambiguous` when several carry the name: a public and a private one often do.
    pub(super) fn zone(&self, zone: &str) -> Result<Zone, Error> {
        let id = zone.strip_prefix("/hostedzone/").unwrap_or(zone);
        // Ids of zones have no dots (<https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html>); a name
        // of one label may look like one.
        if !id.is_empty() && id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let doing = format!("looking for DNS zone `{zone}`");
            let request = Request::new(ENDPOINT, "GET", [VERSION, "hostedzone", id]);
            let response = self.client.rest(&request, &doing)?;
            if error::code(&response).as_deref() != Some("NoSuchHostedZone") {
                let response = self.client.expect_success(response, &doing, None)?;
                return rest::document(&response, "GetHostedZoneResponse", &doing, |root| {
                    let found = root.child("HostedZone").and_then(Zone::read);
                    found.ok_or_else(|| Error::not_found("dns-zone", zone))
                });
            }
        }
        let found = self.zones_named(zone)?;
        one_of("dns-zone", zone, found, |found| &found.id)?.ok_or_else(|| Error::not_found("dns-zone", zone))
    }

    fn zones_named(&self, name: &str) -> Result<Vec<Zone>, Error> {
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Ok(Vec::new());
        }
        let doing = format!("looking for DNS zone `{name}`");
        let request = Request::new(ENDPOINT, "GET", [VERSION, "hostedzonesbyname"])
            .with_query("dnsname", name)
            .with_query("maxitems", ZONES_IN_A_PAGE.to_string());
        let response = self.client.rest(&request, &doing)?;
        if error::code(&response).as_deref() == Some("InvalidDomainName") {
            return Ok(Vec::new());
        }
        let response = self.client.expect_success(response, &doing, None)?;
        // The list begins at this name; a hundred zones of one name are more than a message can tell apart.
        let zones = rest::document(&response, "ListHostedZonesByNameResponse", &doing, |root| {
            Ok(wire::zones(root))
        })?;
        Ok(zones.into_iter().filter(|zone| is_same(&zone.name, name)).collect())
    }

    /// The public zone that a name belongs to: the one of the longest name that it is within.
    pub(super) fn zone_of(&self, name: &str) -> Result<Zone, Error> {
        let zones = paginate::collect("listing DNS zones", |marker| self.zones(ZONES_IN_A_PAGE, marker))?;
        let within = zones
            .into_iter()
            .filter(|zone| !zone.private && is_within(name, &zone.name));
        let mut within: Vec<Zone> = within.collect();
        let longest = within.iter().map(|zone| zone.name.len()).max().unwrap_or(0);
        within.retain(|zone| zone.name.len() == longest);
        one_of("dns-zone", name, within, |zone| &zone.id)?.ok_or_else(|| {
            Error::invalid_argument(
                "dns-name",
                format!("no public zone of this account has the name `{name}`"),
            )
        })
    }
}
