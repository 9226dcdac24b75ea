//! Reads all pages of a vendor's list: it can neither stop early nor loop.
//!
//! The only end is a page without a cursor; an empty page with a cursor is followed like any other. A cursor that was
//! seen before, or more pages than anybody has, is an error, because a list that is cut silently looks like a whole one.

use std::collections::BTreeSet;

use crate::types::Error;

/// The most pages of one list. At the vendors' usual 100 to 1000 items in a page it bounds a list at a million items;
/// a server that invents a new cursor for ever is stopped there.
pub const MAX_PAGES: usize = 1000;

/// Collects the items of all pages.
///
/// `fetch` gets none for the first page and then the cursor of the page before, and answers the items with the next
/// cursor. An empty cursor means the end, as it does for every vendor that sends one. `doing` completes "while …".
///
/// # Errors
/// What `fetch` answered; `upstream` when a cursor comes again or there are more than [`MAX_PAGES`] pages.
pub fn collect<T>(
    doing: &str,
    mut fetch: impl FnMut(Option<&str>) -> Result<(Vec<T>, Option<String>), Error>,
) -> Result<Vec<T>, Error> {
    let mut seen = BTreeSet::new();
    let mut cursor: Option<String> = None;
    let mut items = Vec::new();
    for _ in 0..MAX_PAGES {
        let (page, next) = fetch(cursor.as_deref())?;
        items.extend(page);
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(items);
        };
        if !seen.insert(next.clone()) {
            return Err(Error::upstream(
                None,
                None,
                format!("while {doing}: the vendor's list of pages is a loop"),
            ));
        }
        cursor = Some(next);
    }
    Err(Error::upstream(
        None,
        None,
        format!("while {doing}: the vendor's list has more than {MAX_PAGES} pages"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(pages: &[(&str, &[u8], &str)]) -> Result<Vec<u8>, Error> {
        collect("listing vms", |cursor| {
            let (_, items, next) = pages
                .iter()
                .find(|page| page.0 == cursor.unwrap_or("first"))
                .expect("known cursor");
            Ok((items.to_vec(), (*next != "end").then(|| (*next).to_owned())))
        })
    }

    #[test]
    fn every_page_is_read_even_behind_an_empty_one() {
        assert!(walk(&[("first", &[], "end")]).expect("empty list").is_empty());
        assert_eq!(walk(&[("first", &[1], "end")]).expect("one page"), [1]);
        assert_eq!(
            walk(&[("first", &[1], "b&c=/%"), ("b&c=/%", &[], "d"), ("d", &[2], "end")]).expect("three pages"),
            [1, 2]
        );
        assert_eq!(walk(&[("first", &[1], "")]).expect("an empty cursor ends it"), [1]);
    }

    #[test]
    fn a_repeated_cursor_is_an_error_not_a_loop() {
        let error = walk(&[("first", &[1], "b"), ("b", &[2], "c"), ("c", &[3], "b")]).expect_err("loop");
        assert!(error.message.contains("loop"), "{}", error.message);
    }

    #[test]
    fn endless_new_cursors_are_an_error() {
        let mut calls = 0_usize;
        let error = collect::<u8>("listing vms", |_| {
            calls += 1;
            Ok((vec![], Some(calls.to_string())))
        })
        .expect_err("endless");
        assert_eq!(calls, MAX_PAGES);
        assert!(error.message.contains("1000 pages"), "{}", error.message);
    }

    #[test]
    fn a_failing_page_fails_the_list() {
        let error = collect::<u8>("listing vms", |cursor| match cursor {
            None => Ok((vec![1], Some("b".to_owned()))),
            Some(_) => Err(Error::conflict("busy")),
        })
        .expect_err("second page");
        assert_eq!(error.message, "busy");
    }
}
