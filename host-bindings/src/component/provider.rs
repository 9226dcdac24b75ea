//! Calls a component's functions, each on a fresh instance, under its connection's limits, here or in a process of its own.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::export::Export;
use super::failure::{self, Failure};
use super::guest::Guest;
use super::loaded::LoadedComponent;
use crate::call::Call;
use crate::connection::{Connection, Isolation};
use crate::contract::{Error, ErrorKind};
use crate::guest_process::GuestProcess;
use crate::host_calls::{CallHost, Host};
use crate::limits::MAX_QUEUE_TIME;
use crate::text::clean;

/// A component used through a connection.
pub struct ComponentProvider {
    component: Arc<LoadedComponent>,
    connection: Arc<Connection>,
    turns: Semaphore,
}

impl ComponentProvider {
    /// Uses a component through a connection.
    pub fn new(component: Arc<LoadedComponent>, connection: Arc<Connection>) -> Self {
        let turns = Semaphore::new(connection.limits.concurrent_calls.max(1) as usize);
        Self {
            component,
            connection,
            turns,
        }
    }

    /// The component.
    pub fn component(&self) -> &LoadedComponent {
        &self.component
    }

    /// Calls a function. `arguments` may lend blobs to the guest for the time of the call.
    pub(crate) async fn invoke<E: Export>(
        &self,
        call: &Call,
        arguments: impl FnOnce(&CallHost) -> E::Sent + Send,
    ) -> Result<E::Answer, Error> {
        if self.component.export(E::FUNCTION).is_none() {
            return Err(Error::unsupported(E::FUNCTION.name));
        }
        let _turn = self.wait_for_turn().await?;
        let host = Arc::new(CallHost::new(Arc::clone(&self.connection), call.clone(), E::FUNCTION));
        let sent = arguments(&host);
        let answer = tokio::time::timeout(call.timeout, self.run::<E>(&host, sent)).await;
        host.finish();
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(failure.describe(E::FUNCTION, &self.connection)),
            Err(_) => Err(failure::timed_out(E::FUNCTION, call.timeout)),
        }
    }

    async fn run<E: Export>(&self, host: &Arc<CallHost>, sent: E::Sent) -> Result<E::Answer, Failure> {
        let limits = &self.connection.limits;
        match self.connection.isolation {
            Isolation::InProcess => {
                let guest = Guest::new(&self.component, Host::Here(Arc::clone(host)), limits);
                guest.call::<E>(sent).await
            }
            Isolation::Process => {
                let arguments = postcard::to_stdvec(&sent).map_err(Failure::other)?;
                let process = GuestProcess::start(&self.component, limits).await?;
                let answer = process.run(host, E::FUNCTION, &arguments).await?;
                postcard::from_bytes(&answer).map_err(|_| Failure::other("its process answered with something else"))
            }
        }
    }

    /// The guest's own error, with words that are fit for a line of a terminal or a log.
    pub(crate) fn readable(&self, error: Error) -> Error {
        let limit = self.connection.limits.log_line_bytes as usize;
        Error {
            message: clean(&error.message, limit),
            request_id: error.request_id.map(|id| clean(&id, limit)),
            ..error
        }
    }

    async fn wait_for_turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Error> {
        let connection = &self.connection.name;
        match tokio::time::timeout(MAX_QUEUE_TIME, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Error::new(
                ErrorKind::RateLimited(None),
                format!("connection `{connection}` is busy: all its calls take longer than expected; try again later"),
            )),
        }
    }
}
