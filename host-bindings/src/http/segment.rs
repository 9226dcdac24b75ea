//! Path segments: which are refused, how they are read by servers, and how they are written.
//!
//! Providers pass a path as unencoded segments and the host encodes them, so a segment cannot end its path or begin a
//! query. What is left is a server that decodes more than it should: many decode `%2F` before routing (PEP 3333's
//! `PATH_INFO`), some decode twice, some cut `;parameters` off. [`check`] therefore looks at a segment as the most
//! eager server would, and refuses it when any reading holds a dot segment.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Encoded in a path: everything but RFC 3986's `pchar`, and `;` too, which some servers take for a delimiter.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Encoded in a query: everything but RFC 3986's `unreserved`.
pub(super) const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a segment is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SegmentProblem {
    /// `.` or `..`, plain, encoded, with parameters, or between encoded slashes.
    #[error("it is or contains a dot segment")]
    Dots,
    /// A control character, plain or encoded.
    #[error("it contains a control character")]
    Control,
    /// Empty, but not the last.
    #[error("it is empty and not the last")]
    Empty,
}

/// Checks a whole path. Only the last segment may be empty: it stands for a final slash.
///
/// # Errors
/// The first offending segment's index and problem.
pub(super) fn check(path: &[String]) -> Result<(), (usize, SegmentProblem)> {
    for (index, segment) in path.iter().enumerate() {
        let last = index + 1 == path.len();
        problem(segment, last).map_or(Ok(()), |problem| Err((index, problem)))?;
    }
    Ok(())
}

fn problem(segment: &str, last: bool) -> Option<SegmentProblem> {
    if segment.is_empty() {
        return (!last).then_some(SegmentProblem::Empty);
    }
    let mut reading = Cow::Borrowed(segment);
    loop {
        if reading.chars().any(char::is_control) {
            return Some(SegmentProblem::Control);
        }
        let is_dots = |part: &str| matches!(part.split(';').next(), Some("." | ".."));
        if reading.split(['/', '\\']).any(is_dots) {
            return Some(SegmentProblem::Dots);
        }
        match decoded(&reading) {
            Some(next) => reading = Cow::Owned(next),
            None => return None,
        }
    }
}

/// Whether some server could read a segment as several: it holds a slash or a backslash, plain or encoded.
#[must_use]
pub(super) fn may_be_read_as_several(segment: &str) -> bool {
    let mut reading = Cow::Borrowed(segment);
    loop {
        if reading.contains(['/', '\\']) {
            return true;
        }
        match decoded(&reading) {
            Some(next) => reading = Cow::Owned(next),
            None => return false,
        }
    }
}

/// One round of percent-decoding; none when it changes nothing. Each round shortens the text, so rounds end.
fn decoded(text: &str) -> Option<String> {
    match percent_decode_str(text).decode_utf8_lossy() {
        next if next.len() < text.len() => Some(next.into_owned()),
        // Three bytes of one bad escape become three bytes of U+FFFD: nothing that a server could read as a path.
        _ => None,
    }
}

/// Writes a path, beginning with a slash.
#[must_use]
pub(super) fn encode_path(path: &[String]) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    path.iter().fold(String::new(), |mut text, segment| {
        text.push('/');
        text.extend(utf8_percent_encode(segment, IN_PATH));
        text
    })
}

/// Writes a query without its question mark.
#[must_use]
pub(super) fn encode_query(query: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, IN_QUERY));
        text.push('=');
        text.extend(utf8_percent_encode(value, IN_QUERY));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> Vec<String> {
        segments.iter().map(|&segment| segment.to_owned()).collect()
    }

    #[test]
    fn dot_segments_are_refused_in_every_reading() {
        for segment in [
            ".",
            "..",
            "%2e",
            "%2E%2e",
            ".%2e",
            "%252e%252e",
            "a/../b",
            "a%2f..%2fb",
            "a\\..\\b",
            "a%5c%2e%2e",
            "..;x=1",
            "a/..;x/b",
            "%25252e.",
            "%2e%2e%2f",
        ] {
            assert_eq!(
                check(&path(&["v1", segment])),
                Err((1, SegmentProblem::Dots)),
                "{segment}"
            );
        }
        for segment in [
            "...", "a.b", "..a", ".git", "100%", "%zz", "50%2f3", "a;b", "snap:1", "\u{e9}",
        ] {
            assert_eq!(check(&path(&["v1", segment])), Ok(()), "{segment}");
        }
    }

    #[test]
    fn control_characters_and_empty_middles_are_refused() {
        for segment in ["a\nb", "a\0", "%00", "%250d%250a", "\u{7f}", "\u{85}"] {
            assert_eq!(
                check(&path(&[segment])),
                Err((0, SegmentProblem::Control)),
                "{segment:?}"
            );
        }
        assert_eq!(check(&path(&["", "x"])), Err((0, SegmentProblem::Empty)));
        assert_eq!(check(&path(&["v1", "", "x"])), Err((1, SegmentProblem::Empty)));
        assert_eq!(check(&path(&["v1", ""])), Ok(()));
        assert_eq!(check(&[]), Ok(()));
    }

    #[test]
    fn a_segment_cannot_leave_its_place_when_written() {
        for (segments, expected) in [
            (&[][..], "/"),
            (&["v1", "vms", ""], "/v1/vms/"),
            (&["a/b", "c?d#e", "100%"], "/a%2Fb/c%3Fd%23e/100%25"),
            (&["x;y", "z:start", "\u{e9} +"], "/x%3By/z:start/%C3%A9%20+"),
        ] {
            assert_eq!(encode_path(&path(segments)), expected);
        }
        let query = [
            ("a&b".to_owned(), "1=2 #+".to_owned()),
            ("flag".to_owned(), String::new()),
        ];
        assert_eq!(encode_query(&query), "a%26b=1%3D2%20%23%2B&flag=");
    }

    #[test]
    fn encoded_slashes_count_as_several_segments() {
        for segment in ["a/b", "a\\b", "a%2Fb", "a%252fb", "a%5Cb"] {
            assert!(may_be_read_as_several(segment), "{segment}");
        }
        for segment in ["a", "a%b", "a%25b", "a:b"] {
            assert!(!may_be_read_as_several(segment), "{segment}");
        }
    }
}
