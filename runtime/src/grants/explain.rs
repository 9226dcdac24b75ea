//! Would a request be allowed, by which rules, and if not, what would allow it?

use serde::Serialize;
use stockade_host::contract::ProviderInfo;
use stockade_host::http::{BodySize, DenyReason, RequestRule, decide};

use super::request::SketchedRequest;
use crate::connections::{ConnectionConfig, grants_without_secrets};
use crate::error::Result;

/// What would come of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The endpoint's name.
    pub endpoint: String,
    /// Where it leads; none when the provider declares no such endpoint.
    pub origin: Option<String>,
    /// The method.
    pub method: String,
    /// The encoded path, without the query.
    pub path: String,
    /// Whether it would be sent, as far as rules and limits say. The address that a name leads to, the credential and
    /// what the call did before are known only when it is sent.
    pub allowed: bool,
    /// The asked rule that matches; none when no rule does, or what is wrong was found before rules were looked at.
    pub asked: Option<RequestRule>,
    /// The granted rule that matches.
    pub granted: Option<RequestRule>,
    /// Why it would be denied.
    pub reason: Option<String>,
    /// The line that would allow it; none when only the provider's author can do something.
    pub hint: Option<String>,
}

/// Explains a request of a connection's provider.
pub(crate) fn explain(config: &ConnectionConfig, info: &ProviderInfo, sketch: &SketchedRequest) -> Result<Explanation> {
    let grants = grants_without_secrets(config, info)?;
    let request = &sketch.request;
    let origin = grants.iter().find(|grant| grant.name == request.endpoint);
    let origin = origin.map(|grant| grant.origin.to_string());
    let body = BodySize::Bytes(sketch.body.len() as u64);
    Ok(match decide(&grants, &config.limits.http(), request, body) {
        Ok(allowed) => Explanation {
            endpoint: request.endpoint.clone(),
            origin,
            method: request.method.clone(),
            path: allowed.path.clone(),
            allowed: true,
            asked: Some(allowed.asked.clone()),
            granted: Some(allowed.granted.clone()),
            reason: None,
            hint: None,
        },
        Err(denial) => Explanation {
            endpoint: denial.endpoint.to_string(),
            origin,
            method: denial.method.to_string(),
            path: denial.path.to_string(),
            allowed: false,
            asked: match &denial.reason {
                DenyReason::EndpointNotGranted { missing } => missing.clone(),
                DenyReason::NotGranted { missing } => Some(missing.clone()),
                _ => None,
            },
            granted: None,
            reason: Some(denial.reason.to_string()),
            hint: denial.hint(),
        },
    })
}
