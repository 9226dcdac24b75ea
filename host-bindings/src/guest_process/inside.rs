//! The child: loads the component, locks itself down, runs one call, and ends.
//!
//! Standard input is the socket to the parent, standard output the compiled component. Before the wall is closed the child
//! has read nothing that a guest has made, but the compiled code, which the parent vouches for.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::Resource;

use super::wire::{FromChild, LENGTH_BYTES, Order, Setup, frame, length, max_frame_bytes, parse};
use crate::artifact::load_from_parent;
use crate::child::ChildRole;
use crate::component::{Failure, Function, Guest, LoadedComponent};
use crate::contract::serve;
use crate::engine::{Engine, EngineProfile};
use crate::host_calls::{Host, HostAnswer, HostCall};
use crate::limits::{GuestLimits, HostDataExhausted};
use crate::lockdown;

/// The compiled component: standard output, opened anew.
const CODE: &str = "/proc/self/fd/1";

/// Writable memory of the process beside what the guest and its data may use, in bytes: the allocator's, stacks, and what
/// is copied on the way to the parent.
const OWN_MEMORY_BYTES: u64 = 64 << 20;

/// Computing time beside the guest's own, in seconds: starting, and what the guest's requests cost.
const OWN_CPU_SECONDS: u64 = 10;

/// The socket to the parent. Waiting for an answer blocks: nothing else happens in the child meanwhile.
pub(crate) struct Parent {
    socket: Mutex<File>,
    most: usize,
}

impl Parent {
    /// Has the parent do something.
    pub(crate) fn ask(&self, call: HostCall) -> wasmtime::Result<HostAnswer> {
        self.send(&FromChild::Call(call), &[])?;
        let answer = receive(&mut *self.socket())?;
        Ok(parse(&answer)?.0)
    }

    fn send(&self, message: &FromChild, payload: &[u8]) -> wasmtime::Result<()> {
        let frame = frame(message, payload)?;
        if frame.len() - LENGTH_BYTES > self.most {
            return Err(HostDataExhausted.into());
        }
        self.socket().write_all(&frame)?;
        Ok(())
    }

    fn socket(&self) -> MutexGuard<'_, File> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a child that was asked to run a guest does.
pub(crate) fn run_guest() -> ExitCode {
    match serve_parent() {
        Ok(()) => ExitCode::SUCCESS,
        // The parent is gone or does not listen: there is nobody to tell.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve_parent() -> wasmtime::Result<()> {
    let left = lockdown::leave_the_parent().and_then(|()| lockdown::hide_memory());
    let mut socket = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let setup = receive(&mut socket)?;
    let limits = parse::<Setup>(&setup)?.0.limits;
    let parent = Arc::new(Parent {
        socket: Mutex::new(socket),
        most: max_frame_bytes(&limits),
    });
    let prepared = left.map_err(wasmtime::Error::from).and_then(|()| prepare(&limits));
    let (component, executor) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return parent.send(&FromChild::Refused(format!("{error:#}")), &[]),
    };
    parent.send(&FromChild::Ready, &[])?;

    let order = receive(&mut *parent.socket())?;
    let (order, arguments) = parse::<Order>(&order)?;
    let guest = Guest::new(&component, Host::Parent(Arc::clone(&parent)), &limits);
    let answer = Function::find(order.ability, &order.function)
        .and_then(|function| serve(guest, function, arguments))
        .map_or_else(
            || Err(Failure::other("it has no such function")),
            |call| executor.block_on(call),
        );
    match answer {
        Ok(answer) if answer.len() < parent.most => parent.send(&FromChild::Answer, &answer),
        Ok(_) => parent.send(&FromChild::Failed(Failure::HostData), &[]),
        Err(failure) => parent.send(&FromChild::Failed(failure), &[]),
    }
}

/// Loads what the parent vouches for, then closes the wall for good.
fn prepare(limits: &GuestLimits) -> wasmtime::Result<(LoadedComponent, tokio::runtime::Runtime)> {
    let engine = Engine::new(EngineProfile::Command)?;
    let component = load_from_parent(&engine, Path::new(CODE))?;
    let component = LoadedComponent::new(&engine, &component, String::new())?;
    lockdown::deny_files()?;
    // The only other thread: it counts computing time. Started behind the first part of the wall, which holds for one
    // thread and those that it starts; the second part holds for all.
    engine.start_ticker();
    let executor = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let guest_bytes = u64::from(limits.memory_mib) + 4 * u64::from(limits.host_data_mib) << 20;
    lockdown::limit(&[
        (Resource::Data, guest_bytes + OWN_MEMORY_BYTES),
        (
            Resource::Cpu,
            u64::from(limits.cpu_ms).div_ceil(1_000) + OWN_CPU_SECONDS,
        ),
        (Resource::Nofile, 0),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ])?;
    lockdown::deny_system_calls(ChildRole::Guest)?;
    Ok((component, executor))
}

/// Reads one frame of the parent, which is trusted and so may be as long as it says.
fn receive(socket: &mut File) -> io::Result<Vec<u8>> {
    let mut announced = [0; LENGTH_BYTES];
    socket.read_exact(&mut announced)?;
    let mut frame = vec![0; length(announced, usize::MAX)?];
    socket.read_exact(&mut frame)?;
    Ok(frame)
}
