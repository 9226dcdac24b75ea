//! What changes on a connection without our doing.

use stockade_host::contract::{Ability, EventBatch};

use super::Service;
use crate::error::Result;

impl Service {
    /// The events since a cursor, at once; none starts now. When the batch says that there is a gap, events were lost: read
    /// everything anew.
    ///
    /// # Errors
    /// When the provider cannot read them, or does not know the cursor.
    pub async fn poll_events(&self, cursor: Option<&str>) -> Result<EventBatch> {
        let activity = self.begin(Ability::Events, "read events")?;
        let cursor = cursor.map(str::to_owned);
        activity.end(self.provider().poll_events(activity.call(), cursor).await)
    }
}
