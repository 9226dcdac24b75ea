//! The component `aws` against native clients that send the same requests with the same signatures.

pub(crate) mod list;
pub(crate) mod upload;

use std::sync::Arc;

use stockade::connections::{ConnectionConfig, Grants};
use stockade::{Home, Runtime, Service};
use stockade_host::http::{
    AccessKey, CallBudget, CallScope, Denial, EndpointBounds, EndpointGrant, Exchange, HttpClient, HttpLimits,
    Observer, Origin, Request, RequestBody, RequestRule, Response, ResponseSink, Secret, Sigv4, TlsProfile,
};
use stockade_test_support::artifacts;
use stockade_test_support::aws::REGION;

use crate::Result;

/// A key that the servers of these benchmarks take.
const KEY: (&str, &str) = ("AKIDEXAMPLE", "a-secret-key");

/// A connection of the component to a server on loopback; `memory_mib` is what its guests may have.
async fn connect(home: &std::path::Path, port: u16, memory_mib: Option<u32>) -> Result<Service> {
    let runtime = Runtime::builder().home(Home::below(home)).build()?;
    let provider = runtime.add_provider(&artifacts::component("aws"), true).await?;
    let mut grants = Grants::all_of(&provider.info);
    for endpoint in grants.endpoints.values_mut() {
        endpoint.allow_addresses = vec!["127.0.0.0/8".parse()?];
    }
    let secret = home.join("secret");
    std::fs::write(&secret, KEY.1)?;
    let mut permissions = std::fs::metadata(&secret)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&secret, permissions)?;
    let key = serde_json::json!({ "kind": "sigv4", "access_key": KEY.0, "secret_key": { "file": secret } });
    let config = serde_json::json!({
        "provider": "aws",
        "options": {
            "region": REGION, "scheme": "http", "port": port,
            "ec2_host": "127.0.0.1", "elb_host": "127.0.0.1", "s3_host": "127.0.0.1", "route53_host": "127.0.0.1",
        },
        "credentials": { "key": key, "dns-key": key },
    });
    let mut config: ConnectionConfig = serde_json::from_value(config)?;
    config.grants = grants;
    if let Some(memory_mib) = memory_mib {
        config.limits = serde_json::from_value(serde_json::json!({ "memory_mib": memory_mib }))?;
    }
    Ok(runtime.create_connection("bench", &config).await?)
}

/// The host's own client without any guest, for one service: what somebody would write on it natively.
fn client(service: &str, port: u16) -> Result<HttpClient> {
    let everything = || -> Result<Vec<RequestRule>> { Ok(vec![RequestRule::new(["POST", "PUT"], "/**")?]) };
    let key = AccessKey {
        id: KEY.0.to_owned(),
        secret: Secret::new(KEY.1),
        session_token: None,
    };
    let grant = EndpointGrant {
        name: service.to_owned(),
        origin: format!("http://127.0.0.1:{port}").parse::<Origin>()?.into(),
        asked: everything()?,
        granted: everything()?,
        credential: Some(Arc::new(Sigv4::new(key, service, REGION))),
        presign_seconds: None,
        allow_addresses: vec!["127.0.0.0/8".parse()?],
        tls: TlsProfile::default(),
        proxy: None,
        bounds: EndpointBounds::default(),
    };
    Ok(HttpClient::new(vec![grant], HttpLimits::default())?)
}

/// Nobody looks.
struct Nobody;

impl Observer for Nobody {
    fn exchange(&self, _: &Exchange) {}
    fn denied(&self, _: &Denial) {}
}

/// Sends a request, whose answer must be a success.
async fn send(client: &HttpClient, request: &Request, body: RequestBody) -> Result<Response> {
    let budget = CallBudget::new(&HttpLimits::default());
    let scope = CallScope {
        budget: &budget,
        observer: &Nobody,
    };
    let response = client.send(request, body, ResponseSink::Buffer, scope).await?;
    match response.status {
        200 => Ok(response),
        status => Err(format!("the server answered {status}").into()),
    }
}
