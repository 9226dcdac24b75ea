//! Pages of AWS's lists as pages of the contract.
//!
//! AWS has a smallest page (5 in EC2), may answer with more items than were asked for, and promises no order. So a page
//! of AWS is sorted, and handed out in parts where it is larger than wanted. The cursor names AWS's page (size and token)
//! and the last item that was answered: what is created or deleted meanwhile neither repeats an item nor skips one.

use stockade_provider::types::{Error, PageRequest};

/// The most items in a page, as the contract says for `page-request.limit`.
const MAX_LIMIT: u32 = 1000;

/// How AWS's pages of one list may be sized.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// The smallest page that AWS gives.
    pub(crate) smallest: u32,
    /// The largest.
    pub(crate) largest: u32,
}

/// Most lists of EC2: 5 to 1000, as each action's page says of `MaxResults`.
pub(crate) const USUAL: Sizes = Sizes {
    smallest: 5,
    largest: 1000,
};

/// A part of AWS's list: items, and the token of the next part.
pub(crate) type Part<T> = (Vec<T>, Option<String>);

/// Where a page begins.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cursor {
    size: u32,
    token: String,
    /// The key of the last item that was answered from this page of AWS; empty when none was.
    last: String,
}

impl Cursor {
    fn write(&self) -> String {
        format!("{}:{}:{}{}", self.size, self.token.len(), self.token, self.last)
    }

    fn read(text: &str, sizes: Sizes) -> Result<Self, Error> {
        let parts = || {
            let (size, rest) = text.split_once(':')?;
            let (length, rest) = rest.split_once(':')?;
            let (token, last) = rest.split_at_checked(length.parse().ok()?)?;
            Some(Self {
                size: size
                    .parse()
                    .ok()
                    .filter(|size| (sizes.smallest..=sizes.largest).contains(size))?,
                token: token.to_owned(),
                last: last.to_owned(),
            })
        };
        parts().ok_or_else(|| {
            Error::invalid_argument("cursor", "this cursor is not from this list; start again without one")
        })
    }
}

/// Answers a page of a list, sorted by `key` within AWS's pages. `fetch` gets a size and the token of AWS's page.
///
/// # Errors
/// `invalid-argument` for a foreign cursor and for a limit outside 1 to 1000; what `fetch` answered.
pub(crate) fn page<T>(
    request: &PageRequest,
    sizes: Sizes,
    key: impl Fn(&T) -> String,
    mut fetch: impl FnMut(u32, Option<&str>) -> Result<Part<T>, Error>,
) -> Result<Part<T>, Error> {
    // Clouds with the same API do not all have pages: of what came at once as much is answered at once.
    let limit = request.limit.unwrap_or(MAX_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid_argument(
            "limit",
            format!("a page has 1 to {MAX_LIMIT} items, not {limit}"),
        ));
    }
    let from = match &request.cursor {
        Some(cursor) => Cursor::read(cursor, sizes)?,
        None => Cursor {
            size: limit.clamp(sizes.smallest, sizes.largest),
            ..Cursor::default()
        },
    };
    let (mut items, next) = fetch(from.size, Some(from.token.as_str()).filter(|token| !token.is_empty()))?;
    items.sort_by_cached_key(&key);
    if !from.last.is_empty() {
        items.retain(|item| key(item) > from.last);
    }
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    if has_more {
        let last = items.last().map(&key).unwrap_or_default();
        return Ok((items, Some(Cursor { last, ..from }.write())));
    }
    let next = next.filter(|token| !token.is_empty()).map(|token| {
        let (size, last) = (from.size, String::new());
        Cursor { size, token, last }.write()
    });
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::ErrorKind;

    /// A vendor of 12 items in pages of the size asked for, in no order.
    fn vendor(size: u32, token: Option<&str>) -> Result<Part<String>, Error> {
        let all: Vec<String> = (0..12).map(|index| format!("vm {}", index * 7 % 12)).collect();
        let start: usize = token.map_or(0, |token| token.parse().expect("a token of mine"));
        let end = (start + size as usize).min(all.len());
        let next = (end < all.len()).then(|| end.to_string());
        Ok((all[start..end].to_vec(), next))
    }

    fn walk(limit: u32) -> Vec<String> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let request = PageRequest {
                cursor,
                limit: Some(limit),
            };
            let (items, next) = page(&request, USUAL, Clone::clone, vendor).expect("page");
            assert!(items.len() <= limit as usize);
            all.extend(items);
            cursor = next;
            if cursor.is_none() {
                return all;
            }
        }
    }

    #[test]
    fn every_item_comes_once_whatever_the_size() {
        let mut expected: Vec<String> = (0..12).map(|index| format!("vm {index}")).collect();
        expected.sort();
        for limit in [1, 2, 4, 5, 6, 12, 1000] {
            let mut all = walk(limit);
            all.sort();
            assert_eq!(all, expected, "pages of {limit}");
        }
        assert_eq!(walk(12), expected);
    }

    #[test]
    fn more_items_than_asked_for_are_handed_out_in_parts() {
        let request = |cursor, limit| PageRequest {
            cursor,
            limit: Some(limit),
        };
        let all = |_: u32, _: Option<&str>| Ok(((0..8).map(|n: u32| n.to_string()).collect(), None));
        let (items, next) = page(&request(None, 6), USUAL, Clone::clone, all).expect("first");
        assert_eq!(items.len(), 6);
        let (items, next) = page(&request(next, 6), USUAL, Clone::clone, all).expect("second");
        assert_eq!((items, next), (vec!["6".to_owned(), "7".to_owned()], None));
    }

    #[test]
    fn foreign_cursors_and_limits_are_refused() {
        for (cursor, limit, field) in [
            (Some("x"), 5, "cursor"),
            (Some("5:9:ä"), 5, "cursor"),
            (Some("1:0:"), 5, "cursor"),
            (None, 0, "limit"),
            (None, 1001, "limit"),
        ] {
            let request = PageRequest {
                cursor: cursor.map(str::to_owned),
                limit: Some(limit),
            };
            let error = page(&request, USUAL, Clone::clone, vendor).expect_err("refused");
            assert_eq!(
                error.kind,
                ErrorKind::InvalidArgument(field.to_owned()),
                "{cursor:?} {limit}"
            );
        }
    }
}
