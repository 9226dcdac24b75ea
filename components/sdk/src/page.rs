//! Cuts a page out of a list that is in memory, for vendors that answer whole lists.
//!
//! The cursor holds the key of the last item that was answered, not an offset: what is created or deleted between two
//! pages neither repeats an item nor skips one.

use crate::types::{Error, PageRequest};

/// How every cursor begins, so that a foreign one is recognised.
const CURSOR_PREFIX: &str = "after:";

/// The most items in a page, as the contract says for `page-request.limit`.
const MAX_LIMIT: u32 = 1000;

/// Sorts items by their key and answers those of the wanted page, with the cursor of the next.
///
/// Keys must be unique. `default_limit` holds when the caller names none.
///
/// # Errors
/// `invalid-argument` for a cursor that was not made here and for a limit outside 1 to 1000.
pub fn cut<T>(
    mut items: Vec<T>,
    request: &PageRequest,
    default_limit: u32,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Error> {
    let limit = request.limit.unwrap_or(default_limit);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid_argument(
            "limit",
            format!("a page has 1 to {MAX_LIMIT} items, not {limit}"),
        ));
    }
    if let Some(cursor) = &request.cursor {
        let last = cursor.strip_prefix(CURSOR_PREFIX).ok_or_else(|| {
            Error::invalid_argument("cursor", "this cursor is not from this list; start again without one")
        })?;
        items.retain(|item| key(item).as_str() > last);
    }
    items.sort_by_key(&key);
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items
        .last()
        .filter(|_| has_more)
        .map(|last| format!("{CURSOR_PREFIX}{}", key(last)));
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    fn names(count: usize) -> Vec<String> {
        (0..count).rev().map(|index| format!("vm {index}/ä%")).collect()
    }

    fn cut_names(items: Vec<String>, cursor: Option<&str>, limit: u32) -> Result<(Vec<String>, Option<String>), Error> {
        cut(
            items,
            &PageRequest {
                cursor: cursor.map(str::to_owned),
                limit: Some(limit),
            },
            100,
            Clone::clone,
        )
    }

    #[test]
    fn pages_of_every_size_make_the_whole_list_once() {
        for (count, limit) in [(0, 1), (1, 1), (5, 2), (4, 2), (5, 1000)] {
            let mut all = Vec::new();
            let mut cursor = None;
            loop {
                let (items, next) = cut_names(names(count), cursor.as_deref(), limit).expect("page");
                assert!(items.len() <= limit as usize);
                all.extend(items);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            let mut expected = names(count);
            expected.sort();
            assert_eq!(all, expected, "{count} items by {limit}");
        }
    }

    #[test]
    fn a_deletion_between_pages_skips_nothing() {
        let (_, next) = cut_names(names(4), None, 2).expect("first page");
        let (items, _) =
            cut_names(vec!["vm 2/ä%".to_owned(), "vm 3/ä%".to_owned()], next.as_deref(), 2).expect("second page");
        assert_eq!(items, ["vm 2/ä%", "vm 3/ä%"]);
    }

    #[test]
    fn foreign_cursors_and_limits_are_refused() {
        for (cursor, limit, field) in [
            (Some("2"), 1, "cursor"),
            (Some(""), 1, "cursor"),
            (None, 0, "limit"),
            (None, 1001, "limit"),
        ] {
            let error = cut_names(names(1), cursor, limit).expect_err("refused");
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()));
        }
    }
}
