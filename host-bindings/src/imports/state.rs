//! Import `state`: the connection's own store, when state was granted.

use crate::bindings::stockade::provider::state::{Entry, Host, StateFault};
use crate::component::CallState;
use crate::state::{StateError, StateStore};

/// Runs a blocking use of the store away from the threads that drive guests.
async fn with_store<T: Send + 'static>(
    store: Option<StateStore>,
    work: impl FnOnce(&StateStore) -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateFault> {
    let store = store.ok_or(StateFault::Denied)?;
    match tokio::task::spawn_blocking(move || work(&store)).await {
        Ok(answer) => answer.map_err(fault),
        Err(_) => Err(StateFault::Unavailable("the host gave up".to_owned())),
    }
}

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Entry>, StateFault>> {
        let entry = with_store(self.connection.state.clone(), move |store| store.get(&key)).await;
        Ok(entry.map(|entry| {
            entry.map(|entry| Entry {
                value: entry.value,
                version: entry.version,
            })
        }))
    }

    async fn replace(
        &mut self,
        key: String,
        expected: Option<String>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), StateFault>> {
        Ok(with_store(self.connection.state.clone(), move |store| {
            store.replace(&key, expected.as_deref(), &value)
        })
        .await)
    }

    async fn remove(&mut self, key: String, expected: String) -> wasmtime::Result<Result<(), StateFault>> {
        Ok(with_store(self.connection.state.clone(), move |store| {
            store.remove(&key, &expected)
        })
        .await)
    }

    async fn list_keys(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, StateFault>> {
        Ok(with_store(self.connection.state.clone(), move |store| store.list_keys(&prefix)).await)
    }
}

fn fault(error: StateError) -> StateFault {
    match error {
        StateError::OverQuota => StateFault::OverQuota,
        StateError::Conflict => StateFault::Conflict,
        StateError::InvalidKey => StateFault::InvalidKey,
        // The kind only: an operating system's message may name paths of the host.
        StateError::Io(error) => StateFault::Unavailable(error.kind().to_string()),
    }
}
