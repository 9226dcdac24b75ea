//! What is asked without a grant: the connection's name and options, the time, random numbers.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use rand::RngCore as _;

use super::{CallHost, MAX_READ_BYTES};
use crate::contract::OptionEntry;

/// Where the monotonic clock begins: its readings say nothing about how long the computer runs.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl CallHost {
    pub(super) async fn connection_name(&self) -> String {
        self.connection.name.clone()
    }

    pub(super) async fn connection_options(&self) -> Vec<OptionEntry> {
        self.connection.options.clone()
    }

    pub(super) async fn wall_clock(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        nanoseconds(since.unwrap_or_default())
    }

    pub(super) async fn monotonic_clock(&self) -> u64 {
        nanoseconds(START.elapsed())
    }

    pub(super) async fn random(&self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; length.min(MAX_READ_BYTES) as usize];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }

    pub(super) async fn sleep(&self, milliseconds: u32) {
        // The call's own time limit ends a wait that is too long.
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
    }
}

/// 64 bits last until the year 2554.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
