//! Where a provider's words go on the command line: progress to a terminal, its log on request.

use stockade::call::{LogLevel, Reporter};

use crate::cli::terminal;

/// The words of one connection.
#[derive(Debug)]
pub(crate) struct TerminalReporter {
    connection: String,
    /// The least important log lines that are shown; none shows none.
    level: Option<LogLevel>,
}

impl TerminalReporter {
    /// Reports on a connection; `verbosity` counts how often `-v` was given.
    pub(crate) fn new(connection: &str, verbosity: u8) -> Self {
        let level = match verbosity {
            0 => None,
            1 => Some(LogLevel::Info),
            _ => Some(LogLevel::Debug),
        };
        Self {
            connection: connection.to_owned(),
            level,
        }
    }
}

impl Reporter for TerminalReporter {
    fn progress(&self, percent: Option<u8>, message: &str) {
        let percent = percent.map_or(String::new(), |percent| format!("{percent:>3} % "));
        terminal::progress(&format!("{}: {percent}{message}", self.connection));
    }

    fn log(&self, level: LogLevel, message: &str) {
        if self.level.is_some_and(|least| level >= least) {
            let level = match level {
                LogLevel::Debug => "debug",
                LogLevel::Info => "info",
                LogLevel::Warn => "warning",
                LogLevel::Error => "error",
            };
            terminal::note(&terminal::clean(&format!("{}: {level}: {message}", self.connection)));
        }
    }

    /// A denial that makes a call fail is among the failure's hints. One that the provider survived is shown on request.
    fn denied(&self, denial: &str, _hint: Option<&str>) {
        if self.level.is_some() {
            terminal::note(&terminal::clean(&format!("{}: denied: {denial}", self.connection)));
        }
    }
}
