//! The peer: a plain HTTP client that reads the same list and turns it into values.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::json;
use stockade_test_support::http_server::{Answer, HttpServer};

use crate::Result;
use crate::statistics::Times;

/// By this flag the program is the native client and nothing else.
pub(crate) const FLAG: &str = "--native-client";

type NativeClient = Client<HttpConnector, Empty<Bytes>>;

#[derive(Deserialize)]
struct List {
    vms: Vec<Item>,
}

/// What a table of VMs shows.
#[derive(Deserialize)]
struct Item {
    name: String,
    status: String,
    ip: Option<String>,
}

/// A server that has ten VMs, as kcli's web API lists them.
pub(crate) fn ten_vms() -> Result<HttpServer> {
    let vms: Vec<_> = (0..10)
        .map(|number| {
            json!({
                "name": format!("vm-{number}"), "status": "up", "ip": format!("192.0.2.{number}"), "image": "tiny.qcow2",
                "id": format!("00000000-0000-4000-8000-{number:012}"), "plan": "kvirt", "profile": "tiny.qcow2", "user": "root",
                "creationdate": "21-11-2026 05:22", "disks": [], "info": "text".repeat(50),
                "nets": [{"device": "eth0", "mac": format!("52:54:00:00:00:{number:02x}"), "net": "default", "type": "routed"}],
            })
        })
        .collect();
    let server = HttpServer::start()?;
    server.always("GET", "/vms", Answer::json(200, &json!({ "vms": vms })));
    server.always("GET", "/host", Answer::json(200, &json!({ "host": "bench" })));
    Ok(server)
}

fn client() -> NativeClient {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn read(client: &NativeClient, url: &str) -> Result<List> {
    let response = client.get(format!("{url}/vms").parse()?).await?;
    Ok(serde_json::from_slice(
        &response.into_body().collect().await?.to_bytes(),
    )?)
}

/// Times the client, one connection kept open.
pub(crate) async fn time(url: &str, runs: usize) -> Result<Times> {
    let client = client();
    let mut times = Vec::<Duration>::with_capacity(runs);
    for _ in 0..runs {
        let started = Instant::now();
        let list = read(&client, url).await?;
        times.push(started.elapsed());
        if list.vms.len() != 10 {
            return Err("the server lists ten VMs".into());
        }
    }
    Ok(Times::new(times))
}

/// What the process does that the command is compared with: read the list, print a table, end.
pub(crate) fn print_list(url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let list = runtime.block_on(async { read(&client(), url).await })?;
    for vm in list.vms {
        println!("{}  {}  {}", vm.name, vm.status, vm.ip.unwrap_or_default());
    }
    Ok(())
}
