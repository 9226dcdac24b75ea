//! A server's list: how often it can be read, and how soon it shows what somebody else did.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::{SERVED, expect_success, stockade, virsh};
use crate::Result;
use crate::statistics::{Times, print_figure};

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

const CLIENTS: usize = 16;
const DURATION: Duration = Duration::from_secs(5);
const CHANGES: usize = 20;

/// Ends with its value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures and prints.
pub(super) fn run(home: &Path) -> Result<()> {
    let mut command = stockade(home, &["serve", "--listen", "127.0.0.1:0", "--without-token"]);
    let mut child = command
        .env("STOCKADE_LOG", "warn")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().ok_or("the server has a standard error")?;
    let _server = Server(child);
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line)?;
    let address = line.split("http://").nth(1).ok_or("the server says where it is")?;
    let url = format!(
        "http://{}/v1/connections/bench/vms",
        address.trim().trim_end_matches('/')
    );
    let threads = crate::threads(1)?;
    threads.block_on(async {
        let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
        read(&client, &url).await?;
        let began = Instant::now();
        let work = || async {
            let mut count = 0_usize;
            while began.elapsed() < DURATION {
                read(&client, &url).await?;
                count += 1;
            }
            Result::Ok(count)
        };
        let mut requests = 0;
        for count in join_all((0..CLIENTS).map(|_| work())).await {
            requests += count?;
        }
        let rate = requests as f64 / began.elapsed().as_secs_f64();
        let what = format!("libvirt server: GET of {SERVED} VMs, {CLIENTS} clients on the same processors");
        print_figure(
            &what,
            "requests per second",
            &format!("{rate:.0} (goal: at least 5000)"),
        );
        let mut delays = Vec::new();
        for number in 0..CHANGES {
            let (verb, wanted) = if number % 2 == 0 {
                ("resume", "running")
            } else {
                ("suspend", "paused")
            };
            expect_success(virsh(&[verb, "bench-0"]))?;
            let began = Instant::now();
            while status(&read(&client, &url).await?, "bench-0") != Some(wanted.to_owned()) {}
            delays.push(began.elapsed());
        }
        let median = Times::new(delays).median().as_secs_f64() * 1000.0;
        let what = "libvirt server: from the end of `virsh suspend` to a list that shows it";
        print_figure(what, "median", &format!("{median:.2} ms (goal: at most 100)"));
        Ok(())
    })
}

async fn read(client: &HttpClient, url: &str) -> Result<Bytes> {
    let response = client.get(url.parse()?).await?;
    if !response.status().is_success() {
        return Err(response.status().to_string().into());
    }
    Ok(response.into_body().collect().await?.to_bytes())
}

fn status(list: &[u8], vm: &str) -> Option<String> {
    let list: serde_json::Value = serde_json::from_slice(list).ok()?;
    let items = list.get("items").unwrap_or(&list).as_array()?;
    let found = items.iter().find(|item| item["name"] == vm)?;
    found["status"].as_str().map(str::to_owned)
}
