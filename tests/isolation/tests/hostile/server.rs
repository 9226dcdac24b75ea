//! A loopback server that serves what hostile guests ask for, and remembers what reached it.
//!
//! Beside the scripted server of the test support because it echoes what it got, in small chunks, and never ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Received {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The server. Its thread ends with the process: a listener of the standard library cannot be woken.
pub(crate) struct Server {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

/// What the server sends in an answer to every request for `/free/echo`, beside the echo: a secret that the host does not
/// know as one, to see that it is found wherever it goes.
pub(crate) const UNKNOWN_SECRET_HEADER: &str = "x-unprotected";

impl Server {
    pub(crate) fn start() -> Self {
        Self::with_secret("")
    }

    /// A server that sends this text along with an echo.
    pub(crate) fn with_secret(secret: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::default());
        let (shared, secret) = (Arc::clone(&received), secret.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, secret) = (Arc::clone(&shared), secret.clone());
                // A client that goes away is no news.
                std::thread::spawn(move || drop(serve(stream, &shared, &secret)));
            }
        });
        Self { port, received }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Everything that arrived so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, received: &Mutex<Vec<Received>>, secret: &str) -> std::io::Result<()> {
    let request = read(&stream)?;
    received.lock().unwrap().push(request.clone());
    let path = request.target.split('?').next().unwrap_or_default();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    match path.as_slice() {
        ["free", "echo"] => echo(&mut stream, &request, secret),
        ["free", "redirect", port] => {
            let location = format!("http://127.0.0.1:{port}/free/taken");
            head(
                &mut stream,
                "302 Found",
                &format!("location: {location}\r\ncontent-length: 0\r\n"),
            )
        }
        ["free", "big", kib] => {
            let body = vec![b'x'; kib.parse::<usize>().unwrap_or(0) << 10];
            head(&mut stream, "200 OK", &format!("content-length: {}\r\n", body.len()))?;
            stream.write_all(&body)
        }
        ["free", "endless"] => {
            head(&mut stream, "200 OK", "transfer-encoding: chunked\r\n")?;
            let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk)?;
            }
        }
        _ => {
            head(&mut stream, "200 OK", "content-length: 2\r\n")?;
            stream.write_all(b"{}")
        }
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).map(|_| text.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let text = line()?;
        let Some((name, value)) = text.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let request = Received {
        method,
        target,
        headers,
    };
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    std::io::copy(&mut reader.take(length.unwrap_or(0)), &mut std::io::sink())?;
    Ok(request)
}

fn head(stream: &mut TcpStream, status: &str, headers: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n")
}

/// Sends back the target and every header in every spelling that real servers use, in the head and, in chunks of a few bytes, in the body.
fn echo(stream: &mut TcpStream, request: &Received, secret: &str) -> std::io::Result<()> {
    let (mut head_lines, mut body) = (String::new(), String::new());
    let target = ("target".to_owned(), request.target.clone());
    for (number, (name, value)) in [&target].into_iter().chain(&request.headers).enumerate() {
        let bare = value.rsplit(' ').next().unwrap_or_default();
        let decoded = STANDARD
            .decode(bare)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.as_deref().unwrap_or("-");
        let (whole, encoded) = (STANDARD.encode(value), STANDARD.encode(bare));
        head_lines += &format!("x-echo-{number}: {value}; {bare}; {decoded}; {whole}; {encoded}\r\n");
        if bare.len() > 8 && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            head_lines += &format!("x-name-{bare}: 1\r\n");
        }
        body += &format!("{name}: {value}; {bare}{bare}; {decoded}; {whole}; {encoded}\n");
    }
    if !secret.is_empty() {
        head_lines += &format!("{UNKNOWN_SECRET_HEADER}: {secret}\r\n");
        body += secret;
    }
    head(stream, "200 OK", &format!("{head_lines}transfer-encoding: chunked\r\n"))?;
    stream.set_nodelay(true)?;
    for chunk in body.as_bytes().chunks(5) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}
