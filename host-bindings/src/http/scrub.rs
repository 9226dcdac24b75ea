//! Blots out a credential that a server sends back: some servers echo request headers in error pages and debug routes.
//!
//! Works on whole values and on streams, where a secret may be split over chunks at any byte. It knows the spellings of
//! `credential::spellings`; a server that transforms the secret otherwise (encrypts, reverses, compresses, answers byte
//! ranges of it) defeats it. It is the second line: the first is that the origin was granted. A response with a content
//! coding is therefore refused by the client where a credential was attached.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::credential::Spelling;
use super::secret::REDACTED;

/// The shortest spelling that is blotted out. Shorter ones ("root", "admin") occur in ordinary responses, which would
/// be damaged; 8 is the least that NIST SP 800-63B, section 5.1.1.1, accepts as a password.
pub const SHORTEST_SCRUBBED_BYTES: usize = 8;

/// The spellings to look for.
#[derive(Clone, Default)]
pub struct Scrubber {
    patterns: Arc<Patterns>,
}

#[derive(Default)]
struct Patterns {
    /// Longest first, so that the longest match at a place wins.
    spellings: Vec<Zeroizing<Vec<u8>>>,
    /// Whether a spelling begins with this byte; most bytes of a response are passed over by this alone.
    begins: Option<Box<[bool; 256]>>,
}

impl Scrubber {
    /// A scrubber for these texts; without any it changes nothing.
    #[must_use]
    pub fn new(mut spellings: Vec<Spelling>) -> Self {
        spellings.retain(|spelling| spelling.len() >= SHORTEST_SCRUBBED_BYTES);
        spellings.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        spellings.dedup();
        if spellings.is_empty() {
            return Self::default();
        }
        let mut begins = Box::new([false; 256]);
        for first in spellings.iter().filter_map(|spelling| spelling.first()) {
            begins[usize::from(*first)] = true;
        }
        Self {
            patterns: Arc::new(Patterns {
                spellings,
                begins: Some(begins),
            }),
        }
    }

    /// Blots out every spelling in a whole value.
    #[must_use]
    pub fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.stream();
        let mut clean = stream.push(bytes);
        clean.extend(stream.finish());
        clean
    }

    /// Begins to scrub a stream.
    #[must_use]
    pub fn stream(&self) -> ScrubStream {
        ScrubStream {
            patterns: Arc::clone(&self.patterns),
            held: Zeroizing::default(),
        }
    }
}

/// A stream being scrubbed. It holds back at most one byte less than the longest spelling.
pub struct ScrubStream {
    patterns: Arc<Patterns>,
    held: Zeroizing<Vec<u8>>,
}

impl ScrubStream {
    /// Takes the next bytes and gives those that are certainly clean. The output is at most `REDACTED.len()` /
    /// [`SHORTEST_SCRUBBED_BYTES`] times as long as the input.
    #[must_use]
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.advance(chunk, false)
    }

    /// Ends the stream and gives what was held back.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.advance(&[], true)
    }

    fn advance(&mut self, chunk: &[u8], ended: bool) -> Vec<u8> {
        let Some(begins) = &self.patterns.begins else {
            return chunk.to_vec();
        };
        let mut input = Zeroizing::new(std::mem::take(&mut *self.held));
        input.extend_from_slice(chunk);
        let mut clean = Vec::with_capacity(input.len());
        let mut rest = input.as_slice();
        while let Some(start) = rest.iter().position(|&byte| begins[usize::from(byte)]) {
            clean.extend_from_slice(&rest[..start]);
            rest = &rest[start..];
            let could_grow = |spelling: &&Zeroizing<Vec<u8>>| spelling.len() > rest.len() && spelling.starts_with(rest);
            if !ended && self.patterns.spellings.iter().any(|spelling| could_grow(&spelling)) {
                self.held.extend_from_slice(rest);
                return clean;
            }
            match self
                .patterns
                .spellings
                .iter()
                .find(|spelling| rest.starts_with(spelling))
            {
                Some(spelling) => {
                    clean.extend_from_slice(REDACTED.as_bytes());
                    rest = &rest[spelling.len()..];
                }
                None => {
                    clean.push(rest[0]);
                    rest = &rest[1..];
                }
            }
        }
        clean.extend_from_slice(rest);
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::credential::{Authenticate as _, Basic};
    use crate::http::secret::Secret;

    const PASSWORD: &str = "open \"sesame\"/7";

    fn of(user: &str, password: &str) -> Scrubber {
        let credential = Basic {
            user: user.into(),
            password: Secret::new(password),
        };
        Scrubber::new(credential.secrets())
    }

    fn scrubber() -> Scrubber {
        of("me", PASSWORD)
    }

    #[test]
    fn every_spelling_is_blotted_out_wherever_chunks_end() {
        for echo in [
            PASSWORD,
            "open%20%22sesame%22%2F7",
            "open \\\"sesame\\\"/7",
            "b3BlbiAic2VzYW1lIi83",
            "bWU6b3BlbiAic2VzYW1lIi83",
        ] {
            let body = format!("ooopen {echo}{echo} open \"se {echo}");
            let expected = "ooopen [redacted][redacted] open \"se [redacted]";
            for size in 1..=body.len() {
                let mut stream = scrubber().stream();
                let mut clean: Vec<u8> = body
                    .as_bytes()
                    .chunks(size)
                    .flat_map(|chunk| stream.push(chunk))
                    .collect();
                clean.extend(stream.finish());
                assert_eq!(
                    String::from_utf8(clean).unwrap(),
                    expected,
                    "`{echo}` in chunks of {size}"
                );
            }
        }
    }

    #[test]
    fn a_secret_cut_off_at_the_end_is_passed_on_as_ordinary_bytes() {
        assert_eq!(scrubber().scrub(b"x open \"ses"), b"x open \"ses");
    }

    #[test]
    fn padded_and_unpadded_base64_both_vanish_whole() {
        let scrubber = of("u", "12345678");
        assert_eq!(
            scrubber.scrub(b"Basic dToxMjM0NTY3OA==;dToxMjM0NTY3OA."),
            b"Basic [redacted];[redacted]."
        );
    }

    #[test]
    fn a_secret_inside_longer_base64_vanishes_wherever_it_stands() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let scrubber = scrubber();
        for before in ["", "a", "ab", "abc", "Bearer ", "Basic "] {
            for after in ["", "z", "yz", "xyz"] {
                for text in [
                    PASSWORD,
                    "me:open \"sesame\"/7",
                    &STANDARD.encode(format!("me:{PASSWORD}")),
                ] {
                    let echo = STANDARD.encode(format!("{before}{text}{after}"));
                    let clean = String::from_utf8(scrubber.scrub(echo.as_bytes())).unwrap();
                    let left = clean.replace(crate::http::secret::REDACTED, "").len();
                    // What stands before and after, and a character at each end that holds bits of both.
                    assert!(
                        left <= (before.len() + after.len()).div_ceil(3) * 4 + 4,
                        "{echo} became {clean}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_a_credential_or_with_a_short_one_nothing_changes() {
        assert_eq!(of("root", "root").scrub(b"root cm9vdDpyb290"), b"root [redacted]");
        assert_eq!(Scrubber::new(Vec::new()).scrub(b"anything"), b"anything");
    }
}
