//! Import `progress`: limited in number and length, cleaned of control characters.

use wasmtime::Result;

use crate::bindings::stockade::provider::progress::Host;
use crate::component::CallState;
use crate::text::clean;

impl Host for CallState {
    async fn report(&mut self, percent: Option<u8>, message: String) -> Result<()> {
        let limits = &self.connection.limits;
        if self.progress_reports < limits.progress_reports {
            self.progress_reports += 1;
            let percent = percent.map(|percent| percent.min(100));
            self.call
                .reporter
                .progress(percent, &clean(&message, limits.log_line_bytes as usize));
        }
        Ok(())
    }
}
