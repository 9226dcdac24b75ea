//! Pages of zones and records, and the cursors between them.

use stockade_provider::types::{DnsRecord, Error, PageRequest};

use super::wire::{Place, Set};

/// How many items a page is to have; Route 53 gives at most `most`.
pub(super) fn limit(page: &PageRequest, most: u32) -> Result<u32, Error> {
    match page.limit {
        None => Ok(most),
        Some(limit @ 1..=1000) => Ok(limit.min(most)),
        Some(limit) => Err(Error::invalid_argument(
            "limit",
            format!("a page has 1 to 1000 items, not {limit}"),
        )),
    }
}

/// One entry for each name and type, which follow each other.
pub(super) fn merged(sets: Vec<Set>) -> Vec<DnsRecord> {
    let mut merged: Vec<DnsRecord> = Vec::new();
    for set in sets {
        match merged.last_mut() {
            Some(last) if last.name == set.record.name && last.type_ == set.record.type_ => {
                for value in set.record.values {
                    if !last.values.contains(&value) {
                        last.values.push(value);
                    }
                }
            }
            _ => merged.push(set.record),
        }
    }
    merged
}

/// Names have no spaces: those are escaped in them.
pub(super) fn write_cursor(place: &Place) -> String {
    let identifier = place.identifier.as_deref().map(|identifier| format!(" {identifier}"));
    format!("{} {}{}", place.name, place.record_type, identifier.unwrap_or_default())
}

pub(super) fn read_cursor(cursor: &str) -> Result<Place, Error> {
    let mut parts = cursor.splitn(3, ' ');
    match (parts.next(), parts.next()) {
        (Some(name), Some(record_type)) if !name.is_empty() && !record_type.is_empty() => Ok(Place {
            name: name.to_owned(),
            record_type: record_type.to_owned(),
            identifier: parts.next().map(str::to_owned),
        }),
        _ => Err(Error::invalid_argument(
            "cursor",
            "this cursor is not from this list; start again without one",
        )),
    }
}
