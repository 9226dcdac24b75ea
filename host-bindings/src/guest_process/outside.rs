//! The parent's side of a guest's process: starts it, gives it its call, and answers what the guest asks for.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::keeper::Process;
use super::wire::{FromChild, LENGTH_BYTES, Order, Setup, frame, length, max_frame_bytes, parse};
use crate::child::{self, ChildRole};
use crate::component::{Failure, Function, LoadedComponent};
use crate::host_calls::CallHost;
use crate::limits::GuestLimits;

/// A process that is locked down and waits for its call.
pub(crate) struct GuestProcess {
    process: Process,
    socket: UnixStream,
    most: usize,
}

impl GuestProcess {
    /// Starts one. It is killed when this is dropped.
    ///
    /// # Errors
    /// When it cannot be started or cannot lock itself down.
    pub(crate) async fn start(component: &LoadedComponent, limits: &GuestLimits) -> Result<Self, Failure> {
        let mut guest = Self::spawn(component, limits)
            .await
            .map_err(|error| Failure::Other(format!("its process cannot be started: {error}")))?;
        let setup = Setup { limits: limits.clone() };
        let frame = match guest.exchange(&setup, &[]).await {
            Ok(frame) => frame,
            Err(error) => return Err(guest.died(&error).await),
        };
        match parse(&frame) {
            Ok((FromChild::Ready, [])) => Ok(guest),
            Ok((FromChild::Refused(why), [])) => Err(Failure::Other(format!(
                "its process cannot be confined, so nothing of it was run: {why}; \
                 `isolation = \"in-process\"` in the connection's file does without the second wall"
            ))),
            _ => Err(nonsense()),
        }
    }

    /// Has the guest answer a call. What it asks for meanwhile is decided by `host`.
    ///
    /// # Errors
    /// When the guest fails, or its process does.
    pub(crate) async fn run(
        mut self,
        host: &CallHost,
        function: Function,
        arguments: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let order = Order {
            ability: function.ability,
            function: function.name.to_owned(),
        };
        let mut received = self.exchange(&order, arguments).await;
        loop {
            let frame = match received {
                Ok(frame) => frame,
                Err(error) => return Err(self.died(&error).await),
            };
            received = match parse(&frame) {
                Ok((FromChild::Call(call), [])) => {
                    let answer = host.perform(call).await;
                    self.exchange(&answer, &[]).await
                }
                Ok((FromChild::Answer, answer)) => return Ok(answer.to_vec()),
                Ok((FromChild::Failed(failure), [])) => return Err(failure),
                _ => return Err(nonsense()),
            };
        }
    }

    async fn spawn(component: &LoadedComponent, limits: &GuestLimits) -> io::Result<Self> {
        let (ours, theirs) = Socket::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = child::command(ChildRole::Guest)?;
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(component.code()?.try_clone()?))
            .stderr(Stdio::null());
        Ok(Self {
            process: Process::start(command).await?,
            socket: UnixStream::from_std(ours)?,
            most: max_frame_bytes(limits),
        })
    }

    /// Sends a frame and waits for the next.
    async fn exchange<T: Serialize>(&mut self, message: &T, payload: &[u8]) -> io::Result<Vec<u8>> {
        self.socket.write_all(&frame(message, payload)?).await?;
        let mut announced = [0; LENGTH_BYTES];
        self.socket.read_exact(&mut announced).await?;
        let length = length(announced, self.most)?;
        // The buffer grows with what arrives, not with what was announced.
        let mut frame = Vec::new();
        (&mut self.socket).take(length as u64).read_to_end(&mut frame).await?;
        if frame.len() == length {
            Ok(frame)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    /// Why the process does not talk any more.
    async fn died(self, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::InvalidData {
            return nonsense();
        }
        // A process closes its files after it is known how it ended: ending it now changes nothing of that.
        match self.process.end().await {
            Ok(status) => Failure::Other(ending(status)),
            Err(error) => Failure::Other(format!("its process cannot be waited for: {error}")),
        }
    }
}

/// How a process ended that should have answered.
fn ending(status: ExitStatus) -> String {
    match status.signal() {
        Some(libc::SIGSYS) => {
            "its process was killed by SIGSYS: it used a system call that the second wall does not leave it".to_owned()
        }
        Some(libc::SIGXCPU | libc::SIGKILL) => format!(
            "its process was killed by {}: it computed for too long, or the system ran out of memory",
            if status.signal() == Some(libc::SIGKILL) {
                "SIGKILL"
            } else {
                "SIGXCPU"
            },
        ),
        Some(signal) => format!("its process was killed by signal {signal}: it crashed"),
        None => format!("its process ended with {status} instead of an answer"),
    }
}

/// The process says what no process of ours says.
fn nonsense() -> Failure {
    Failure::other("its process sent a message that makes no sense, and was ended")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::*;
    use crate::call::Call;
    use crate::connection::Connection;
    use crate::contract::Ability;

    /// What comes of a call when the process says this, and then nothing more.
    async fn outcome(said: &[u8]) -> Result<Vec<u8>, Failure> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let guest = GuestProcess {
            process: Process::start(Command::new("true")).await.unwrap(),
            socket: ours,
            most: max_frame_bytes(&GuestLimits::default()),
        };
        guest.process.wait_until_ended();
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        let function = Function {
            ability: Ability::Vms,
            name: "list-vms",
        };
        let connection = Arc::new(Connection::without_grants("test"));
        let host = CallHost::new(connection, Call::default(), function, &crate::limits::Room::new(0));
        guest.run(&host, function, &[]).await
    }

    fn words(outcome: Result<Vec<u8>, Failure>) -> String {
        match outcome {
            Err(Failure::Other(words)) => words,
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_a_process_says_is_believed_only_as_far_as_it_makes_sense() {
        let answer = frame(&FromChild::Answer, b"the answer").unwrap();
        assert_eq!(outcome(&answer).await, Ok(b"the answer".to_vec()));
        let failed = frame(&FromChild::Failed(Failure::Stack), &[]).unwrap();
        assert_eq!(outcome(&failed).await, Err(Failure::Stack));

        let most = u32::try_from(max_frame_bytes(&GuestLimits::default())).unwrap();
        let trailing = frame(&FromChild::Failed(Failure::Stack), b"more").unwrap();
        for nonsense in [
            &u32::MAX.to_le_bytes()[..],
            &(most + 1).to_le_bytes(),
            // No such message; a string longer than the frame; a message that belongs to the beginning.
            &[1, 0, 0, 0, 99],
            &[6, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[1, 0, 0, 0, 0],
            &[0, 0, 0, 0],
            &trailing,
        ] {
            let told = words(outcome(nonsense).await);
            assert!(told.contains("makes no sense"), "{nonsense:?}: {told}");
        }
        for silence in [&[][..], &[4, 0], &most.to_le_bytes(), &answer[..answer.len() - 1]] {
            let told = words(outcome(silence).await);
            assert!(told.contains("instead of an answer"), "{silence:?}: {told}");
        }
    }

    #[test]
    fn every_end_of_a_process_has_words() {
        for (status, told) in [
            (libc::SIGSYS, "SIGSYS"),
            (libc::SIGKILL, "SIGKILL"),
            (libc::SIGXCPU, "SIGXCPU"),
            (libc::SIGSEGV, "signal 11"),
            (101 << 8, "exit status: 101"),
        ] {
            let words = ending(ExitStatus::from_raw(status));
            assert!(words.contains(told), "{words}");
        }
    }
}
