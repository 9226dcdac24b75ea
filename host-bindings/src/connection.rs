//! What a connection gives its provider: options, HTTP under grants, state, limits. One connection, one world.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contract::OptionEntry;
use crate::http::HttpClient;
use crate::limits::GuestLimits;
use crate::state::StateStore;

/// The capabilities of one connection. Nothing in it is shared with another connection.
#[derive(Debug)]
pub struct Connection {
    /// Its name, for messages.
    pub name: String,
    /// Its options, validated, with defaults filled in.
    pub options: Vec<OptionEntry>,
    /// Its way out: every request of the provider goes through here.
    pub http: HttpClient,
    /// Its state; none when none was granted.
    pub state: Option<StateStore>,
    /// Its limits.
    pub limits: GuestLimits,
    /// Where its provider runs.
    pub isolation: Isolation,
}

/// Where a connection's provider runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// In this process, behind the walls of WebAssembly.
    #[default]
    InProcess,
    /// Each call in a process of its own, behind a second wall: no files, no network, no system calls but those of
    /// computing, and nothing to talk to but this process. Costs milliseconds for each call.
    Process,
}

impl Connection {
    /// A connection without any grant: every request is denied, there are no options and no state.
    pub fn without_grants(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: Vec::new(),
            http: HttpClient::without_grants(),
            state: None,
            limits: GuestLimits::default(),
            isolation: Isolation::default(),
        }
    }
}
