//! Cuts sorted lists into pages. The cursor is the name of the last item, so that a page stays right when things come and
//! go between two calls.

use std::ops::Range;

use crate::contract::{Error, PageRequest};

/// The most items in one page, and the number when the caller does not say (`page-request.limit` in the contract).
const LIMIT_MAX: u32 = 1000;

/// The wanted part of `items`, sorted by `name`, and the cursor of the next part.
///
/// # Errors
/// `invalid-argument` for a limit that is not one.
pub(super) fn cut<T>(
    mut items: Vec<T>,
    page: &PageRequest,
    name: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Error> {
    items.sort_by(|a, b| name(a).cmp(name(b)));
    let (range, more) = wanted(&items, page, &name)?;
    items.truncate(range.end);
    items.drain(..range.start);
    let next = items.last().filter(|_| more).map(|item| name(item).to_owned());
    Ok((items, next))
}

/// A copy of the wanted part of what is sorted already.
///
/// # Errors
/// `invalid-argument` for a limit that is not one.
pub(super) fn copy<T: Clone>(
    items: &[T],
    page: &PageRequest,
    name: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Error> {
    let (range, more) = wanted(items, page, &name)?;
    let items = items.get(range).unwrap_or_default();
    let next = items.last().filter(|_| more).map(|item| name(item).to_owned());
    Ok((items.to_vec(), next))
}

/// Where the wanted part lies in sorted items, and whether something comes after it.
fn wanted<T>(items: &[T], page: &PageRequest, name: impl Fn(&T) -> &str) -> Result<(Range<usize>, bool), Error> {
    let limit = page.limit.unwrap_or(LIMIT_MAX);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Error::invalid_argument(
            "limit",
            format!("limit {limit} is not between 1 and {LIMIT_MAX}"),
        ));
    }
    let cursor = page.cursor.as_deref();
    let start = cursor.map_or(0, |cursor| items.partition_point(|item| name(item) <= cursor));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = start.saturating_add(limit).min(items.len());
    Ok((start..end, end < items.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_on_exactly_one_page_and_the_last_page_says_so() {
        let items = ["d", "a", "e", "b%/ ", "c"];
        let mut seen = Vec::new();
        let mut page = PageRequest {
            cursor: None,
            limit: Some(2),
        };
        loop {
            let (part, next) = cut(items.to_vec(), &page, |item| item).unwrap();
            let mut sorted = items;
            sorted.sort_unstable();
            assert_eq!(copy(&sorted, &page, |item| item).unwrap(), (part.clone(), next.clone()));
            assert!(!part.is_empty() && part.len() <= 2);
            seen.extend(part);
            match next {
                Some(next) => page.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "b%/ ", "c", "d", "e"]);
    }

    #[test]
    fn a_page_that_fits_exactly_has_no_next_and_an_empty_list_has_one_empty_page() {
        let page = PageRequest {
            cursor: None,
            limit: Some(2),
        };
        assert_eq!(cut(vec!["a", "b"], &page, |item| item).unwrap(), (vec!["a", "b"], None));
        assert_eq!(cut(Vec::<&str>::new(), &page, |item| item).unwrap(), (vec![], None));
        assert!(
            cut(
                vec!["a"],
                &PageRequest {
                    cursor: None,
                    limit: Some(0)
                },
                |item| item
            )
            .is_err()
        );
    }
}
