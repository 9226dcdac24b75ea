//! Blots out a credential that a server sends back: some servers echo request headers in error pages and debug routes.
//!
//! Works on whole values and on streams, where a secret may be split over chunks at any byte. It knows the spellings of
//! `credential::spellings`; a server that transforms the secret otherwise (encrypts, reverses, compresses, answers byte
//! ranges of it) defeats it. It is the second line: the first is that the origin was granted. A response with a content
//! coding is therefore refused by the client where a credential was attached.
//!
//! An automaton looks for the first bytes of every spelling, many places at a time; the whole is compared only where they
//! stand. Spellings share first bytes, so there are few to look for, and little of a secret is in tables that nobody wipes.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::credential::Spelling;
use super::secret::REDACTED;

/// The shortest spelling that is blotted out. Shorter ones ("root", "admin") occur in ordinary responses, which would
/// be damaged; 8 is the least that NIST SP 800-63B, section 5.1.1.1, accepts as a password.
pub const SHORTEST_SCRUBBED_BYTES: usize = 8;

/// How many of a spelling's first bytes are looked for; every spelling has as many.
const HEAD_BYTES: usize = SHORTEST_SCRUBBED_BYTES;

/// The spellings to look for.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// None for no spellings.
    patterns: Option<Arc<Patterns>>,
}

struct Patterns {
    /// Finds the heads, of which the spellings below begin with the one of the same index.
    heads: AhoCorasick,
    groups: Vec<Group>,
}

/// Spellings that begin alike.
struct Group {
    head: Zeroizing<[u8; HEAD_BYTES]>,
    /// Longest first, so that the longest match at a place wins.
    spellings: Vec<Spelling>,
}

/// What stands at a place.
enum Finding {
    /// A spelling of this length.
    Spelling(usize),
    /// What may become a spelling when more bytes come.
    Beginning,
    Nothing,
}

impl Scrubber {
    /// A scrubber for these texts; without any it changes nothing.
    #[must_use]
    pub fn new(mut spellings: Vec<Spelling>) -> Self {
        spellings.retain(|spelling| spelling.len() >= SHORTEST_SCRUBBED_BYTES);
        spellings.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        spellings.dedup();
        let mut groups: Vec<Group> = Vec::new();
        for spelling in spellings {
            let Some(&head) = spelling.first_chunk() else { continue };
            match groups.iter_mut().find(|group| *group.head == head) {
                Some(group) => group.spellings.push(spelling),
                None => groups.push(Group {
                    head: Zeroizing::new(head),
                    spellings: vec![spelling],
                }),
            }
        }
        let patterns = Patterns::new(groups).map(Arc::new);
        Self { patterns }
    }

    /// Blots out every spelling in a whole value.
    #[must_use]
    pub fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.patterns {
            None => bytes.to_vec(),
            Some(patterns) => {
                let mut clean = Vec::new();
                let rest = patterns.advance(bytes, true, &mut clean);
                clean.extend_from_slice(&bytes[rest]);
                clean
            }
        }
    }

    /// Begins to scrub a stream.
    #[must_use]
    pub fn stream(&self) -> ScrubStream {
        ScrubStream {
            patterns: self.patterns.clone(),
            held: Zeroizing::default(),
        }
    }
}

impl Patterns {
    /// None for no groups.
    fn new(groups: Vec<Group>) -> Option<Self> {
        if groups.is_empty() {
            return None;
        }
        // A tenth of the memory of the other kinds; it matters little, as the search runs ahead of the automaton.
        let heads = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            // The kind for which the crate looks for all heads at once with vector instructions.
            .match_kind(MatchKind::LeftmostFirst)
            .build(groups.iter().map(|group| *group.head));
        #[expect(
            clippy::expect_used,
            reason = "building fails only beyond 2^31 states, and each of these bytes is one in memory"
        )]
        let heads = heads.expect("the heads of spellings in memory fit an automaton");
        Some(Self { heads, groups })
    }

    /// Looks through `input`: appends to `clean` everything up to the last spelling, blotted out, and answers what
    /// follows and is clean too. What stands after that has to be held until more is known.
    fn advance(&self, input: &[u8], ended: bool, clean: &mut Vec<u8>) -> Range<usize> {
        let mut copied = 0;
        let mut search = 0;
        while let Some(found) = self.heads.find(Input::new(input).range(search..)) {
            let start = found.start();
            match self.groups[found.pattern().as_usize()].at(&input[start..], ended) {
                Finding::Spelling(length) => {
                    clean.extend_from_slice(&input[copied..start]);
                    clean.extend_from_slice(REDACTED.as_bytes());
                    copied = start + length;
                    search = copied;
                }
                Finding::Beginning => return copied..start,
                Finding::Nothing => search = start + 1,
            }
        }
        // The beginning of a head at the very end is not found by it.
        let last = search.max(input.len().saturating_sub(HEAD_BYTES - 1));
        let begins = |start: &usize| self.groups.iter().any(|group| group.head.starts_with(&input[*start..]));
        let held = (last..input.len()).find(begins).filter(|_| !ended);
        copied..held.unwrap_or(input.len())
    }
}

