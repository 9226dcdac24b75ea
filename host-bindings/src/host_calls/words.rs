//! A guest's words for the operator: limited in number and length, cleaned of control characters.

use super::{CallHost, count};
use crate::bindings::stockade::provider::log::Level;
use crate::call::LogLevel;
use crate::text::clean;

impl CallHost {
    pub(super) async fn log(&self, level: Level, message: String) {
        let limits = &self.connection.limits;
        if !count(&self.log_lines, limits.log_lines) {
            return;
        }
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        let message = clean(&message, limits.log_line_bytes as usize);
        self.call.reporter.log(level, &message);
    }

    pub(super) async fn progress(&self, percent: Option<u8>, message: String) {
        let limits = &self.connection.limits;
        if !count(&self.progress_reports, limits.progress_reports) {
            return;
        }
        let percent = percent.map(|percent| percent.min(100));
        let message = clean(&message, limits.log_line_bytes as usize);
        self.call.reporter.progress(percent, &message);
    }
}
