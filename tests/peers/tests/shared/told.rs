//! What an operator is told, kept for claims about it.

use std::sync::Mutex;

use stockade::call::{LogLevel, Reporter};

/// Everything that was reported, in order.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    /// A copy of it.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn keep(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Reporter for Told {
    fn progress(&self, _: Option<u8>, message: &str) {
        self.keep(message.to_owned());
    }

    fn log(&self, _: LogLevel, message: &str) {
        self.keep(message.to_owned());
    }

    fn denied(&self, what: &str, hint: Option<&str>) {
        self.keep(format!("{what} {hint:?}"));
    }
}
