//! One instance of a component for one call, under its limits. It runs in the host's process or in one of its own, and
//! knows no difference: what it asks for goes to its [`Host`].

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use wasmtime::{Store, UpdateDeadline};

use super::export::{Export, Handles};
use super::failure::Failure;
use super::loaded::LoadedComponent;
use super::store::CallState;
use crate::host_calls::Host;
use crate::limits::GuestLimits;

/// A guest that has not run yet.
pub(crate) struct Guest<'a> {
    component: &'a LoadedComponent,
    store: Store<CallState>,
}

impl<'a> Guest<'a> {
    pub(crate) fn new(component: &'a LoadedComponent, host: Host, limits: &GuestLimits) -> Self {
        let engine = component.engine();
        engine.start_ticker();
        let mut store = Store::new(engine.wasmtime(), CallState::new(host, limits));
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel((limits.host_data_mib as usize) << 20);
        store.set_max_component_handles(limits.handles as usize);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().cpu.tick()?;
            Ok(UpdateDeadline::Yield(1))
        });
        Self { component, store }
    }

    /// Calls a function.
    pub(crate) async fn call<E: Export>(mut self, sent: E::Sent) -> Result<E::Answer, Failure> {
        match self.enter::<E>(sent).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(Failure::of(&error, self.store.data())),
        }
    }

    /// Calls a function with arguments from another process, and answers with what can go back there.
    pub(crate) fn serve<E: Export>(self, arguments: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Failure>>
    where
        E::Sent: 'a,
    {
        async move {
            let sent = postcard::from_bytes(arguments).map_err(Failure::other)?;
            let answer = self.call::<E>(sent).await?;
            postcard::to_stdvec(&answer).map_err(Failure::other)
        }
        .boxed()
    }

    async fn enter<E: Export>(&mut self, sent: E::Sent) -> wasmtime::Result<E::Answer> {
        let export = self.component.export(E::FUNCTION);
        let export = export.ok_or_else(|| wasmtime::format_err!("it does not export `{}`", E::FUNCTION.name))?;
        let store = &mut self.store;
        let instance = self.component.instance_pre().instantiate_async(&mut *store).await?;
        let typed = instance.get_typed_func::<E::Arguments, E::Answer>(&mut *store, export)?;
        let arguments = E::arguments(
            sent,
            &mut Handles {
                table: &mut store.data_mut().table,
            },
        )?;
        typed.call_async(store, arguments).await
    }
}
