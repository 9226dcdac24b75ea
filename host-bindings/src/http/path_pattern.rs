//! Path patterns: literal segments, `*` for one segment, a final `**` for any rest.
//!
//! Paths are compared segment by segment, decoded, so no encoding of a name matches differently. Rules are made of them.
//! A request is compared with every rule of its endpoint, so its segments and the literal ones of patterns carry a digest:
//! the texts are looked at where all digests are alike, which is hardly ever for nothing.
//!
//! | pattern | matches | does not match |
//! |---|---|---|
//! | `/v1/vms` | `/v1/vms` | `/v1/vms/`, `/v1/VMS` |
//! | `/v1/vms/*` | `/v1/vms/web-1` | `/v1/vms`, `/v1/vms/`, `/v1/vms/web-1/start`, `/v1/vms/web-1%2Fstart` |
//! | `/v1/**` | `/v1`, `/v1/`, `/v1/vms/web-1/start` | `/v2`, `/v11` |
//! | `/` | `/` | everything else |

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::rule::RuleError;
use super::segment;

/// A segment in 64 bits. Equal texts have equal ones; that unequal texts may have them too costs a look at the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digest(u64);

impl Digest {
    /// FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
    fn of(text: &str) -> Self {
        let mix = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }
}

/// The decoded segments of a request's path, ready to be compared with many patterns. A path without segments is the
/// root, like one empty segment.
#[derive(Debug)]
pub(super) struct RequestPath<'a> {
    segments: &'a [String],
    digests: Box<[Digest]>,
}

impl<'a> RequestPath<'a> {
    /// Makes them ready.
    pub(super) fn new(segments: &'a [String]) -> Self {
        let segments = if matches!(segments, [only] if only.is_empty()) {
            &[]
        } else {
            segments
        };
        Self {
            segments,
            digests: segments.iter().map(|segment| Digest::of(segment)).collect(),
        }
    }
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// This decoded text and nothing else.
    Literal(String, Digest),
    /// Any one segment that is not empty and that no server reads as several.
    One,
}

impl Part {
    fn literal(text: String) -> Self {
        let digest = Digest::of(&text);
        Self::Literal(text, digest)
    }

    /// Whether a segment of this digest may match.
    fn may_match(&self, segment: Digest) -> bool {
        match self {
            Self::Literal(_, digest) => *digest == segment,
            Self::One => true,
        }
    }

    fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(text, _) => text == segment,
            Self::One => !segment.is_empty() && !segment::may_be_read_as_several(segment),
        }
    }

    fn intersection(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::One, Self::One) => Some(Self::One),
            (literal @ Self::Literal(text, _), part) | (part, literal @ Self::Literal(text, _)) => {
                part.matches(text).then(|| literal.clone())
            }
        }
    }
}

/// A path pattern: literal segments, `*` for one segment, a final `**` for any rest, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Box<[Part]>,
    rest: bool,
}

impl PathPattern {
    /// Whether a path matches.
    #[must_use]
    pub(super) fn matches(&self, path: &RequestPath<'_>) -> bool {
        let (parts, segments) = (&self.parts, path.segments);
        let long_enough = if self.rest {
            segments.len() >= parts.len()
        } else {
            segments.len() == parts.len()
        };
        let may_match = |(part, digest): (&Part, &Digest)| part.may_match(*digest);
        long_enough
            && parts.iter().zip(&path.digests).all(may_match)
            && parts.iter().zip(segments).all(|(part, segment)| part.matches(segment))
    }

    /// The pattern that matches exactly what both match; none when they share no path.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (short, long) = if self.parts.len() <= other.parts.len() {
            (self, other)
        } else {
            (other, self)
        };
        if short.parts.len() < long.parts.len() && !short.rest {
            return None;
        }
        let shared = short
            .parts
            .iter()
            .zip(&long.parts)
            .map(|(one, two)| one.intersection(two));
        let parts = shared
            .chain(long.parts[short.parts.len()..].iter().cloned().map(Some))
            .collect::<Option<_>>()?;
        Some(Self {
            parts,
            rest: short.rest && long.rest,
        })
    }
}

impl FromStr for PathPattern {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut segments: Vec<&str> = text
            .strip_prefix('/')
            .ok_or_else(|| RuleError::NoSlash(text.to_owned()))?
            .split('/')
            .collect();
        let rest = segments.pop_if(|last| *last == "**").is_some();
        if segments == [""] && !rest {
            segments.clear();
        }
        let mut literals = Vec::new();
        let mut parts = Vec::new();
        for segment in segments {
            if segment == "*" {
                parts.push(Part::One);
                literals.push("x".to_owned());
                continue;
            }
            if segment.contains('*') {
                return Err(RuleError::Wildcard(text.to_owned()));
            }
            let literal = decode(segment).ok_or_else(|| RuleError::Segment(text.to_owned()))?;
            literals.push(literal.clone());
            parts.push(Part::literal(literal));
        }
        if rest {
            literals.push("x".to_owned());
        }
        segment::check(&literals).map_err(|_| RuleError::Segment(text.to_owned()))?;
        Ok(Self {
            parts: parts.into(),
            rest,
        })
    }
}

