//! A connection's client at one peer, and what its observer saw.

use std::sync::{Arc, Mutex};

use stockade_host::http::{
    CallBudget, CallScope, Credential, Denial, EndpointGrant, Exchange, Fault, HttpClient, HttpLimits, Observer,
    Request, RequestBody, RequestRule, Response, ResponseSink, TlsProfile,
};

/// Everything that an operator could read of the requests, as text.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(format!("{exchange:?}"));
    }

    fn denied(&self, denial: &Denial) {
        self.0.lock().unwrap().push(format!("{denial:?}"));
    }
}

/// A client whose one endpoint `api` leads to a peer.
pub struct Lab {
    client: HttpClient,
    seen: Arc<Seen>,
    budget: CallBudget,
}

impl Lab {
    /// A client that may do everything at `origin`, authenticated so.
    pub fn new(origin: &str, credential: Option<Credential>) -> Self {
        Self::granted(grant(origin, credential))
    }

    /// A client with this grant.
    pub fn granted(grant: EndpointGrant) -> Self {
        let limits = HttpLimits::default();
        Self {
            budget: CallBudget::new(&limits),
            client: HttpClient::new(vec![grant], limits).unwrap(),
            seen: Arc::default(),
        }
    }

    pub fn call(&self) -> CallScope<'_> {
        CallScope {
            budget: &self.budget,
            observer: &*self.seen,
        }
    }

    pub async fn send(&self, request: &Request, body: RequestBody) -> Result<Response, Fault> {
        self.client.send(request, body, ResponseSink::Buffer, self.call()).await
    }

    /// What the observer was told.
    pub fn seen(&self) -> String {
        self.seen.0.lock().unwrap().join("\n")
    }
}

/// A grant of everything at `origin`.
pub fn grant(origin: &str, credential: Option<Credential>) -> EndpointGrant {
    let everything = || vec![RequestRule::new(["GET", "HEAD", "PUT", "POST", "DELETE"], "/**").unwrap()];
    EndpointGrant {
        name: "api".into(),
        origin: origin.parse().unwrap(),
        asked: everything(),
        granted: everything(),
        credential,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        tls: TlsProfile::WebRoots,
    }
}

/// A request to the endpoint `api`, by its segments.
pub fn request(method: &str, path: &[&str]) -> Request {
    Request {
        endpoint: "api".into(),
        method: method.into(),
        path: path.iter().map(|&segment| segment.to_owned()).collect(),
        ..Request::default()
    }
}

/// A response's body as text.
pub fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}
