//! The service catalogue: which services there are, where, in which region.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/#get-service-catalog>. The answer's endpoints are chosen by the
//! connection's region and interface. Nothing is sent in here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use stockade_provider::types::Error;

use crate::config::Config;
use crate::service::Service;

/// The answer of `GET /v3/auth/catalog`.
#[derive(Debug, Deserialize)]
pub(crate) struct Catalog {
    catalog: Vec<CatalogService>,
}

#[derive(Debug, Deserialize)]
struct CatalogService {
    #[serde(rename = "type")]
    kind: String,
    endpoints: Vec<CatalogEndpoint>,
}

#[derive(Debug, Deserialize)]
struct CatalogEndpoint {
    interface: String,
    #[serde(default)]
    region_id: Option<String>,
    #[serde(default)]
    region: Option<String>,
    url: String,
}

impl CatalogEndpoint {
    fn region(&self) -> Option<&str> {
        self.region_id.as_deref().or(self.region.as_deref())
    }
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// `scheme://host[:port]`.
    pub(crate) origin: String,
    /// The path's segments up to and including the version, with what some clouds put behind it.
    pub(crate) base: Vec<String>,
}

impl Catalog {
    /// Where a service is; none when the catalogue does not have it in this region. `function` is the contract's.
    ///
    /// # Errors
    /// `invalid-argument` for `region` when there are several and the connection names none; `upstream` for a URL that
    /// is none.
    pub(crate) fn choose(&self, service: Service, config: &Config) -> Result<Option<Place>, Error> {
        let of_type = |kind: &&str| {
            self.catalog
                .iter()
                .filter(|entry| entry.kind == **kind)
                .flat_map(|entry| &entry.endpoints)
                .filter(|endpoint| endpoint.interface == config.interface)
                .filter(|endpoint| config.region.is_none() || config.region.as_deref() == endpoint.region())
                .collect::<Vec<_>>()
        };
        let Some(found) = service.types().iter().map(of_type).find(|found| !found.is_empty()) else {
            return Ok(None);
        };
        let regions: BTreeSet<_> = found.iter().filter_map(|endpoint| endpoint.region()).collect();
        if regions.len() > 1 {
            let message = format!(
                "the cloud has {} in several regions; set the connection's `region` to one of: {}",
                service.title(),
                regions.into_iter().collect::<Vec<_>>().join(", ")
            );
            return Err(Error::invalid_argument("region", message));
        }
        let Some(endpoint) = found.first() else { return Ok(None) };
        let place = place(service, &endpoint.url).ok_or_else(|| {
            let message = format!(
                "the catalogue's endpoint of {} is no URL: `{}`",
                service.title(),
                endpoint.url
            );
            Error::upstream(None, Some("catalog".to_owned()), message)
        })?;
        Ok(Some(place))
    }

    /// The error of a service that the catalogue does not have.
    pub(crate) fn missing(&self, service: Service, config: &Config, function: &str) -> Error {
        let regions: BTreeSet<_> = self
            .catalog
            .iter()
            .flat_map(|entry| &entry.endpoints)
            .filter_map(CatalogEndpoint::region)
            .collect();
        let region = config.region.as_deref().unwrap_or("any region");
        let hint = match &config.region {
            Some(region) if !regions.contains(region.as_str()) => format!(
                "; the catalogue has no region `{region}`, only: {}",
                regions.into_iter().collect::<Vec<_>>().join(", ")
            ),
            _ => String::new(),
        };
        let why = format!(
            "the catalogue has no service of type `{}`, {}, with a {} endpoint in {region}{hint}",
            service.types()[0],
            service.title(),
            config.interface
        );
        Error::unsupported(function, &why)
    }
}

