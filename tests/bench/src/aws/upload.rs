//! A large object to S3: through the component `aws`, whose content the host sends in parts, against a native client that
//! streams the same file with the same signatures, and one that signs nothing.
//!
//! The server takes what comes and keeps nothing. In plain text every chunk of the content is signed; over TLS, as AWS is
//! spoken to, it is not, so that the first two do the most work that there is.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use stockade::blobs::Blob;
use stockade_host::http::{HttpClient, Request, RequestBody};

use super::{client, connect, send};
use crate::Result;
use crate::statistics::{Times, print_ratio};

const BYTES: u64 = 1 << 30;
const RUNS: usize = 5;
/// What the guest may have; a call that needs more fails.
const MEMORY_MIB: u32 = 32;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let port = serve()?;
    let file = tempfile::tempfile()?;
    file.set_len(BYTES)?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let home = tempfile::tempdir()?;
    let (ours, signed, plain) = threads.block_on(async {
        let service = connect(home.path(), port, Some(MEMORY_MIB)).await?;
        let client = client("s3", port)?;
        let (mut ours, mut signed, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        // In turns, so that all three have the same neighbours.
        for _ in 0..RUNS {
            let started = Instant::now();
            let content = Blob::from_file(file.try_clone()?);
            service.upload_bucket_object("bench", "object", content, false).await?;
            ours.push(started.elapsed());
            signed.push(stream_signed(&client, &file).await?);
            plain.push(stream_plain(port, &file)?);
        }
        Ok::<_, Box<dyn std::error::Error>>((Times::new(ours), Times::new(signed), Times::new(plain)))
    })?;
    let title = format!("upload: 1 GiB to S3 in parts, component memory at most {MEMORY_MIB} MiB");
    print_ratio(&title, "at most 1.11", &ours, ("native client, signed", &signed));
    print_ratio(
        "the same against a copy to the socket",
        "none",
        &ours,
        ("native, not signed", &plain),
    );
    Ok(())
}

async fn stream_signed(client: &HttpClient, file: &File) -> Result<Duration> {
    let started = Instant::now();
    let request = Request {
        endpoint: "s3".to_owned(),
        method: "PUT".to_owned(),
        path: vec!["bench".to_owned(), "object".to_owned()],
        ..Request::default()
    };
    let body = RequestBody::stream(Blob::from_file(file.try_clone()?).reader(), Some(BYTES));
    send(client, &request, body).await?;
    Ok(started.elapsed())
}

fn stream_plain(port: u16, file: &File) -> Result<Duration> {
    let started = Instant::now();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    write!(
        stream,
        "PUT /bench/object HTTP/1.1\r\nhost: bench\r\ncontent-length: {BYTES}\r\nconnection: close\r\n\r\n"
    )?;
    let (mut buffer, mut offset) = (vec![0; 256 << 10], 0);
    while offset < BYTES {
        let count = std::os::unix::fs::FileExt::read_at(file, &mut buffer, offset)?;
        stream.write_all(buffer.get(..count).unwrap_or_default())?;
        offset += count as u64;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(started.elapsed())
}

/// A server that takes every object and every part; answers its port.
fn serve() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away ends its conversation.
            std::thread::spawn(move || converse(&stream).ok());
        }
    });
    Ok(port)
}

/// Answers one connection's requests in turn.
fn converse(stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(256 << 10, stream);
    let mut writer = stream;
    loop {
        let (mut target, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if target.is_empty() {
                target = line;
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let body = if target.contains("uploads=") {
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        } else if target.starts_with("post") {
            "<CompleteMultipartUploadResult/>"
        } else {
            ""
        };
        write!(
            writer,
            "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        // A client that said `connection: close` waits for the end.
        if length == BYTES {
            return Ok(());
        }
    }
}
