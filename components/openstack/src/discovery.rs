//! Where the services are: the catalogue, read once and kept in the connection's state for a while.
//!
//! The token is the host's, so the catalogue inside of the login's answer is never seen here; `GET /v3/auth/catalog`
//! answers the same. Each call is a fresh instance, and without the state each would ask anew.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use stockade_provider::host::Host;
use stockade_provider::time;
use stockade_provider::types::{Error, Request};

use crate::catalog::{Catalog, Place};
use crate::cloud::{Cloud, of_value};
use crate::microversion::{Microversion, VersionAnswer};
use crate::service::Service;

/// The state's entry.
const STATE_KEY: &str = "services";

/// How long it counts, in seconds. Clouds move their services once in years; one hour bounds how long that is unseen.
const LIFETIME_SECONDS: i64 = 3600;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The options that it was chosen by.
    chosen_by: String,
    /// When it was read, in seconds since 1970.
    read_at: i64,
    places: BTreeMap<Service, Place>,
    /// Nova's newest microversion.
    compute_newest: Option<String>,
}

/// Where the services are.
#[derive(Debug)]
pub(crate) struct Services {
    kept: Kept,
    compute_newest: OnceCell<Microversion>,
}

impl Services {
    /// From the state where it is fresh, from the catalogue otherwise.
    pub(crate) fn load<H: Host>(cloud: &Cloud<'_, H>) -> Result<Self, Error> {
        let now = now(cloud.host);
        if let Some(kept) = kept(cloud) {
            let age = now - kept.read_at;
            if kept.chosen_by == chosen_by(cloud) && (0..LIFETIME_SECONDS).contains(&age) {
                return Ok(Self::of(kept));
            }
        }
        let catalog = read(cloud)?;
        let mut places = BTreeMap::new();
        let mut refused = None;
        for service in Service::DISCOVERED {
            match catalog.choose(service, &cloud.config) {
                Ok(Some(place)) => {
                    places.insert(service, place);
                }
                Ok(None) => {}
                // A broken entry of a service that nobody asks for is no reason to fail.
                Err(error) if service == Service::Compute => refused = Some(error),
                Err(_) => {}
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        let services = Self::of(Kept {
            chosen_by: chosen_by(cloud),
            read_at: now,
            places,
            compute_newest: None,
        });
        services.keep(cloud);
        Ok(services)
    }

    fn of(kept: Kept) -> Self {
        let compute_newest = OnceCell::new();
        if let Some(newest) = kept.compute_newest.as_deref().and_then(|text| text.parse().ok()) {
            let _ = compute_newest.set(newest);
        }
        Self { kept, compute_newest }
    }

    /// Removes what is kept.
    pub(crate) fn forget<H: Host>(cloud: &Cloud<'_, H>) {
        // Without a state there is nothing to forget; somebody else's newer entry is as good as none.
        if let Ok(Some(entry)) = cloud.host.state_get(STATE_KEY) {
            let _ = cloud.host.state_remove(STATE_KEY, &entry.version);
        }
    }

    /// A place for others' calls. A store that refuses costs a request, no more.
    fn keep<H: Host>(&self, cloud: &Cloud<'_, H>) {
        let Ok(value) = serde_json::to_vec(&self.kept) else {
            return;
        };
        let Ok(entry) = cloud.host.state_get(STATE_KEY) else {
            return;
        };
        let expected = entry.as_ref().map(|entry| entry.version.as_str());
        let _ = cloud.host.state_replace(STATE_KEY, expected, &value);
    }

    /// Where a service is; none when the catalogue does not have it.
    pub(crate) fn place(&self, service: Service) -> Option<&Place> {
        self.kept.places.get(&service)
    }

    /// Where a service is.
    ///
    /// # Errors
    /// `unsupported` with the contract's function when the catalogue does not have it.
    pub(crate) fn require<H: Host>(&self, cloud: &Cloud<'_, H>, service: Service) -> Result<&Place, Error> {
        if let Some(place) = self.place(service) {
            return Ok(place);
        }
        // It may be new: the catalogue says so, or says why not.
        let catalog = read(cloud)?;
        match catalog.choose(service, &cloud.config)? {
            None => Err(catalog.missing(service, &cloud.config, cloud.function())),
            Some(_) => {
                Self::forget(cloud);
                let message = format!("{} has only now appeared in the catalogue; try again", service.title());
                Err(Error::conflict(message))
            }
        }
    }

    /// Nova's newest microversion.
    pub(crate) fn compute_newest<H: Host>(&self, cloud: &Cloud<'_, H>) -> Result<Microversion, Error> {
        if let Some(newest) = self.compute_newest.get() {
            return Ok(*newest);
        }
        let doing = "reading the compute service's versions";
        let place = self.require(cloud, Service::Compute)?;
        // The final empty segment is the final slash, without which Nova redirects.
        let path = place.base.iter().cloned().chain([String::new()]);
        let request = Request::new(Service::Compute.endpoint(), "GET", path).with_origin(place.origin.clone());
        let outcome = stockade_provider::retry::Retry::default().send(cloud.host, &request);
        let response = outcome.map_err(|fault| fault.to_error(doing))?;
        if !response.is_success() {
            return Err(crate::error::from_response(&response, doing, None));
        }
        let answer: VersionAnswer = of_value(response.json(doing)?, doing)?;
        let newest = answer.newest().unwrap_or(Microversion(2, 1));
        let with_version = Self::of(Kept {
            compute_newest: Some(newest.to_string()),
            ..self.kept.clone()
        });
        with_version.keep(cloud);
        Ok(*self.compute_newest.get_or_init(|| newest))
    }
}

fn kept<H: Host>(cloud: &Cloud<'_, H>) -> Option<Kept> {
    let entry = cloud.host.state_get(STATE_KEY).ok()??;
    serde_json::from_slice(&entry.value)
        .ok()
        .and_then(|value| serde_json::from_value(value).ok())
}

fn chosen_by<H: Host>(cloud: &Cloud<'_, H>) -> String {
    let config = &cloud.config;
    let region = config.region.as_deref().unwrap_or_default();
    let port = config.port.to_string();
    [&config.host, &port, &config.auth_path, region, &config.interface].join("|")
}

fn read<H: Host>(cloud: &Cloud<'_, H>) -> Result<Catalog, Error> {
    cloud
        .get(Service::Identity, ["auth", "catalog"])
        .read("reading the service catalogue")
}

fn now<H: Host>(host: &H) -> i64 {
    time::parse_rfc3339(&host.now()).unwrap_or_default()
}
