//! Where the WASI floor's clocks and random numbers come from: the host, as everything else that is not computed.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::FutureExt as _;
use rand_core::{Rng as _, TryRng};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx};

use crate::host_calls::{Host, MAX_READ_BYTES};

/// The random bytes that a guest may ask for at once.
const MAX_RANDOM_BYTES: u64 = 4_096;

/// Closed standard input, sunk output, no environment, no arguments, no files, no sockets; time and chance of the host.
pub(crate) fn wasi_context(host: &Host) -> WasiCtx {
    let mut seed = [0; 16];
    Source(host.clone()).fill_bytes(&mut seed);
    WasiCtx::builder()
        .max_random_size(MAX_RANDOM_BYTES)
        .wall_clock(Source(host.clone()))
        .monotonic_clock(Source(host.clone()))
        .secure_random(Source(host.clone()))
        .insecure_random(Source(host.clone()))
        .insecure_random_seed(u128::from_le_bytes(seed))
        .build()
}

struct Source(Host);

impl HostWallClock for Source {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(at_once(self.0.wall_clock()))
    }
}

impl HostMonotonicClock for Source {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        at_once(self.0.monotonic_clock())
    }
}

impl TryRng for Source {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        for piece in buffer.chunks_mut(MAX_READ_BYTES as usize) {
            let length = u32::try_from(piece.len()).unwrap_or(MAX_READ_BYTES);
            piece.copy_from_slice(&at_once(self.0.random(length)));
        }
        Ok(())
    }
}

/// The answer to what the host answers without waiting.
#[expect(
    clippy::expect_used,
    reason = "the host's table says which calls it answers without waiting; a guess in their place could be a weak random number"
)]
fn at_once<T>(answer: impl Future<Output = wasmtime::Result<T>>) -> T {
    answer
        .now_or_never()
        .expect("clocks and random numbers are answered without waiting")
        .expect("clocks and random numbers have an answer")
}
