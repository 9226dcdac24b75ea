//! Short names for long texts.

/// 32 hexadecimal digits that stand for a text: twice FNV-1a of 64 bits
/// (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>), from the front and from the back. Not for secrets: it tells
/// texts apart that nobody chose to be alike.
pub(crate) fn digest(text: &str) -> String {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    let forward = text.bytes().fold(start, fnv);
    let backward = text.bytes().rev().fold(start, fnv);
    format!("{forward:016x}{backward:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_names_of_their_own() {
        // The value of FNV-1a for `a` in its specification.
        assert_eq!(digest("a"), "af63dc4c8601ec8caf63dc4c8601ec8c");
        assert_ne!(digest("ab"), digest("ba"));
    }
}
