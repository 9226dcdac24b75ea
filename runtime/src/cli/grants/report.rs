//! What is shown of a connection's grants: everything that bounds its provider, and nothing else of the connection.

use std::collections::BTreeMap;

use serde::Serialize;
use stockade::connections::CredentialConfig;
use stockade::limits::GuestLimits;
use stockade::{Error, Runtime};

use crate::cli::connection::report::{ConnectionReport, EndpointReport, StateReport, describe_credential};
use crate::cli::output::{Column, Record, column, word};

/// The grants of a connection.
#[derive(Debug, Serialize)]
pub(super) struct GrantsReport {
    connection: String,
    provider: String,
    credentials: BTreeMap<String, CredentialConfig>,
    state: StateReport,
    endpoints: Vec<EndpointReport>,
    limits: GuestLimits,
}

impl GrantsReport {
    /// Reads a connection's file, and what its provider asks for.
    pub(super) fn read(runtime: &Runtime, name: &str) -> Result<Self, Error> {
        let limits = runtime.connection_config(name)?.limits;
        let report = ConnectionReport::read(runtime, name)?;
        Ok(Self {
            connection: report.connection,
            provider: report.provider,
            credentials: report.credentials,
            state: report.state,
            endpoints: report.endpoints,
            limits,
        })
    }
}

impl Record for GrantsReport {
    const COLUMNS: &'static [Column<Self>] = &[
        column("CONNECTION", |report: &Self| report.connection.clone()),
        column("PROVIDER", |report| report.provider.clone()),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.connection
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let credentials = self.credentials.iter();
        let credentials = credentials.map(|(name, credential)| describe_credential(name, credential));
        let endpoints = self.endpoints.iter().map(EndpointReport::describe);
        vec![
            ("CREDENTIALS", credentials.collect::<Vec<_>>().join("\n")),
            ("STATE", self.state.describe()),
            ("ENDPOINTS", endpoints.collect::<Vec<_>>().join("\n")),
            ("LIMITS", limits(&self.limits)),
        ]
    }
}

/// One limit a line, as in the connection's file.
fn limits(limits: &GuestLimits) -> String {
    let Ok(serde_json::Value::Object(limits)) = serde_json::to_value(limits) else {
        return String::new();
    };
    let lines = limits.iter().map(|(name, limit)| format!("{name} = {}", word(limit)));
    lines.collect::<Vec<_>>().join("\n")
}
