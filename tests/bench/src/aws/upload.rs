//! A large object to S3: through the component `aws`, whose content the host sends in parts, against a native client that
//! streams the same file with the same signatures, and one that signs nothing.
//!
//! The server takes what comes and keeps nothing. In plain text every chunk of the content is signed; over TLS, as AWS is
//! spoken to, it is not, so that the first two do the most work that there is.

use std::fs::File;
use std::time::{Duration, Instant};

use stockade::blobs::Blob;
use stockade_host::http::{HttpClient, Request, RequestBody};

use super::{client, connect, send};
use crate::Result;
use crate::sink::{self, Reply};
use crate::statistics::{Times, print_ratio};

const BYTES: u64 = 1 << 30;
const RUNS: usize = 5;
/// What the guest may have; a call that needs more fails.
const MEMORY_MIB: u32 = 32;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let port = sink::serve(answer)?;
    let file = tempfile::tempfile()?;
    file.set_len(BYTES)?;
    let threads = crate::threads(2)?;
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
            plain.push(sink::put(port, "/bench/object", &file, BYTES)?);
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

/// What S3 says to the requests of an upload.
fn answer(target: &str) -> Reply {
    let body = if target.contains("uploads=") {
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    } else if target.starts_with("POST") {
        "<CompleteMultipartUploadResult/>"
    } else {
        ""
    };
    Reply::new(200, body)
}
