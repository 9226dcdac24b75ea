//! Import `state`.

use wasmtime::Result;

use crate::bindings::stockade::provider::state::{Entry, Host, StateFault};
use crate::component::CallState;

impl Host for CallState {
    async fn get(&mut self, key: String) -> Result<Result<Option<Entry>, StateFault>> {
        self.host.get_state(key).await
    }

    async fn replace(
        &mut self,
        key: String,
        expected: Option<String>,
        value: Vec<u8>,
    ) -> Result<Result<(), StateFault>> {
        self.host.replace_state(key, expected, value).await
    }

    async fn remove(&mut self, key: String, expected: String) -> Result<Result<(), StateFault>> {
        self.host.remove_state(key, expected).await
    }

    async fn list_keys(&mut self, prefix: String) -> Result<Result<Vec<String>, StateFault>> {
        self.host.list_state(prefix).await
    }
}
