//! Reading lists from handlers.
//!
//! Services read lists with async closures that borrow, and the compiler cannot prove those futures `Send` for every
//! lifetime (<https://github.com/rust-lang/rust/issues/110338>), which a handler's future must be. So a list is read on a
//! thread of its own, where its future need not move. When services no longer need it, this file goes.

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::problem::{Problem, ProblemKind};

/// Reads a list. When the caller goes away, so does the reading.
pub(super) async fn reading<T, R>(read: R) -> Result<T, Problem>
where
    T: Send + 'static,
    R: AsyncFnOnce() -> T + Send + 'static,
{
    let (runtime, span) = (Handle::current(), tracing::Span::current());
    let (caller, caller_gone) = oneshot::channel::<()>();
    let list = tokio::task::spawn_blocking(move || {
        let read = async move {
            tokio::select! {
                list = read() => Some(list),
                _ = caller_gone => None,
            }
        };
        runtime.block_on(read.instrument(span))
    });
    let list = list.await;
    drop(caller);
    match list {
        Ok(Some(list)) => Ok(list),
        Ok(None) => Err(Problem::new(ProblemKind::Internal, "the reading was given up")),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Problem::new(
                ProblemKind::Internal,
                format!("the reading was given up: {error}"),
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_that_goes_away_ends_the_reading() {
        let (started, has_started) = oneshot::channel();
        let (held, ended) = oneshot::channel::<()>();
        let caller = tokio::spawn(reading(async move || {
            let _held = held;
            let _ = started.send(());
            std::future::pending::<()>().await;
        }));
        has_started.await.unwrap();
        caller.abort();
        ended.await.unwrap_err();
    }
}
