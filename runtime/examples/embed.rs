//! The runtime in a program of your own: install a component, configure a connection, list its VMs.
//!
//! Run it with a component: `cargo run --example embed -- components/dist/fake.wasm`.

use std::io::Write as _;
use std::process::ExitCode;

use stockade::connections::{ConnectionConfig, Grants};
use stockade::{Home, Runtime};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    // Components are compiled in a child process: this program again.
    if let Some(code) = stockade::become_child_if_asked() {
        return Ok(code);
    }
    tokio::runtime::Runtime::new()?.block_on(list())
}

async fn list() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let component = std::env::args().nth(1).ok_or("which component?")?;
    let home = tempfile::tempdir()?;
    let runtime = Runtime::builder().home(Home::below(home.path())).build()?;
    let provider = runtime.add_provider(component.as_ref(), false).await?;
    let config = ConnectionConfig {
        provider: provider.info.name.clone(),
        grants: Grants::all_of(&provider.info),
        timeout_seconds: None,
        isolation: Default::default(),
        options: Default::default(),
        credentials: Default::default(),
        limits: Default::default(),
    };
    let service = runtime.create_connection("lab", &config).await?;
    for vm in service.list_vms().await? {
        writeln!(std::io::stdout(), "{} {:?} {}", vm.name, vm.status, vm.ips.join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}
