//! Calls a component's functions, each on a fresh instance, under its connection's limits.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{ComponentNamedList, Lift, Lower, Resource, ResourceTable};
use wasmtime::{Store, UpdateDeadline};

use super::Function;
use super::failure;
use super::loaded::LoadedComponent;
use super::store::CallState;
use crate::blobs::{Blob, BlobId};
use crate::call::Call;
use crate::connection::Connection;
use crate::contract::{Error, ErrorKind};
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
    pub(crate) async fn invoke<Arguments, Answer>(
        &self,
        call: &Call,
        function: Function,
        arguments: impl FnOnce(&mut BlobLender<'_>) -> wasmtime::Result<Arguments> + Send,
    ) -> Result<Answer, Error>
    where
        Arguments: ComponentNamedList + Lower + Send + Sync + 'static,
        Answer: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let Some(export) = self.component.export(function) else {
            return Err(Error::unsupported(function.name));
        };
        let _turn = self.wait_for_turn().await?;
        let host = Arc::new(CallHost::new(Arc::clone(&self.connection), call.clone(), function));
        let mut store = self.new_store(Host::Here(Arc::clone(&host)));
        let work = async {
            let instance = self.component.instance_pre().instantiate_async(&mut store).await?;
            let typed = instance.get_typed_func::<Arguments, Answer>(&mut store, export)?;
            let arguments = arguments(&mut BlobLender {
                host: &host,
                table: &mut store.data_mut().table,
            })?;
            typed.call_async(&mut store, arguments).await
        };
        let answer = tokio::time::timeout(call.timeout, work).await;
        host.finish()?;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure::describe(&error, function, &self.connection, store.data())),
            Err(_) => Err(failure::timed_out(function, call.timeout)),
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

    fn new_store(&self, host: Host) -> Store<CallState> {
        let engine = self.component.engine();
        engine.start_ticker();
        let limits = &self.connection.limits;
        let mut store = Store::new(engine.wasmtime(), CallState::new(host, limits));
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel((limits.host_data_mib as usize) << 20);
        store.set_max_component_handles(limits.handles as usize);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().cpu.tick()?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// Lends blobs to a guest: it can use the handle during the call and cannot keep it.
pub struct BlobLender<'a> {
    host: &'a CallHost,
    table: &'a mut ResourceTable,
}

impl BlobLender<'_> {
    pub(crate) fn lend(&mut self, blob: Blob) -> wasmtime::Result<Resource<BlobId>> {
        let owned = self.table.push(self.host.lend(blob))?;
        Ok(Resource::new_borrow(owned.rep()))
    }
}
