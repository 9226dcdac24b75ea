//! What a test asks for, and how the guest answers: JSON in a name, JSON in a description.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stockade_provider::types::{Error, Fault, Request, Response, Vm, VmStatus};

/// The attempt that a command names, and the whole command for its arguments.
pub(crate) fn parse(text: &str) -> Result<(String, Value), Error> {
    let command: Value = serde_json::from_str(text).map_err(|_| Error::not_found("vm", text))?;
    let name: Named = arguments(&command)?;
    Ok((name.attempt, command))
}

/// Reads the arguments of an attempt.
pub(crate) fn arguments<T: DeserializeOwned>(command: &Value) -> Result<T, Error> {
    serde_json::from_value(command.clone())
        .map_err(|error| Error::invalid_argument("vm", format!("the command cannot be read: {error}")))
}

/// The answer of an attempt: what the guest saw.
pub(crate) fn told(seen: &Value) -> Vm {
    vm("attempt", Some(seen.to_string()))
}

/// A VM of this name.
pub(crate) fn vm(name: &str, description: Option<String>) -> Vm {
    Vm {
        id: name.to_owned(),
        name: name.to_owned(),
        status: VmStatus::Running,
        vendor_status: String::new(),
        ips: Vec::new(),
        cpus: None,
        memory_mib: None,
        flavor: None,
        image: None,
        location: None,
        autostart: None,
        description,
        created_at: None,
        disks: Some(Vec::new()),
        nics: Some(Vec::new()),
        metadata: Some(Vec::new()),
    }
}

/// What came of a request, with everything that the guest can know about it.
pub(crate) fn outcome(answer: &Result<Response, Fault>) -> Value {
    match answer {
        Ok(response) => json!({
            "status": response.status,
            "headers": response.headers,
            "body": String::from_utf8_lossy(&response.body),
        }),
        Err(fault) => json!({ "fault": fault }),
    }
}

/// A request as a test writes it: what it leaves out is empty.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WantedRequest {
    endpoint: Option<String>,
    origin: Option<String>,
    method: Option<String>,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: String,
    timeout_ms: Option<u32>,
}

impl WantedRequest {
    pub(crate) fn into_request(self) -> Request {
        Request {
            origin: self.origin,
            endpoint: self.endpoint.unwrap_or_else(|| "api".to_owned()),
            method: self.method.unwrap_or_else(|| "GET".to_owned()),
            path: self.path,
            query: self.query,
            headers: self.headers,
            body: self.body.into_bytes(),
            timeout_ms: self.timeout_ms,
        }
    }
}

#[derive(Deserialize)]
struct Named {
    attempt: String,
}