impl Group {
    /// What stands at the beginning of `rest`, which begins with the head.
    fn at(&self, rest: &[u8], ended: bool) -> Finding {
        let could_grow = |spelling: &Spelling| spelling.len() > rest.len() && spelling.starts_with(rest);
        if !ended && self.spellings.iter().any(could_grow) {
            return Finding::Beginning;
        }
        let whole = self.spellings.iter().find(|spelling| rest.starts_with(spelling));
        whole.map_or(Finding::Nothing, |spelling| Finding::Spelling(spelling.len()))
    }
}

/// A stream being scrubbed. It holds back at most one byte less than the longest spelling.
pub struct ScrubStream {
    patterns: Option<Arc<Patterns>>,
    held: Zeroizing<Vec<u8>>,
}

impl ScrubStream {
    /// Takes the next bytes and gives those that are certainly clean. The output is at most `REDACTED.len()` /
    /// [`SHORTEST_SCRUBBED_BYTES`] times as long as the input.
    #[must_use]
    pub fn push(&mut self, chunk: &Bytes) -> Bytes {
        let Some(patterns) = &self.patterns else {
            return chunk.clone();
        };
        let mut clean = Vec::new();
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            let rest = patterns.advance(chunk, false, &mut clean);
            self.held.extend_from_slice(&chunk[rest.end..]);
            if rest.start == 0 {
                // Nothing was blotted out, so nothing is copied.
                return chunk.slice(rest);
            }
            clean.extend_from_slice(&chunk[rest]);
        } else {
            let input = Zeroizing::new([held.as_slice(), chunk].concat());
            let rest = patterns.advance(&input, false, &mut clean);
            self.held.extend_from_slice(&input[rest.end..]);
            clean.extend_from_slice(&input[rest]);
        }
        Bytes::from(clean)
    }

    /// Ends the stream and gives what was held back.
    #[must_use]
    pub fn finish(self) -> Bytes {
        let mut clean = Vec::new();
        if let Some(patterns) = &self.patterns {
            let rest = patterns.advance(&self.held, true, &mut clean);
            clean.extend_from_slice(&self.held[rest]);
        }
        Bytes::from(clean)
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
                    .flat_map(|chunk| stream.push(&Bytes::copy_from_slice(chunk)))
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

    /// What the scrubber has to do, said as simply as possible: at each place the longest spelling, else one byte.
    fn model(spellings: &[&[u8]], input: &[u8]) -> Vec<u8> {
        let (mut clean, mut rest) = (Vec::new(), input);
        while let [first, others @ ..] = rest {
            let here = spellings.iter().filter(|spelling| rest.starts_with(spelling));
            match here.map(|spelling| spelling.len()).max() {
                Some(length) => {
                    clean.extend_from_slice(REDACTED.as_bytes());
                    rest = &rest[length..];
                }
                None => {
                    clean.push(*first);
                    rest = others;
                }
            }
        }
        clean
    }

    #[test]
    fn random_texts_in_random_chunks_come_out_as_the_model_says() {
        use rand::rngs::StdRng;
        use rand::{Rng as _, SeedableRng as _};
        for seed in 0..2_000 {
            let mut random = StdRng::seed_from_u64(seed);
            // Two letters, so that spellings share heads, overlap, and are one another's beginnings.
            let mut text = |lengths: Range<usize>| -> Vec<u8> {
                let length = random.random_range(lengths);
                (0..length).map(|_| random.random_range(b'a'..=b'b')).collect()
            };
            let spellings: Vec<Vec<u8>> = (0..4).map(|_| text(8..14)).collect();
            let mut input = Vec::new();
            for spelling in spellings.iter().cycle().take(12) {
                input.extend_from_slice(&text(0..6));
                input.extend_from_slice(spelling);
            }
            let scrubber = Scrubber::new(spellings.iter().cloned().map(Zeroizing::new).collect());
            let spellings: Vec<&[u8]> = spellings.iter().map(Vec::as_slice).collect();
            let expected = model(&spellings, &input);
            assert_eq!(scrubber.scrub(&input), expected, "seed {seed}, whole");
            let (mut stream, mut clean, mut rest) = (scrubber.stream(), Vec::new(), input.as_slice());
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(random.random_range(1..=rest.len().min(20)));
                clean.extend_from_slice(&stream.push(&Bytes::copy_from_slice(chunk)));
                assert!(stream.held.len() < spellings.iter().map(|spelling| spelling.len()).max().unwrap());
                rest = others;
            }
            clean.extend_from_slice(&stream.finish());
            assert_eq!(clean, expected, "seed {seed}, in chunks");
        }
    }

    #[test]
    fn what_holds_no_secret_is_passed_on_without_a_copy() {
        let chunk = Bytes::from_static(b"{\"vms\": []}\n");
        assert_eq!(scrubber().stream().push(&chunk).as_ptr(), chunk.as_ptr());
    }
}
