//! Standard error and the person before it: messages, progress, questions.
//!
//! Providers choose much of what is printed: [`clean`] takes away what would let them move the cursor or forge lines.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::failure::{Failure, Outcome};

/// Whether an unfinished line of progress is on the screen.
static UNFINISHED: AtomicBool = AtomicBool::new(false);
/// Back to the start of the line, and clear it (ECMA-48 CR and EL).
const CLEAR_LINE: &str = "\r\u{1b}[K";
/// The longest line of progress: one that wraps cannot be cleared, and terminals are rarely narrower than 80 columns.
const MAX_PROGRESS_CHARS: usize = 79;

/// Writes an error and what to do about it.
pub(crate) fn error(message: &str, hints: &[String]) {
    let mut text = format!("error: {}", clean_lines(message));
    let hints: Vec<_> = hints.iter().filter(|hint| !hint.is_empty()).collect();
    if !hints.is_empty() {
        text.push('\n');
    }
    for hint in hints {
        text.push_str("\nhint: ");
        text.push_str(&clean_lines(hint));
    }
    note(&text);
}

/// Writes a line for the person.
pub(crate) fn note(text: &str) {
    clear_progress();
    // Nobody can be told that nobody can be told.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Shows how far it is, in place of what was shown before. Only on a terminal.
pub(crate) fn progress(text: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        UNFINISHED.store(true, Ordering::Relaxed);
        let text: String = clean(text).chars().take(MAX_PROGRESS_CHARS).collect();
        let _ = write!(stderr, "{CLEAR_LINE}{text}");
        let _ = stderr.flush();
    }
}

/// Takes the line of progress away.
pub(crate) fn clear_progress() {
    if UNFINISHED.swap(false, Ordering::Relaxed) {
        let _ = write!(io::stderr().lock(), "{CLEAR_LINE}");
    }
}

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether a person types and reads here.
pub(crate) fn is_whole() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether a person reads standard output.
pub(crate) fn shows_stdout() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person reads standard error.
pub(crate) fn shows_stderr() -> bool {
    io::stderr().is_terminal()
}

/// Asks a question whose answer is no unless it is yes.
pub(crate) fn ask(question: &str) -> bool {
    clear_progress();
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{} [y/N] ", clean(question));
    let _ = stderr.flush();
    let mut answer = String::new();
    let is_read = io::stdin().lock().read_line(&mut answer).is_ok();
    is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Lets a person confirm what cannot be undone; `--yes` confirms beforehand.
pub(crate) fn confirm(is_confirmed: bool, action: &str) -> Outcome {
    if is_confirmed {
        return Ok(());
    }
    if !can_ask() {
        let message = format!("refusing to {action} without being told to: there is no terminal to ask on");
        return Err(Failure::usage(clean(&message), "add `--yes`"));
    }
    if ask(&format!("{action}?")) {
        return Ok(());
    }
    note("nothing was changed");
    Err(Failure::Told)
}

/// Text on one line without characters that control a terminal or the direction of text.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_harmless(c) { c } else { '\u{fffd}' })
        .collect()
}

/// As [`clean`], keeping line breaks.
pub(crate) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Unicode's explicit directional formatting reorders what is on the screen (UAX #9, section 2).
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_text_cannot_move_the_cursor_or_forge_a_line() {
        assert_eq!(
            clean("a\u{1b}[2Jb\r\nerror: c\u{202e}"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}error: c\u{fffd}"
        );
        assert_eq!(clean_lines("a\u{7}\n b"), "a\u{fffd}\n b");
        assert_eq!(clean("grün ✓"), "grün ✓");
    }
}
