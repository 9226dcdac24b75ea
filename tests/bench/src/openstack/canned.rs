//! A server that is no cloud: it answers with what was recorded from one (`tests/fixtures/openstack`), the list grown to five
//! hundred, and answers at once, where a real Nova works for a second or more. So the ratio of the lists is the worst that
//! there can be, and the difference is what a real list becomes longer by.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stockade::Service;
use stockade::blobs::Blob;
use stockade_test_support::artifacts;

use super::native::{IMAGE, NativeClient};
use super::{Identity, SERVERS, connect};
use crate::Result;
use crate::sink::{self, Reply};
use crate::statistics::{Times, print_figure, print_ratio};

/// How large the image is unless `--bytes` says otherwise.
const BYTES: u64 = 1 << 30;
const BYTES_FLAG: &str = "--bytes";
const LISTS: usize = 200;
const UPLOADS: usize = 3;
/// What the guest may have, below 32 MB; a call that needs more fails.
const MEMORY_MIB: u32 = 30;
const TOKEN: &str = "a-token";

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let bytes = bytes()?;
    let count = Arc::new(AtomicUsize::new(0));
    let port = serve(&count)?;
    let home = tempfile::tempdir()?;
    let threads = crate::threads(2)?;
    threads.block_on(async {
        let service = connect(home.path(), port, Identity::Token(TOKEN), Some(MEMORY_MIB)).await?;
        list(&service, port, &count).await?;
        upload(&service, port, bytes).await
    })
}

/// The size of the image, from the arguments.
fn bytes() -> Result<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != BYTES_FLAG).skip(1);
    Ok(arguments.next().map_or(Ok(BYTES), |text| text.parse())?)
}

async fn list(service: &Service, port: u16, count: &AtomicUsize) -> Result<()> {
    let origin = format!("http://127.0.0.1:{port}");
    let native = NativeClient::new(&origin, &origin, TOKEN);
    // The first call reads the catalogue, which the connection then keeps.
    let _first = service.list_vms().await?;
    let before = count.load(Ordering::Relaxed);
    service.list_vms().await?;
    let requests = count.load(Ordering::Relaxed) - before;
    let (ours, theirs) = super::list_both(service, &native, LISTS).await?;
    print_ratio(
        "openstack list: 500 servers of recorded shape, at a server that answers at once",
        "at most 1.1 at a real Nova",
        &ours,
        ("native client", &theirs),
    );
    print_figure(
        "openstack list: 500 servers",
        "requests",
        &format!("{requests} (one to Nova, one to Glance for the names of images)"),
    );
    Ok(())
}

async fn upload(service: &Service, port: u16, bytes: u64) -> Result<()> {
    let file = tempfile::tempfile()?;
    file.set_len(bytes)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turns, so that both have the same neighbours.
    for _ in 0..UPLOADS {
        ours.push(upload_image(service, &file).await?);
        theirs.push(sink::put(port, "/v2/images/id/file", &file, bytes)?);
    }
    let title = format!(
        "openstack upload: an image of {} MiB to Glance, component memory at most {MEMORY_MIB} MiB",
        bytes >> 20
    );
    print_ratio(
        &title,
        "memory below 32 MB",
        &Times::new(ours),
        ("a copy to the socket", &Times::new(theirs)),
    );
    Ok(())
}

async fn upload_image(service: &Service, file: &File) -> Result<Duration> {
    let spec: stockade::contract::ImageSpec = serde_json::from_value(json!({ "name": "bench", "format": "raw" }))?;
    let content = Blob::from_file(file.try_clone()?);
    let started = Instant::now();
    service
        .upload_image(spec, &std::collections::BTreeMap::new(), content)
        .await?;
    Ok(started.elapsed())
}

/// All services of a cloud at one port, which is answered. `count` grows by each request.
fn serve(count: &Arc<AtomicUsize>) -> Result<u16> {
    let (catalog, version, images) = (
        recorded("catalog")?,
        recorded("version")?.to_string(),
        recorded("images")?,
    );
    let servers = five_hundred(&recorded("servers")?)?;
    // What becomes of an image: it is looked for by name, made, filled and looked at.
    let image = json!({ "id": IMAGE, "name": "bench", "status": "active" }).to_string();
    let none = json!({ "images": [] }).to_string();
    let (images, catalog) = (images.to_string(), catalog.to_string());
    let count = Arc::clone(count);
    let port = Arc::new(AtomicUsize::new(0));
    let own_port = Arc::clone(&port);
    let answer = move |target: &str| {
        count.fetch_add(1, Ordering::Relaxed);
        let (method, path) = target.split_once(' ').unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        match (method, path) {
            ("GET", "/v3/auth/catalog") => {
                let here = format!("127.0.0.1:{}", own_port.load(Ordering::Relaxed));
                Reply::new(200, catalog.replace("127.0.0.1:PORT", &here))
            }
            ("GET", "/v2.1/") => Reply::new(200, version.clone()),
            ("GET", "/v2.1/servers/detail") => Reply::new(200, servers.clone()),
            ("GET", "/v2/images") if query.contains("id=in") => Reply::new(200, images.clone()),
            ("GET", "/v2/images") => Reply::new(200, none.clone()),
            ("POST", "/v2/images") => Reply::new(201, image.clone()),
            ("PUT", _) => Reply::new(204, ""),
            ("GET", _) if path.starts_with("/v2/images/") => Reply::new(200, image.clone()),
            _ => Reply::new(404, "{}"),
        }
    };
    let number = sink::serve(answer)?;
    port.store(number.into(), Ordering::Relaxed);
    Ok(number)
}

/// The body of a recorded answer.
fn recorded(name: &str) -> Result<Value> {
    let file = artifacts::workspace_root().join(format!("tests/fixtures/openstack/{name}.json"));
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    Ok(recording.pointer("/response/body").cloned().unwrap_or_default())
}

/// Five hundred servers like the first of a recorded list.
fn five_hundred(recorded: &Value) -> Result<String> {
    let first = recorded.pointer("/servers/0").ok_or("the recorded list is empty")?;
    let servers: Vec<Value> = (0..SERVERS)
        .map(|number| {
            let mut server = first.clone();
            server["id"] = json!(format!("34d28c06-83b9-4849-a247-{number:012}"));
            server["name"] = json!(format!("server-{number}"));
            server["addresses"]["default"][0]["addr"] = json!(format!("10.0.{}.{}", number / 250, number % 250));
            server
        })
        .collect();
    Ok(json!({ "servers": servers }).to_string())
}
