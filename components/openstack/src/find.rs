//! From a name or an id to one thing.

use stockade_provider::types::Error;

/// The only one of several things that a name or id means.
///
/// The services let several things have one name: that is `ambiguous`. An id wins over a name.
///
/// # Errors
/// `not-found` or `ambiguous`.
pub(crate) fn one<T>(
    noun: &str,
    wanted: &str,
    things: impl IntoIterator<Item = T>,
    id: impl Fn(&T) -> &str,
    name: impl Fn(&T) -> &str,
) -> Result<T, Error> {
    let mut named = Vec::new();
    if !wanted.is_empty() {
        for thing in things {
            if id(&thing) == wanted {
                return Ok(thing);
            }
            if name(&thing) == wanted {
                named.push(thing);
            }
        }
    }
    match named.len() {
        0 => Err(Error::not_found(noun, wanted)),
        1 => named.pop().ok_or_else(|| Error::not_found(noun, wanted)),
        _ => {
            let mut ids: Vec<_> = named.iter().map(|thing| id(thing).to_owned()).collect();
            ids.sort();
            Err(Error::ambiguous(noun, wanted, ids))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::{ErrorKind, Subject};

    #[test]
    fn ids_win_over_names_and_two_of_a_name_are_ambiguous() {
        let things = [("1", "a"), ("2", "b"), ("3", "b"), ("4", "1")];
        let find = |wanted| one("vm", wanted, things, |thing| thing.0, |thing| thing.1).map(|thing| thing.0);
        assert_eq!(find("1"), Ok("1"));
        assert_eq!(find("a"), Ok("1"));
        let missing = |name| ErrorKind::NotFound(Subject::new("vm", name));
        assert_eq!(find("c").expect_err("missing").kind, missing("c"));
        assert_eq!(find("").expect_err("empty").kind, missing(""));
        let ErrorKind::Ambiguous(ambiguity) = find("b").expect_err("two").kind else {
            panic!("not ambiguous")
        };
        assert_eq!(ambiguity.candidates, ["2", "3"]);
    }
}