/// Decodes a literal segment; none when an escape is broken or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let sound = text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    sound
        .then(|| percent_decode_str(text).decode_utf8().ok())
        .flatten()
        .map(Into::into)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text, _) => formatter.write_str(&segment::encode_path(std::slice::from_ref(text)))?,
                Part::One => formatter.write_str("/*")?,
            }
        }
        match (self.rest, self.parts.is_empty()) {
            (true, _) => formatter.write_str("/**"),
            (false, true) => formatter.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn path(text: &str) -> Vec<String> {
        let text = text.strip_prefix('/').unwrap();
        text.split('/').map(|segment| decode(segment).unwrap()).collect()
    }

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    fn matches(pattern: &PathPattern, path: &[String]) -> bool {
        pattern.matches(&RequestPath::new(path))
    }

    #[test]
    fn patterns_match_whole_decoded_segments() {
        for (text, matching, other) in [
            ("/", &["/"][..], &["/a", "/a/"][..]),
            (
                "/v1/vms",
                &["/v1/vms", "/v1/%76ms"],
                &["/v1/vms/", "/v1", "/v1/vmsx", "/v1/VMS", "/v1/vms/a"],
            ),
            ("/v1/vms/", &["/v1/vms/"], &["/v1/vms"]),
            (
                "/v1/vms/*",
                &["/v1/vms/a", "/v1/vms/a%20b"],
                &["/v1/vms", "/v1/vms/", "/v1/vms/a/b", "/v1/vms/a%2Fb", "/v1/vms/a%252Fb"],
            ),
            (
                "/v1/*/start",
                &["/v1/a/start"],
                &["/v1//start", "/v1/a/stop", "/v1/start"],
            ),
            (
                "/v1/**",
                &["/v1", "/v1/", "/v1/a", "/v1/a/b/", "/v1/a%2Fb"],
                &["/", "/v11", "/v2/a"],
            ),
            ("/**", &["/", "/a", "/a/b"], &[]),
            ("/v1/*/**", &["/v1/a", "/v1/a/", "/v1/a/b"], &["/v1", "/v1/", "/v1//b"]),
            ("/p%C3%A9/%2A", &["/p\u{e9}/%2A"], &["/p\u{e9}/a"]),
            ("/a%2Fb", &["/a%2Fb"], &["/a/b"]),
        ] {
            for good in matching {
                assert!(matches(&pattern(text), &path(good)), "`{text}` does not match `{good}`");
            }
            for bad in other {
                assert!(!matches(&pattern(text), &path(bad)), "`{text}` matches `{bad}`");
            }
            assert_eq!(pattern(&pattern(text).to_string()), pattern(text), "{text}");
        }
        assert!(matches(&pattern("/"), &[]) && !matches(&pattern("/a"), &[]));
    }

    /// The guest chooses its segments, so it may choose one that has a literal's digest.
    #[test]
    fn a_segment_of_the_same_digest_but_another_text_does_not_match() {
        let mut pattern = pattern("/v1/vms");
        pattern.parts[1] = Part::Literal("vms".to_owned(), Digest::of("secrets"));
        assert!(!matches(&pattern, &path("/v1/secrets")));
    }

    /// Over random small patterns and paths: an intersection matches exactly what both sides match.
    #[test]
    fn an_intersection_matches_exactly_what_both_match() {
        let mut random = StdRng::seed_from_u64(7);
        let mut shared = 0;
        for _ in 0..20_000 {
            let (one, two) = (random_pattern(&mut random), random_pattern(&mut random));
            let both = one.intersection(&two);
            for _ in 0..8 {
                let length = random.random_range(0..4);
                let mut path: Vec<String> = (0..length)
                    .map(|_| ["a", "b", "a/b"][random.random_range(0..3)].into())
                    .collect();
                if random.random_bool(0.3) {
                    path.push(String::new());
                }
                let expected = matches(&one, &path) && matches(&two, &path);
                shared += u32::from(expected);
                assert_eq!(
                    both.as_ref().is_some_and(|both| matches(both, &path)),
                    expected,
                    "{one} and {two} on {path:?}"
                );
            }
        }
        assert!(
            shared > 1_000,
            "the generator hardly ever made patterns that share a path: {shared}"
        );
    }

    fn random_pattern(random: &mut StdRng) -> PathPattern {
        let length = random.random_range(0..4);
        let mut text: String = (0..length)
            .map(|_| ["/a", "/b", "/*", "/a%2Fb"][random.random_range(0..4)])
            .collect();
        match random.random_range(0..4) {
            0 => text.push_str("/**"),
            1 => text.push('/'),
            _ if text.is_empty() => text.push('/'),
            _ => {}
        }
        pattern(&text)
    }
}
