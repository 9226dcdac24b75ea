//! Keeps the list of VMs of a running server: read once, then corrected whenever libvirt tells that something changed.
//!
//! One thread for each connection of a server, or of a command that asks for events. It subscribes first, reads everything
//! then, and works through the events that came meanwhile, so that none is missed; each event has it read that VM anew,
//! because events tell less than a list shows. libvirt tells nothing of addresses that networks hand out: those are read
//! every two seconds while a VM runs. When the daemon goes away there is no list until everything was read again from the
//! next one.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::contract::Vm;

use super::connection::{Connection, SharedConnect};
use super::error::{Doing as _, Fault, library_error};
use super::ffi_events::{self, Event, Listener, Subscription};
use super::happenings::Happenings;
use super::inventory::Inventory;
use super::library;

/// How old what is known about leases may be.
const LEASE_PERIOD: Duration = Duration::from_secs(2);
/// The pause before the daemon is looked for again after it went away; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a reader waits until its own change is in the list.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

/// What is known.
#[derive(Clone)]
enum State {
    /// The first reading goes on.
    Reading,
    /// Every VM, sorted by name.
    Known(Arc<[Vm]>),
    /// The daemon does not answer.
    Lost,
}

/// What the thread is told.
enum Notice {
    Event(Event),
    /// Something was changed by us: look at all states, and say when that is done.
    Settle(oneshot::Sender<()>),
    Stop,
}

/// A list that is kept. Ends with its value.
pub(super) struct Watch {
    state: watch::Receiver<State>,
    notices: Sender<Notice>,
    happenings: Arc<Happenings>,
}

impl Watch {
    /// Starts to keep the list of a connection.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(connection: &Arc<Connection>) -> std::io::Result<Self> {
        let (publish, state) = watch::channel(State::Reading);
        let (notices, received) = mpsc::channel();
        let happenings = Arc::new(Happenings::new());
        let keeper = Keeper {
            connection: Arc::downgrade(connection),
            notices: notices.clone(),
            received,
            publish,
            happenings: Arc::clone(&happenings),
        };
        let thread = std::thread::Builder::new().name("libvirt-watch".to_owned());
        thread.spawn(move || keeper.run())?;
        Ok(Self {
            state,
            notices,
            happenings,
        })
    }

    /// Every VM, sorted by name, without asking libvirt; waits only for the first reading. None when the daemon does not
    /// answer: whoever asks it then learns why.
    pub(super) async fn vms(&self, limit: Duration) -> Option<Arc<[Vm]>> {
        let mut state = self.state.clone();
        let known = tokio::time::timeout(limit, state.wait_for(|state| !matches!(state, State::Reading))).await;
        match &*known.ok()?.ok()? {
            State::Known(vms) => Some(Arc::clone(vms)),
            State::Reading | State::Lost => None,
        }
    }

    /// Waits until the list shows what was changed before this call.
    pub(super) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.notices.send(Notice::Settle(done)).is_ok() {
            // Not done when the daemon is lost: then there is no list that could show something else.
            let _ = tokio::time::timeout(SETTLE_LIMIT, settled).await;
        }
    }

    /// What happened to VMs.
    pub(super) fn happenings(&self) -> &Happenings {
        &self.happenings
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.notices.send(Notice::Stop);
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Why the thread leaves a daemon.
enum Leave {
    /// Nobody needs the list any more.
    Stop,
    /// The daemon is gone.
    Lost,
}

/// What the thread owns.
struct Keeper {
    /// Weak: a connection that nobody uses any more ends, and its thread with it.
    connection: Weak<Connection>,
    notices: Sender<Notice>,
    received: Receiver<Notice>,
    publish: watch::Sender<State>,
    happenings: Arc<Happenings>,
}

impl Keeper {
    fn run(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            match self.follow() {
                Ok(Leave::Stop) => return,
                Ok(Leave::Lost) => {}
                Err(fault) => tracing::debug!(error = %fault.error, "libvirt's VMs cannot be followed now"),
            }
            self.publish.send_replace(State::Lost);
            self.happenings.lose();
            // One that was there for a while is looked for at once.
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            if self.stopped_within(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits, and takes no notice of anything but the end.
    fn stopped_within(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            match self
                .received
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(Notice::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(Notice::Event(_) | Notice::Settle(_)) => {}
                Err(RecvTimeoutError::Timeout) => return self.connection.strong_count() == 0,
            }
        }
    }

    /// Follows one daemon until it goes away.
    fn follow(&self) -> Result<Leave, Fault> {
        library::load().map_err(library_error)?;
        ffi_events::run_loop()?;
        let connect = match self.connection.upgrade() {
            Some(connection) => connection.connect()?,
            None => return Ok(Leave::Stop),
        };
        let sender = self.notices.clone();
        let listener: Listener = Arc::new(move |event| {
            // Nobody listens any more when the thread has ended.
            let _ = sender.send(Notice::Event(event));
        });
        let _subscription = Subscription::new(&connect, &listener).doing("follow", "vms of", "this host")?;
        let mut inventory = Inventory::read(&connect)?;
        self.show(&inventory);
        let mut leases_due = Instant::now() + LEASE_PERIOD;
        loop {
            let left = leases_due.saturating_duration_since(Instant::now());
            let mut touched = Touched::default();
            match self.received.recv_timeout(left) {
                Ok(notice) => touched.add(notice, &self.happenings),
                Err(RecvTimeoutError::Timeout) => {
                    leases_due = Instant::now() + LEASE_PERIOD;
                    if !connect.is_alive().unwrap_or(false) {
                        return Ok(Leave::Lost);
                    }
                    if inventory.read_leases(&connect) {
                        self.show(&inventory);
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Leave::Stop),
            }
            // One action of a person is several events: what is there already is worked through together.
            while let Ok(notice) = self.received.try_recv() {
                touched.add(notice, &self.happenings);
            }
            if let Some(leave) = touched.leave {
                return Ok(leave);
            }
            correct(&mut inventory, &connect, &touched)?;
            self.show(&inventory);
            for done in touched.settle {
                // Whoever waited may have given up.
                let _ = done.send(());
            }
        }
    }

    fn show(&self, inventory: &Inventory) {
        self.publish.send_replace(State::Known(inventory.vms().into()));
    }
}

/// What several notices come to.
#[derive(Default)]
struct Touched {
    vms: BTreeSet<String>,
    settle: Vec<oneshot::Sender<()>>,
    leave: Option<Leave>,
}

impl Touched {
    fn add(&mut self, notice: Notice, happenings: &Happenings) {
        match notice {
            Notice::Event(Event::Vm { uuid, name, what }) => {
                happenings.add(&name, what);
                self.vms.insert(uuid);
            }
            Notice::Event(Event::Closed) => self.leave = Some(self.leave.take().unwrap_or(Leave::Lost)),
            Notice::Settle(done) => self.settle.push(done),
            Notice::Stop => self.leave = Some(Leave::Stop),
        }
    }
}

fn correct(inventory: &mut Inventory, connect: &SharedConnect, touched: &Touched) -> Result<(), Fault> {
    for uuid in &touched.vms {
        inventory.read_vm(connect, uuid)?;
    }
    if !touched.settle.is_empty() {
        inventory.read_states(connect)?;
    }
    Ok(())
}
