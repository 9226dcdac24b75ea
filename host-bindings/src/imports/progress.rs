//! Import `progress`.

use wasmtime::Result;

use crate::bindings::stockade::provider::progress::Host;
use crate::component::CallState;

impl Host for CallState {
    async fn report(&mut self, percent: Option<u8>, message: String) -> Result<()> {
        self.host.progress(percent, message).await
    }
}