/// Takes an endpoint's URL apart. A URL without a version gets the service's.
fn place(service: Service, url: &str) -> Option<Place> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_sound = matches!(scheme, "http" | "https")
        && !authority.is_empty()
        && !authority.contains(['@', '?', '#'])
        && !path.contains(['?', '#']);
    let mut base: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect();
    match base.iter().position(|segment| is_version(segment)) {
        None => base.push(service.version().to_owned()),
        // Nova needs no project in its paths since microversion 2.18, so that rules need none either.
        Some(at) if service == Service::Compute => {
            base.truncate(at);
            base.push(service.version().to_owned());
        }
        Some(_) => {}
    }
    is_sound.then(|| Place {
        origin: format!("{scheme}://{authority}"),
        base,
    })
}

/// Whether a path's segment is an API's version: `v2.1`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::ErrorKind;

    fn catalog() -> Catalog {
        let endpoint = |interface: &str, region: &str, url: &str| serde_json::json!({"interface": interface, "region_id": region, "region": region, "url": url});
        let text = serde_json::json!({"catalog": [
            {"type": "compute", "endpoints": [
                endpoint("internal", "one", "http://10.0.0.1:8774/v2.1"),
                endpoint("public", "one", "https://one.example:8774/v2.1/9f"),
                endpoint("public", "two", "https://two.example/compute/v2.1/"),
            ]},
            {"type": "volumev2", "endpoints": [endpoint("public", "one", "https://one.example:8776/v2/9f")]},
            {"type": "volumev3", "endpoints": [endpoint("public", "one", "https://one.example:8776/v3/9f")]},
            {"type": "image", "endpoints": [endpoint("public", "one", "https://one.example:9292")]},
            {"type": "dns", "endpoints": [endpoint("public", "one", "no url")]},
        ]});
        serde_json::from_value(text).expect("a catalogue")
    }

    fn config(region: Option<&str>, interface: &str) -> Config {
        Config {
            region: region.map(str::to_owned),
            interface: interface.to_owned(),
            ..Config::default()
        }
    }

    fn chosen(service: Service, region: Option<&str>, interface: &str) -> Option<(String, String)> {
        let place = catalog()
            .choose(service, &config(region, interface))
            .expect("no error")?;
        Some((place.origin, place.base.join("/")))
    }

    #[test]
    fn an_endpoint_is_chosen_by_region_and_interface() {
        let place = |origin: &str, base: &str| Some((origin.to_owned(), base.to_owned()));
        assert_eq!(
            chosen(Service::Compute, Some("one"), "public"),
            place("https://one.example:8774", "v2.1")
        );
        assert_eq!(
            chosen(Service::Compute, Some("two"), "public"),
            place("https://two.example", "compute/v2.1")
        );
        assert_eq!(
            chosen(Service::Compute, None, "internal"),
            place("http://10.0.0.1:8774", "v2.1")
        );
        assert_eq!(
            chosen(Service::Volume, None, "public"),
            place("https://one.example:8776", "v3/9f")
        );
        assert_eq!(
            chosen(Service::Image, None, "public"),
            place("https://one.example:9292", "v2")
        );
        assert_eq!(chosen(Service::Network, None, "public"), None);
        assert_eq!(chosen(Service::Image, Some("two"), "public"), None);
    }

    #[test]
    fn several_regions_and_no_choice_is_the_operators_to_solve() {
        let error = catalog()
            .choose(Service::Compute, &config(None, "public"))
            .expect_err("two regions");
        assert_eq!(error.kind, ErrorKind::InvalidArgument("region".to_owned()));
        assert!(error.message.contains("one, two"), "{}", error.message);
    }

    #[test]
    fn a_missing_service_or_region_is_named() {
        let error = catalog().missing(Service::Volume, &config(Some("three"), "public"), "list-disks");
        assert_eq!(error.kind, ErrorKind::Unsupported("list-disks".to_owned()));
        for words in ["block-storage", "Cinder", "no region `three`", "one, two"] {
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_upstream() {
        let error = catalog()
            .choose(Service::Dns, &config(None, "public"))
            .expect_err("no url");
        assert!(matches!(error.kind, ErrorKind::Upstream(_)), "{error:?}");
        for url in ["ftp://a/v2", "https:///v2", "https://u:p@a/v2", "https://a/v2?x"] {
            assert_eq!(place(Service::Dns, url), None, "{url}");
        }
    }
}
