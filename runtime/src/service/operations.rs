//! Changes that outlive a call. The service waits for its own; these are for tokens that somebody kept.

use stockade_host::contract::{Ability, OperationState};

use super::Service;
use crate::error::Result;

impl Service {
    /// How far a pending change is.
    ///
    /// # Errors
    /// `not-found` for a token that the provider does not know; the change's own error when it failed.
    pub async fn poll_operation(&self, token: &str) -> Result<OperationState> {
        let activity = self.begin(Ability::Operations, format!("read operation `{token}`"))?;
        activity.end(self.provider().poll_operation(activity.call(), token.to_owned()).await)
    }

    /// Asks the vendor to give up a pending change.
    ///
    /// # Errors
    /// `not-found` for a token that the provider does not know.
    pub async fn cancel_operation(&self, token: &str) -> Result<()> {
        let activity = self.begin(Ability::Operations, format!("cancel operation `{token}`"))?;
        activity.end(
            self.provider()
                .cancel_operation(activity.call(), token.to_owned())
                .await,
        )
    }
}
