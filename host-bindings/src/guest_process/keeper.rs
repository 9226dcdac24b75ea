//! Starting and ending children, on two threads that live as long as this process.
//!
//! The kernel ends a child with the *thread* that started it (prctl(2), `PR_SET_PDEATHSIG`), so that must not be one that an
//! executor gives up when it is idle. And a child is killed and waited for whatever happens to the call that it ran,
//! even when the executor itself is gone.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{LazyLock, mpsc};

use tokio::sync::oneshot;

type Start = (Command, oneshot::Sender<io::Result<Process>>);
type End = (Child, Option<oneshot::Sender<io::Result<ExitStatus>>>);

static STARTER: LazyLock<Option<mpsc::Sender<Start>>> = LazyLock::new(|| {
    keeper("start", |(mut command, started): Start| {
        let process = command.spawn().map(|child| Process { child: Some(child) });
        // Nobody may wait for it any more: then it is dropped, which ends it.
        let _ = started.send(process);
    })
});

static ENDER: LazyLock<Option<mpsc::Sender<End>>> = LazyLock::new(|| {
    keeper("end", |(mut child, ended): End| {
        let status = child.kill().and_then(|()| child.wait());
        if let Some(ended) = ended {
            let _ = ended.send(status);
        }
    })
});

/// A child. When it is dropped it is killed, and waited for elsewhere.
#[derive(Debug)]
pub(super) struct Process {
    child: Option<Child>,
}

impl Process {
    /// Starts a child.
    pub(super) async fn start(command: Command) -> io::Result<Self> {
        let (started, starting) = oneshot::channel();
        let starter = STARTER.as_ref().ok_or_else(no_thread)?;
        starter.send((command, started)).map_err(|_| no_thread())?;
        starting.await.map_err(|_| no_thread())?
    }

    /// Ends it if it has not ended by itself, and tells how it did.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        let (ended, ending) = oneshot::channel();
        self.hand_over(Some(ended));
        ending.await.map_err(|_| no_thread())?
    }

    /// Waits until it has ended by itself, without taking notice of how.
    #[cfg(test)]
    pub(super) fn wait_until_ended(&self) {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let id = self.child.as_ref().map(Child::id).unwrap();
        let id = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    }

    fn hand_over(&mut self, ended: Option<oneshot::Sender<io::Result<ExitStatus>>>) {
        if let (Some(child), Some(ender)) = (self.child.take(), &*ENDER) {
            let _ = ender.send((child, ended));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.hand_over(None);
    }
}

/// Starts a thread that works through what it is sent.
fn keeper<T: Send + 'static>(name: &str, work: impl Fn(T) + Send + 'static) -> Option<mpsc::Sender<T>> {
    let (sender, receiver) = mpsc::channel();
    let work = move || receiver.into_iter().for_each(work);
    let thread = std::thread::Builder::new().name(format!("{name}-guests")).spawn(work);
    thread.ok().map(|_| sender)
}

fn no_thread() -> io::Error {
    io::Error::other("the thread that keeps child processes does not run")
}
