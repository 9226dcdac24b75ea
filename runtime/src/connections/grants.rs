//! From what was asked and what was granted to what a connection can do.

use std::path::PathBuf;

use cap_std::fs::Dir;
use stockade_host::connection::Connection;
use stockade_host::contract::{OptionEntry, ProviderInfo};
use stockade_host::http::HttpClient;
use stockade_host::state::{StateQuota, StateStore};

use super::config::ConnectionConfig;
use crate::error::{Error, Result};
use crate::home::{Home, create_private_directory};

/// The directory of a connection's state.
pub(crate) fn state_directory(home: &Home, connection: &str) -> PathBuf {
    home.data.join("state").join(connection)
}

/// What a connection gives its provider.
pub(crate) fn host_connection(
    home: &Home,
    name: &str,
    config: &ConnectionConfig,
    info: &ProviderInfo,
    options: Vec<OptionEntry>,
) -> Result<Connection> {
    Ok(Connection {
        name: name.to_owned(),
        http: HttpClient::without_grants(),
        state: state_store(home, name, config, info)?,
        limits: config.limits.clone(),
        options,
    })
}

/// The store that was both asked for and granted: the smaller of the two sizes.
fn state_store(home: &Home, name: &str, config: &ConnectionConfig, info: &ProviderInfo) -> Result<Option<StateStore>> {
    let (Some(asked), Some(granted)) = (info.state_kib, config.grants.state_kib) else {
        return Ok(None);
    };
    let directory = state_directory(home, name);
    create_private_directory(&directory)?;
    let directory = Dir::open_ambient_dir(&directory, cap_std::ambient_authority())
        .map_err(|error| Error::io(format_args!("opening `{}`", directory.display()), &error))?;
    let quota = StateQuota {
        max_bytes: u64::from(asked.min(granted)) << 10,
        max_keys: config.limits.state_keys,
    };
    Ok(Some(StateStore::new(directory, quota)))
}
