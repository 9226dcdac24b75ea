//! `create connection --cloud`: what other clients were told about a cloud becomes a connection.

use std::path::PathBuf;

use clap::Args;
use stockade::Error;
use stockade::connections::clouds::{Cloud, CloudConnection, find_clouds_file};
use stockade::contract::ProviderInfo;

/// Where to take a cloud from.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Take the server, the user, the secret and the region from this entry of a `clouds.yaml` and its `secure.yaml`; the
    /// secret is put into a private file
    #[arg(long, value_name = "CLOUD", conflicts_with = "cloud_environment")]
    cloud: Option<String>,
    /// The file of `--cloud`; it may be given without, if the file has one entry
    #[arg(long, value_name = "FILE", conflicts_with = "cloud_environment")]
    clouds_file: Option<PathBuf>,
    /// Take them from the environment variables `OS_…`
    #[arg(long)]
    cloud_environment: bool,
}

impl Import {
    /// Reads it; none when nothing is to be imported.
    pub(super) fn read(&self, info: &ProviderInfo) -> Result<Option<CloudConnection>, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let from_file = |name: Option<&str>| -> Result<Cloud, Error> {
            let path = match &self.clouds_file {
                Some(path) => path.clone(),
                None => find_clouds_file(&info.name, variable)?,
            };
            Cloud::read(&path, name)
        };
        let cloud = if self.cloud_environment {
            match (variable("OS_AUTH_URL"), variable("OS_CLOUD")) {
                (None, Some(name)) => from_file(Some(&name))?,
                _ => Cloud::from_environment(variable),
            }
        } else if self.cloud.is_some() || self.clouds_file.is_some() {
            from_file(self.cloud.as_deref())?
        } else {
            return Ok(None);
        };
        cloud.connection(info).map(Some)
    }
}
