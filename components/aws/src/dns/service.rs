//! The conversation with Route 53.

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::types::{Change, DnsRecord, Error, ErrorKind, PageRequest, Request, Response, Subject};

use super::ENDPOINT;
use super::names::{is_same, is_within, shown};
use super::pages::{limit, merged, read_cursor, write_cursor};
use super::record::{Entry, checked_type};
use super::wire::{self, Action, Place, Set, SetPage, Zone};
use crate::client::Client;
use crate::operations::{self, Kind};
use crate::rest;

/// The API's version, which every path begins with.
pub(super) const VERSION: &str = "2013-04-01";
/// The most data sets in an answer:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>.
const SETS_IN_A_PAGE: u32 = 300;

/// The status of a change that is at all name servers:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeInfo.html>.
const IN_SYNC: &str = "INSYNC";

/// Route 53 behind a connection, for one function of the contract.
pub(super) struct Names<'a, H> {
    pub(super) client: Client<'a, H>,
}

impl<'a, H: Host> Names<'a, H> {
    pub(super) fn new(host: &'a H, function: &'static str) -> Self {
        Self {
            client: Client::new(host, function),
        }
    }

    pub(super) fn send(&self, request: &Request, doing: &str, subject: Option<Subject>) -> Result<Response, Error> {
        let response = self.client.rest(request, doing)?;
        self.client.expect_success(response, doing, subject)
    }

    /// Data sets from a place on.
    fn sets(&self, zone: &Zone, from: Option<&Place>, limit: u32, doing: &str) -> Result<SetPage, Error> {
        let mut request = Request::new(ENDPOINT, "GET", [VERSION, "hostedzone", &zone.id, "rrset"])
            .with_query("maxitems", limit.to_string());
        if let Some(place) = from {
            request = request
                .with_query("name", &*place.name)
                .with_query("type", &*place.record_type);
            if let Some(identifier) = &place.identifier {
                request = request.with_query("identifier", &**identifier);
            }
        }
        let response = self.send(&request, doing, Some(Subject::new("dns-zone", &shown(&zone.name))))?;
        rest::document(&response, "ListResourceRecordSetsResponse", doing, |root| {
            Ok(wire::sets(root))
        })
    }

    pub(super) fn record_page(
        &self,
        zone: &Zone,
        page: &PageRequest,
    ) -> Result<(Vec<DnsRecord>, Option<String>), Error> {
        let limit = limit(page, SETS_IN_A_PAGE)?;
        let doing = format!("listing the records of DNS zone `{}`", shown(&zone.name));
        let from = page.cursor.as_deref().map(read_cursor).transpose()?;
        let mut found = self.sets(zone, from.as_ref(), limit, &doing)?;
        // What belongs to one name and type is one entry, wherever Route 53 cuts.
        while let (Some(last), Some(next)) = (found.sets.last(), &found.next) {
            if !(is_same(&next.name, &last.record.name) && next.record_type == last.record.type_) {
                break;
            }
            let more = self.sets(zone, Some(next), SETS_IN_A_PAGE, &doing)?;
            let (name, record_type) = (last.record.name.clone(), last.record.type_.clone());
            let is_same_set = |set: &Set| set.record.name == name && set.record.type_ == record_type;
            let end = more.sets.iter().take_while(|set| is_same_set(set)).count();
            found.next = match more.sets.get(end) {
                Some(set) => Some(Place {
                    name: set.record.name.clone(),
                    record_type: set.record.type_.clone(),
                    identifier: None,
                }),
                None => more.next,
            };
            found.sets.extend(more.sets.into_iter().take(end));
            if end == 0 {
                break;
            }
        }
        Ok((merged(found.sets), found.next.map(|place| write_cursor(&place))))
    }

