//! What the HTTP API's process holds with many connections, some of them used.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use stockade::connections::{ConnectionConfig, Grants};
use stockade::{Home, Runtime};
use stockade_test_support::artifacts;

use crate::Result;

const CONFIGURED: usize = 1_000;
const USED: usize = 100;

/// Ends the server with the value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let home = tempfile::tempdir()?;
    let threads = tokio::runtime::Runtime::new()?;
    threads.block_on(async {
        let runtime = Runtime::builder().home(Home::below(home.path())).build()?;
        let provider = runtime.add_provider(&artifacts::component("fake"), true).await?;
        for number in 0..CONFIGURED {
            let mut config: ConnectionConfig = serde_json::from_str(r#"{ "provider": "fake" }"#)?;
            config.grants = Grants::all_of(&provider.info);
            runtime.create_connection(&format!("c{number}"), &config).await?;
        }
        let (server, address) = serve(home.path())?;
        let idle = resident_mib(server.0.id())?;
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        for number in 0..USED {
            let url = format!("http://{address}/v1/connections/c{number}/vms");
            let response = client.get(url.parse()?).await?;
            if !response.status().is_success() {
                return Err(format!("c{number}: {}", response.status()).into());
            }
            response.into_body().collect().await?;
        }
        let used = resident_mib(server.0.id())?;
        println!("server memory: {CONFIGURED} connections configured\n  started {idle:.1} MiB (goal: at most 40 MB), {USED} of them listed once {used:.1} MiB (goal: below 60 MB)\n");
        Ok(())
    })
}

/// Starts the server on a free port; answers where it listens, which is the last word of its first line.
fn serve(home: &std::path::Path) -> Result<(Server, String)> {
    let mut child = Command::new(artifacts::stockade())
        .env("STOCKADE_HOME", home)
        .args(["serve", "--listen", "127.0.0.1:0", "--without-token"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take();
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(stderr.ok_or("the server has a standard error")?).read_line(&mut line)?;
    let address = line
        .split_whitespace()
        .find_map(|word| word.split("http://").nth(1))
        .ok_or(line.clone())?;
    Ok((server, address.trim_end_matches(['/', '`', ',']).to_owned()))
}

/// The resident memory of a process in MiB: `VmRSS` of proc_pid_status(5).
fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .ok_or("the kernel tells resident memory")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("a number of kB")?.parse()?;
    Ok(kib / 1024.0)
}
