//! Import `log`: limited in number and length, cleaned of control characters.

use wasmtime::Result;

use crate::bindings::stockade::provider::log::{Host, Level};
use crate::call::LogLevel;
use crate::component::CallState;
use crate::text::clean;

impl Host for CallState {
    async fn write(&mut self, level: Level, message: String) -> Result<()> {
        let limits = &self.connection.limits;
        if self.log_lines >= limits.log_lines {
            self.log_lines_dropped = self.log_lines_dropped.saturating_add(1);
            return Ok(());
        }
        self.log_lines += 1;
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.call
            .reporter
            .log(level, &clean(&message, limits.log_line_bytes as usize));
        Ok(())
    }
}
