//! A server that takes whatever comes, keeps nothing and answers at once: what a client costs shows best in front of it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Result;

/// How much is moved at once, in bytes.
const PIECE: usize = 256 << 10;

/// An answer.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    body: Arc<[u8]>,
}

impl Reply {
    /// An answer with this body.
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into().into(),
        }
    }
}

/// Starts one on loopback; answers its port. `answer` gets the method and the target: `GET /servers?limit=1`.
pub(crate) fn serve(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client that goes away ends its conversation.
            std::thread::spawn(move || converse(&stream, &*answer).ok());
        }
    });
    Ok(port)
}

/// Answers one connection's requests in turn.
fn converse(stream: &TcpStream, answer: &dyn Fn(&str) -> Reply) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(PIECE, stream);
    let mut writer = stream;
    loop {
        let (mut target, mut length, mut is_last, mut is_chunked) = (String::new(), 0, false, false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if target.is_empty() {
                target = line.trim_end_matches(" HTTP/1.1").to_owned();
                continue;
            }
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            is_last |= header == "connection: close";
            is_chunked |= header == "transfer-encoding: chunked";
        }
        if is_chunked {
            skip_chunks(&mut reader)?;
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let Reply { status, body } = answer(&target);
        write!(
            writer,
            "HTTP/1.1 {status} -\r\netag: \"e\"\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        writer.write_all(&body)?;
        if is_last {
            return Ok(());
        }
    }
}

/// A body in chunks (RFC 9112, section 7.1).
fn skip_chunks(reader: &mut BufReader<&TcpStream>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        std::io::copy(&mut reader.by_ref().take(size), &mut std::io::sink())?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// The peer of an upload: a copy of the file's first bytes to the socket, and nothing else. How long it took.
pub(crate) fn put(port: u16, path: &str, file: &File, bytes: u64) -> Result<Duration> {
    let started = Instant::now();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n"
    )?;
    let (mut buffer, mut offset) = (vec![0; PIECE], 0);
    while offset < bytes {
        let count = std::os::unix::fs::FileExt::read_at(file, &mut buffer, offset)?;
        stream.write_all(buffer.get(..count).unwrap_or_default())?;
        offset += count as u64;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(started.elapsed())
}
