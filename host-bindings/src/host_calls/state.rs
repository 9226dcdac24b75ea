//! State of one call's connection, when it was granted.

use super::CallHost;
use crate::bindings::stockade::provider::state::{Entry, StateFault};
use crate::state::{StateError, StateStore};

impl CallHost {
    pub(super) async fn get_state(&self, key: String) -> Result<Option<Entry>, StateFault> {
        let entry = self.with_store(move |store| store.get(&key)).await?;
        Ok(entry.map(|entry| Entry {
            value: entry.value,
            version: entry.version,
        }))
    }

    pub(super) async fn replace_state(
        &self,
        key: String,
        expected: Option<String>,
        value: Vec<u8>,
    ) -> Result<(), StateFault> {
        self.with_store(move |store| store.replace(&key, expected.as_deref(), &value))
            .await
    }

    pub(super) async fn remove_state(&self, key: String, expected: String) -> Result<(), StateFault> {
        self.with_store(move |store| store.remove(&key, &expected)).await
    }

    pub(super) async fn list_state(&self, prefix: String) -> Result<Vec<String>, StateFault> {
        self.with_store(move |store| store.list_keys(&prefix)).await
    }

    /// Runs a blocking use of the store away from the threads that drive guests.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&StateStore) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateFault> {
        let store = self.connection.state.clone().ok_or(StateFault::Denied)?;
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(StateFault::Unavailable("the host gave up".to_owned())),
        }
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
