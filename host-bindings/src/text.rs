//! Text from a guest on its way to a person: log lines, progress, errors.
//!
//! Whoever passes a guest's words on calls this; words of a server that reach a guest come this way in the end.

/// Cuts a text to `max_bytes` at a character boundary and replaces control characters, so that it can neither forge
/// lines nor drive a terminal.
#[must_use]
pub fn clean(text: &str, max_bytes: usize) -> String {
    let end = text.floor_char_boundary(max_bytes.min(text.len()));
    let mut cleaned: String = text[..end]
        .chars()
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .collect();
    if end < text.len() {
        cleaned.push('…');
    }
    cleaned
}

/// Control characters, and the characters that change the direction of text (Unicode TR 36, section 2.6).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn text_cannot_drive_a_terminal_or_forge_a_line() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d", 100), "a [31mb c d");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(clean("aäb", 2), "a…");
        assert_eq!(clean("aäb", 4), "aäb");
    }
}
