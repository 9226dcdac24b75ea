//! Import `clock`: the time, and waits within the call's time limit.

use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;
use wasmtime::{Result, error::Context as _};

use crate::bindings::stockade::provider::clock::Host;
use crate::component::CallState;

impl Host for CallState {
    async fn now(&mut self) -> Result<String> {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        OffsetDateTime::now_utc()
            .format(format)
            .context("the clock shows a time that RFC 3339 cannot express")
    }

    async fn sleep(&mut self, milliseconds: u32) -> Result<()> {
        // The call's own time limit ends a wait that is too long.
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
        Ok(())
    }
}
