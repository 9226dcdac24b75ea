//! Import `connection`: the name and the options of the connection. Never a credential.

use wasmtime::Result;

use crate::bindings::stockade::provider::connection::Host;
use crate::component::CallState;
use crate::contract::OptionEntry;

impl Host for CallState {
    async fn name(&mut self) -> Result<String> {
        self.host.connection_name().await
    }

    async fn options(&mut self) -> Result<Vec<OptionEntry>> {
        self.host.connection_options().await
    }
}
