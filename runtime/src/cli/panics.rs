//! What happens when this program itself is wrong: one message, one exit code, no backtrace for people who cannot use it.

use crate::cli::terminal;

/// Makes every panic a message. Whoever runs the panicking code decides what it ends: a command, or one request of many.
pub(crate) fn explain() {
    let verbose = std::env::var_os("RUST_BACKTRACE").is_some();
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if verbose {
            default(panic);
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("(no message)");
        terminal::error(
            &format!("this is a defect of `stockade`, not of what you asked for: {message} ({place})"),
            &["please report it with the command that you typed; `RUST_BACKTRACE=1` shows more".to_owned()],
        );
    }));
}
