//! Import `log`.

use wasmtime::Result;

use crate::bindings::stockade::provider::log::{Host, Level};
use crate::component::CallState;

impl Host for CallState {
    async fn write(&mut self, level: Level, message: String) -> Result<()> {
        self.host.log(level, message).await
    }
}