    /// The data sets of one name and type.
    pub(super) fn sets_of(&self, zone: &Zone, name: &str, record_type: &str) -> Result<Vec<Set>, Error> {
        let doing = format!("reading the record `{name}` of DNS zone `{}`", shown(&zone.name));
        let mut from = Place {
            name: name.to_owned(),
            record_type: record_type.to_owned(),
            identifier: None,
        };
        let mut all = Vec::new();
        for _ in 0..paginate::MAX_PAGES {
            let page = self.sets(zone, Some(&from), SETS_IN_A_PAGE, &doing)?;
            let count = page.sets.len();
            let is_wanted = |set: &Set| is_same(&set.record.name, name) && set.record.type_ == record_type;
            all.extend(page.sets.into_iter().take_while(is_wanted));
            match page.next {
                Some(next) if all.len() >= count && is_same(&next.name, name) && next.record_type == record_type => {
                    from = next;
                }
                _ => break,
            }
        }
        Ok(all)
    }

    /// Makes the data of a name and type this.
    pub(super) fn set(&self, zone: &Zone, entry: &Entry, replace: bool) -> Result<Change, Error> {
        let existing = self.sets_of(zone, &entry.name, &entry.record_type)?;
        if !existing.is_empty() && !replace {
            return Err(Error::already_exists("dns-record", &entry.name));
        }
        let new = entry.xml();
        let changes: Vec<(Action, &str)> = if existing.iter().any(|set| set.is_routed) {
            let old = existing.iter().map(|set| (Action::Delete, set.xml.as_str()));
            old.chain([(Action::Create, new.as_str())]).collect()
        } else if replace {
            vec![(Action::Upsert, new.as_str())]
        } else {
            vec![(Action::Create, new.as_str())]
        };
        let doing = format!(
            "setting the record `{}` of DNS zone `{}`",
            entry.name,
            shown(&zone.name)
        );
        self.change(zone, &changes, &entry.name, &doing)
    }

    /// Deletes all data of a name and type.
    pub(super) fn delete(&self, zone: &Zone, name: &str, record_type: &str) -> Result<Change, Error> {
        let record_type = checked_type(record_type)?;
        let name = shown(name);
        let existing = match is_within(&name, &zone.name) {
            true => self.sets_of(zone, &name, &record_type)?,
            false => Vec::new(),
        };
        if existing.is_empty() {
            return Err(Error::not_found("dns-record", &name));
        }
        let changes: Vec<_> = existing.iter().map(|set| (Action::Delete, set.xml.as_str())).collect();
        let doing = format!("deleting the record `{name}` of DNS zone `{}`", shown(&zone.name));
        self.change(zone, &changes, &name, &doing)
            .map_err(|error| match error.kind {
                // The data is right, but a zone must keep it (its own NS and SOA), or somebody changed it meanwhile.
                ErrorKind::InvalidArgument(_) => Error {
                    kind: ErrorKind::Conflict,
                    ..error
                },
                _ => error,
            })
    }

    fn change(&self, zone: &Zone, changes: &[(Action, &str)], name: &str, doing: &str) -> Result<Change, Error> {
        let mut request = Request::new(ENDPOINT, "POST", [VERSION, "hostedzone", &zone.id, "rrset"])
            .with_header("content-type", "application/xml");
        request.body = wire::batch(changes).into_bytes();
        let subject = Some(Subject::new("dns-record", name));
        let response = self.send(&request, doing, subject)?;
        let change = rest::document(&response, "ChangeResourceRecordSetsResponse", doing, |root| {
            Ok(wire::change(root))
        })?;
        Ok(match change {
            Some((id, false)) => Change {
                id: name.to_owned(),
                ..operations::pending(self.client.host(), Kind::DnsChange, &id, IN_SYNC)
            },
            _ => operations::done(name),
        })
    }
}

/// Route 53's word for how far a change of records is: [`IN_SYNC`] when it is everywhere.
pub(crate) fn status_of<H: Host>(client: &Client<'_, H>, change: &str) -> Result<&'static str, Error> {
    let doing = "asking how far a change of DNS records is";
    let request = Request::new(ENDPOINT, "GET", [VERSION, "change", change]);
    let response = client.rest(&request, doing)?;
    let response = client.expect_success(response, doing, Some(Subject::new("operation", change)))?;
    rest::document(&response, "GetChangeResponse", doing, |root| Ok(wire::change(root))).map(|change| {
        match change.is_some_and(|(_, is_in_sync)| is_in_sync) {
            true => IN_SYNC,
            false => "PENDING",
        }
    })
}
