//! Calls a component's functions, each on a fresh instance, under its connection's limits.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{ComponentNamedList, Lift, Lower, Resource};
use wasmtime::{Store, UpdateDeadline};

use super::Function;
use super::failure;
use super::loaded::LoadedComponent;
use super::store::CallState;
use crate::admission::Line;
use crate::blobs::Blob;
use crate::call::Call;
use crate::connection::Connection;
use crate::contract::Error;
use crate::text::clean;

/// A component used through a connection.
pub struct ComponentProvider {
    component: Arc<LoadedComponent>,
    connection: Arc<Connection>,
    line: Line,
}

impl ComponentProvider {
    /// Uses a component through a connection.
    pub fn new(component: Arc<LoadedComponent>, connection: Arc<Connection>) -> Self {
        let line = component
            .engine()
            .admission()
            .line(&connection.name, &connection.limits);
        Self {
            component,
            connection,
            line,
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
        let _turn = self.line.enter().await?;
        let mut store = self.new_store(call);
        let work = async {
            let instance = self.component.instance_pre().instantiate_async(&mut store).await?;
            let typed = instance.get_typed_func::<Arguments, Answer>(&mut store, export)?;
            let arguments = arguments(&mut BlobLender {
                state: store.data_mut(),
            })?;
            typed.call_async(&mut store, arguments).await
        };
        let answer = tokio::time::timeout(call.timeout, work).await;
        store.data_mut().finish();
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure::describe(&error, function, store.data())),
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

    fn new_store(&self, call: &Call) -> Store<CallState> {
        let engine = self.component.engine();
        engine.start_ticker();
        let limits = &self.connection.limits;
        let mut store = Store::new(
            engine.wasmtime(),
            CallState::new(Arc::clone(&self.connection), call.clone(), engine.admission().scratch()),
        );
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel((limits.host_data_mib as usize) << 20);
        store.set_max_component_handles(limits.handles as usize);
        store.set_epoch_deadline(1);
        let (engine, number) = (engine.clone(), self.line.number());
        store.epoch_deadline_callback(move |mut context| {
            context.data_mut().cpu.tick()?;
            Ok(match engine.admission().pacer().tick(number) {
                Duration::ZERO => UpdateDeadline::Yield(1),
                rest => UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep(rest))),
            })
        });
        store
    }
}

/// Lends blobs to a guest: it can use the handle during the call and cannot keep it.
pub struct BlobLender<'a> {
    state: &'a mut CallState,
}

impl BlobLender<'_> {
    pub(crate) fn lend(&mut self, blob: Blob) -> wasmtime::Result<Resource<Blob>> {
        let owned = self.state.table.push(blob)?;
        Ok(Resource::new_borrow(owned.rep()))
    }
}
