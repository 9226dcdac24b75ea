//! The lines of a recording.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of this form.
pub(super) const VERSION: u32 = 1;

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first line.
    Recording {
        /// The version of this form.
        version: u32,
        /// The version of the contract.
        contract: String,
    },
    /// A provider that was called.
    Provider {
        /// Its name.
        name: String,
        /// Its component's digest. Without it the recording fits every build: for recordings that tests keep.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// A call of a function.
    Call {
        /// The number by which its answers refer to it.
        id: u32,
        /// The connection.
        connection: String,
        /// The function: `vms/list-vms`.
        function: String,
    },
    /// Something that was asked in a call, and its answer.
    Answer {
        /// The call.
        call: u32,
        /// What was asked: a host call.
        asked: Value,
        /// Its answer.
        answered: Value,
        /// What was spliced into a blob.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spliced: Option<Value>,
    },
}
