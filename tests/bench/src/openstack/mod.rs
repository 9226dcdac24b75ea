//! The component `openstack` against native clients.

pub(crate) mod canned;
mod native;
pub(crate) mod real;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use stockade::connections::{ConnectionConfig, Grants};
use stockade::{Home, Runtime, Service};
use stockade_test_support::artifacts;

use self::native::NativeClient;
use crate::Result;
use crate::statistics::Times;

/// How many servers a list has.
const SERVERS: usize = 500;

/// What a connection logs in with.
enum Identity<'a> {
    /// It need not: this is a token.
    Token(&'a str),
    /// The password of the user `admin`, for the project of that name.
    Password(&'a str),
}

/// A connection to a cloud on loopback; `memory_mib` is what its guests may have.
async fn connect(home: &Path, port: u16, identity: Identity<'_>, memory_mib: Option<u32>) -> Result<Service> {
    let runtime = Runtime::builder().home(Home::below(home)).build()?;
    let provider = runtime.add_provider(&artifacts::component("openstack"), true).await?;
    let mut grants = Grants::all_of(&provider.info);
    for (name, endpoint) in &mut grants.endpoints {
        endpoint.allow_addresses = vec!["127.0.0.0/8".parse()?];
        if name != "identity" {
            endpoint.origins = vec!["http://127.0.0.1:*".parse()?];
        }
    }
    let file = home.join("secret");
    let credential = match identity {
        Identity::Token(_) => json!({ "kind": "header", "value": { "file": file } }),
        Identity::Password(_) => json!({
            "kind": "keystone", "method": "password", "user": "admin", "password": { "file": file },
            "scope": { "project": { "name": "admin" } },
        }),
    };
    let (Identity::Token(secret) | Identity::Password(secret)) = identity;
    std::fs::write(&file, secret)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let config = json!({
        "provider": "openstack",
        "options": { "host": "127.0.0.1", "port": port, "scheme": "http" },
        "credentials": { "keystone": credential },
    });
    let mut config: ConnectionConfig = serde_json::from_value(config)?;
    config.grants = grants;
    if let Some(memory_mib) = memory_mib {
        config.limits = serde_json::from_value(json!({ "memory_mib": memory_mib }))?;
    }
    Ok(runtime.create_connection("bench", &config).await?)
}

/// Lists the servers in both ways, in turns, so that both have the same neighbours.
async fn list_both(service: &Service, native: &NativeClient, runs: usize) -> Result<(Times, Times)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let started = Instant::now();
        let vms = service.list_vms().await?.len();
        ours.push(started.elapsed());
        let started = Instant::now();
        let rows = native.list().await?;
        theirs.push(started.elapsed());
        if (vms, rows) != (SERVERS, SERVERS) {
            return Err(format!("of {SERVERS} servers the component lists {vms}, the native client {rows}").into());
        }
    }
    Ok((Times::new(ours), Times::new(theirs)))
}
