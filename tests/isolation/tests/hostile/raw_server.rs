//! A loopback server that answers byte for byte what a trial says, keeps connections open, and sees how they end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// After this something that must happen will not.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server saw.
#[derive(Default)]
struct Seen {
    /// Each request's head, and the client's port that it came from.
    requests: Vec<(u16, String)>,
    closed: usize,
}

/// The server. Its thread ends with the process.
#[derive(Clone)]
pub(crate) struct RawServer {
    port: u16,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl RawServer {
    /// A server that answers a request's first line with these bytes; never, when there are none.
    pub(crate) fn start(answer: fn(&str) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new((Mutex::default(), Condvar::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared: Arc<(Mutex<Seen>, Condvar)> = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A client that goes away is what is counted here.
                    drop(serve(&stream, &shared, answer));
                    shared.0.lock().unwrap().closed += 1;
                    shared.1.notify_all();
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The heads of all requests so far, with the client's port.
    pub(crate) fn requests(&self) -> Vec<(u16, String)> {
        self.seen.0.lock().unwrap().requests.clone()
    }

    /// Blocks until this many requests have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait(|seen| seen.requests.len() >= count);
    }

    /// Blocks until this many connections have been closed by the other side.
    pub(crate) fn wait_for_closed(&self, count: usize) {
        self.wait(|seen| seen.closed >= count);
    }

    fn wait(&self, until: impl Fn(&Seen) -> bool) {
        let seen = self.seen.0.lock().unwrap();
        let waited = self.seen.1.wait_timeout_while(seen, PATIENCE, |seen| !until(seen));
        assert!(
            !waited.unwrap().1.timed_out(),
            "it did not come to pass within {PATIENCE:?}"
        );
    }
}

fn serve(stream: &TcpStream, seen: &(Mutex<Seen>, Condvar), answer: fn(&str) -> Vec<u8>) -> std::io::Result<()> {
    let port = stream.peer_addr()?.port();
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let answer = answer(head.lines().next().unwrap_or_default());
        seen.0.lock().unwrap().requests.push((port, head.to_ascii_lowercase()));
        seen.1.notify_all();
        (&*stream).write_all(&answer)?;
    }
}
