//! Import `clock`: the time, and waits within the call's time limit.

use time::OffsetDateTime;
use time::macros::format_description;
use wasmtime::{Result, error::Context as _};

use crate::bindings::stockade::provider::clock::Host;
use crate::component::CallState;

impl Host for CallState {
    async fn now(&mut self) -> Result<String> {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let nanoseconds = self.host.wall_clock().await?;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into())?
            .format(format)
            .context("the clock shows a time that RFC 3339 cannot express")
    }

    async fn sleep(&mut self, milliseconds: u32) -> Result<()> {
        self.host.sleep(milliseconds).await
    }
}
