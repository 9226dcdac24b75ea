//! What somebody would write natively: the same requests, whose answers become values.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::json;

use crate::Result;

/// The image of all servers in the recordings.
pub(super) const IMAGE: &str = "c1f3144627844fec91e9728a1425c414";

/// What a native client reads of a list, and what a table of VMs shows.
#[derive(Deserialize)]
struct Servers {
    servers: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    name: String,
    status: String,
    created: String,
    addresses: std::collections::BTreeMap<String, Vec<Address>>,
    flavor: Flavor,
    image: Named,
}

#[derive(Deserialize)]
struct Address {
    addr: String,
}

#[derive(Deserialize)]
struct Flavor {
    original_name: String,
    vcpus: u32,
    ram: u32,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Images {
    images: Vec<ImageName>,
}

#[derive(Deserialize)]
struct ImageName {
    id: String,
    name: String,
}

/// A client with a token.
pub(super) struct NativeClient {
    client: Client<HttpConnector, Full<Bytes>>,
    compute: String,
    image: String,
    token: String,
}

impl NativeClient {
    /// A client of a Nova and a Glance at these origins.
    pub(super) fn new(compute: &str, image: &str, token: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            compute: compute.to_owned(),
            image: image.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Logs in at a Keystone; the token is kept for all that follows.
    pub(super) async fn log_in(&mut self, identity: &str, user: &str, password: &str) -> Result<()> {
        let domain = json!({ "id": "default" });
        let who = json!({ "name": user, "domain": domain, "password": password });
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": who } },
            "scope": { "project": { "name": user, "domain": domain } },
        } });
        let request = http::Request::post(format!("{identity}/v3/auth/tokens"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let response = self.client.request(request).await?;
        let token = response.headers().get("x-subject-token");
        let token = token.ok_or_else(|| format!("Keystone answers {}", response.status()))?;
        self.token = token.to_str()?.to_owned();
        Ok(())
    }

    async fn get(&self, url: &str) -> Result<Bytes> {
        let request = http::Request::get(url)
            .header("x-auth-token", &self.token)
            .header("openstack-api-version", "compute 2.93")
            .body(Full::default())?;
        Ok(self
            .client
            .request(request)
            .await?
            .into_body()
            .collect()
            .await?
            .to_bytes())
    }

    /// Lists the servers and the names of their images; answers how many rows the table has.
    pub(super) async fn list(&self) -> Result<usize> {
        let query = "limit=501&sort_key=created_at&sort_dir=asc&sort_key=uuid&sort_dir=asc";
        let list = self
            .get(&format!("{}/v2.1/servers/detail?{query}", self.compute))
            .await?;
        let list: Servers = serde_json::from_slice(&list)?;
        let wanted = list.servers.first().map_or(IMAGE, |server| &server.image.id);
        let names = self
            .get(&format!("{}/v2/images?limit=1000&id=in:{wanted}", self.image))
            .await?;
        let names: Images = serde_json::from_slice(&names)?;
        let row = |item: &Item| {
            let named = |image: &&ImageName| image.id == item.image.id;
            let image = names.images.iter().find(named).map(|image| image.name.as_str());
            let addresses = item.addresses.values().flatten().map(|address| address.addr.as_str());
            let flavor = &item.flavor;
            format!(
                "{} {} {} {} {} {} {} {image:?} {:?}",
                item.id,
                item.name,
                item.status,
                item.created,
                flavor.original_name,
                flavor.vcpus,
                flavor.ram,
                addresses.collect::<Vec<_>>()
            )
        };
        let rows: Vec<String> = list.servers.iter().map(row).collect();
        Ok(rows.len())
    }
}
