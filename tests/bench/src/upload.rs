//! A large object to S3: through the component `aws`, whose content the host sends in parts, against a native client that
//! streams the same file with the same signatures, and one that signs nothing.
//!
//! The server takes what comes and keeps nothing. In plain text every chunk of the content is signed; over TLS, as AWS is
//! spoken to, it is not, so that the first two do the most work that there is.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stockade::blobs::Blob;
use stockade::connections::{ConnectionConfig, Grants};
use stockade::{Home, Runtime, Service};
use stockade_host::http::{
    AccessKey, CallBudget, CallScope, Denial, EndpointBounds, EndpointGrant, Exchange, HttpClient, HttpLimits,
    Observer, Origin, Request, RequestBody, RequestRule, ResponseSink, Secret, Sigv4, TlsProfile,
};
use stockade_test_support::artifacts;

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
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let home = tempfile::tempdir()?;
    let (ours, signed, plain) = threads.block_on(async {
        let service = connect(home.path(), port).await?;
        let client = client(port)?;
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

async fn connect(home: &std::path::Path, port: u16) -> Result<Service> {
    let runtime = Runtime::builder().home(Home::below(home)).build()?;
    let provider = runtime.add_provider(&artifacts::component("aws"), true).await?;
    let mut grants = Grants::all_of(&provider.info);
    for endpoint in grants.endpoints.values_mut() {
        endpoint.allow_addresses = vec!["127.0.0.0/8".parse()?];
    }
    let secret = home.join("secret");
    std::fs::write(&secret, "a-secret-key")?;
    let mut permissions = std::fs::metadata(&secret)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&secret, permissions)?;
    let config = serde_json::json!({
        "provider": "aws",
        "options": { "region": "us-east-1", "scheme": "http", "port": port, "s3_host": "127.0.0.1" },
        "credentials": { "key": { "kind": "sigv4", "access_key": "AKIDEXAMPLE", "secret_key": { "file": secret } } },
        "limits": { "memory_mib": MEMORY_MIB },
    });
    let mut config: ConnectionConfig = serde_json::from_value(config)?;
    config.grants = grants;
    Ok(runtime.create_connection("bench", &config).await?)
}

/// The host's own client without any guest: what somebody would write on it natively.
fn client(port: u16) -> Result<HttpClient> {
    let everything = || -> Result<Vec<RequestRule>> { Ok(vec![RequestRule::new(["PUT"], "/**")?]) };
    let key = AccessKey {
        id: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new("a-secret-key"),
        session_token: None,
    };
    let grant = EndpointGrant {
        name: "s3".to_owned(),
        origin: format!("http://127.0.0.1:{port}").parse::<Origin>()?.into(),
        asked: everything()?,
        granted: everything()?,
        credential: Some(Arc::new(Sigv4::new(key, "s3", "us-east-1"))),
        presign_seconds: None,
        allow_addresses: vec!["127.0.0.0/8".parse()?],
        tls: TlsProfile::default(),
        proxy: None,
        bounds: EndpointBounds::default(),
    };
    Ok(HttpClient::new(vec![grant], HttpLimits::default())?)
}

/// Nobody looks.
struct Nobody;

impl Observer for Nobody {
    fn exchange(&self, _: &Exchange) {}
    fn denied(&self, _: &Denial) {}
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
    let budget = CallBudget::new(&HttpLimits::default());
    let scope = CallScope {
        budget: &budget,
        observer: &Nobody,
    };
    let response = client.send(&request, body, ResponseSink::Buffer, scope).await?;
    match response.status {
        200 => Ok(started.elapsed()),
        status => Err(format!("the server answered {status}").into()),
    }
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
