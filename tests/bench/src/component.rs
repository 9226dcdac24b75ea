//! Ten VMs through the component `web`: everything that the sandbox adds to one HTTP request.

use std::path::Path;
use std::time::Instant;

use stockade::connections::ConnectionConfig;
use stockade::{Home, Runtime, Service};
use stockade_test_support::artifacts;

use crate::statistics::{Times, print_ratio};
use crate::{Result, native};

const RUNS: usize = 2_000;

/// A connection to a server on loopback, with everything granted.
pub(crate) async fn connect(home: &Path, name: &str, url: &str) -> Result<Service> {
    let runtime = Runtime::builder().home(Home::below(home)).build()?;
    let provider = runtime.add_provider(&artifacts::component("web"), true).await?;
    let mut grants = stockade::connections::Grants::all_of(&provider.info);
    for endpoint in grants.endpoints.values_mut() {
        endpoint.allow_addresses = vec!["127.0.0.0/8".parse()?];
    }
    let port = url.rsplit(':').next().unwrap_or_default();
    let config = serde_json::json!({ "provider": "web", "options": { "host": "127.0.0.1", "port": port } });
    let mut config: ConnectionConfig = serde_json::from_value(config)?;
    config.grants = grants;
    Ok(runtime.create_connection(name, &config).await?)
}

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let server = native::ten_vms()?;
    let home = tempfile::tempdir()?;
    let threads = crate::threads(2)?;
    threads.block_on(async {
        let service = connect(home.path(), "bench", &server.url()).await?;
        let _warm = native::time(&server.url(), RUNS / 10).await?;
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let started = Instant::now();
            let vms = service.list_vms().await?;
            times.push(started.elapsed());
            if vms.len() != 10 {
                return Err("the component lists ten VMs".into());
            }
        }
        let native = native::time(&server.url(), RUNS).await?;
        print_ratio(
            "component list: 10 VMs, a fresh instance for each call",
            "at most 4",
            &Times::new(times),
            ("native client", &native),
        );
        Ok(())
    })
}
