//! One session on a console: a socket in a directory that only this user can enter, for one client, once.
//!
//! libvirt's streams block, so a serial line has a thread for each direction. The session ends when either side does; it
//! also ends when nobody came in time, and the directory goes with it. It lives in this process: a program that opens a
//! console stays until its user is done.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::UnixListener;
use virt::stream::Stream;

use crate::contract::Error;

use super::connection::SharedConnect;
use super::ffi::{self, Owned};
use super::metadata;

/// How long a client may take to come.
const CLIENT_LIMIT: Duration = Duration::from_secs(60);
/// What is moved at once.
const PIECE_BYTES: usize = 16 << 10;

/// A socket that waits for its client.
pub(super) struct Session {
    directory: TempDir,
    listener: UnixListener,
}

/// The VM's side of a session.
pub(super) enum SessionEnd {
    /// A socket of QEMU.
    Descriptor(OwnedFd),
    /// A stream of libvirt, on a connection that must stay open.
    Stream(SharedConnect, Owned<Stream>),
}

impl Session {
    /// A new socket.
    ///
    /// # Errors
    /// When this host cannot make one.
    pub(super) fn new() -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::internal(format!("cannot make a socket for the console: {error}"));
        // Its mode is 0700: whoever reaches the socket has the console.
        let directory = tempfile::Builder::new()
            .prefix("stockade-console-")
            .tempdir()
            .map_err(failed)?;
        let listener = UnixListener::bind(directory.path().join("socket")).map_err(failed)?;
        Ok(Self { directory, listener })
    }

    /// The socket's path.
    pub(super) fn path(&self) -> String {
        self.directory.path().join("socket").display().to_string()
    }

    /// Connects the client that comes with the VM's side. The answer is when it no longer waits.
    pub(super) fn serve(self, end: SessionEnd) -> Option<String> {
        let limit = time::OffsetDateTime::now_utc() + CLIENT_LIMIT;
        tokio::spawn(async move {
            let Self { directory, listener } = self;
            let client = tokio::time::timeout(CLIENT_LIMIT, listener.accept()).await;
            // Nobody else may come: the name goes with its directory.
            drop((listener, directory));
            let Ok(Ok((client, _))) = client else {
                close(end);
                return;
            };
            match end {
                SessionEnd::Descriptor(descriptor) => join_descriptor(client, descriptor).await,
                SessionEnd::Stream(connect, stream) => match client.into_std() {
                    Ok(client) => join_stream(client, connect, stream),
                    Err(error) => {
                        tracing::debug!(%error, "a console's client cannot be served");
                        ffi::abort_stream(&stream);
                    }
                },
            }
        });
        metadata::time_of_seconds(limit.unix_timestamp())
    }
}

fn close(end: SessionEnd) {
    if let SessionEnd::Stream(_connect, stream) = end {
        ffi::abort_stream(&stream);
    }
}

async fn join_descriptor(mut client: tokio::net::UnixStream, descriptor: OwnedFd) {
    let screen = UnixStream::from(descriptor);
    let screen = screen
        .set_nonblocking(true)
        .and_then(|()| tokio::net::UnixStream::from_std(screen));
    let joined = match screen {
        Ok(mut screen) => tokio::io::copy_bidirectional(&mut client, &mut screen).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = joined {
        tracing::debug!(%error, "a console's session ended");
    }
}

/// Two threads, because libvirt's calls block: one hears the VM, one speaks to it.
fn join_stream(client: UnixStream, connect: SharedConnect, stream: Owned<Stream>) {
    let Ok(hearing) = client.set_nonblocking(false).and_then(|()| client.try_clone()) else {
        ffi::abort_stream(&stream);
        return;
    };
    let stream = Arc::new(stream);
    let (heard, kept) = (Arc::clone(&stream), Arc::clone(&connect));
    std::thread::spawn(move || {
        hear(&heard, &hearing);
        // Wakes the other thread.
        let _ = hearing.shutdown(Shutdown::Both);
        drop((heard, kept));
    });
    std::thread::spawn(move || {
        speak(&stream, &client);
        // Wakes the other thread.
        ffi::abort_stream(&stream);
        let _ = client.shutdown(Shutdown::Both);
        drop((stream, connect));
    });
}

fn hear(stream: &Stream, mut client: &UnixStream) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(count @ 1..) = stream.recv(&mut piece) {
        if client.write_all(piece.get(..count).unwrap_or_default()).is_err() {
            return;
        }
    }
}

fn speak(stream: &Stream, mut client: &UnixStream) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(count @ 1..) = client.read(&mut piece) {
        let mut rest = piece.get(..count).unwrap_or_default();
        while !rest.is_empty() {
            match stream.send(rest) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(_) => return,
            }
        }
    }
}
