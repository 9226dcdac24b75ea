//! What the provider asks the operator for, and how it reads the connection's options.

use stockade_provider::abilities::Info;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Error, OptionEntry, OptionSchema, ProviderInfo};

use crate::Fake;
use crate::client::Client;
use crate::failure::FailureRule;

/// The page size when neither caller nor connection names one.
const DEFAULT_PAGE_SIZE: i32 = 100;

/// How much state it asks for in KiB: some hundred things, of which a VM is the largest with about 2 KiB, and the contents
/// of some objects.
const STATE_KIB: u32 = 16 * 1024;

/// The options of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// How long every call takes, in milliseconds.
    pub(crate) latency_ms: u32,
    /// How many items a page has when the caller names no limit.
    pub(crate) page_size: u32,
    /// How often an operation is polled before it is done; 0 completes changes at once.
    pub(crate) pending_polls: u32,
    /// What fails.
    pub(crate) failures: Vec<FailureRule>,
}

impl Config {
    /// Reads the connection's options.
    pub(crate) fn of(entries: &[OptionEntry]) -> Result<Self, Error> {
        let options = Options::of(entries);
        let failures = options
            .text_list("fail_on")?
            .iter()
            .map(|rule| FailureRule::parse(rule));
        Ok(Self {
            latency_ms: options.integer_within("latency_ms", 0..=600_000)?.unwrap_or(0),
            page_size: options
                .integer_within("page_size", 1..=1000)?
                .unwrap_or(DEFAULT_PAGE_SIZE.unsigned_abs()),
            pending_polls: options.integer_within("pending_polls", 0..=1000)?.unwrap_or(0),
            failures: failures.collect::<Result<_, _>>()?,
        })
    }
}

impl<H: Host> Info<H> for Fake {
    fn describe() -> ProviderInfo {
        let mut info = ProviderInfo::new(
            "fake",
            env!("CARGO_PKG_VERSION"),
            "a simulated cloud that lives in the connection's state",
        );
        info.connection_options = vec![
            OptionSchema::text_list(
                "fail_on",
                "functions that fail, each `function:kind` or `function:kind:times` as in `create-vm:quota-exceeded:2`; \
                 without times it fails always",
            ),
            OptionSchema::integer("latency_ms", "how long every call takes, in milliseconds").with_default(0),
            OptionSchema::integer("page_size", "items in a page when the caller names no limit")
                .with_default(DEFAULT_PAGE_SIZE),
            OptionSchema::integer(
                "pending_polls",
                "how often a change of a vm's power is polled until it is done; 0 for at once",
            )
            .with_default(0),
        ];
        info.state_kib = Some(STATE_KIB);
        info
    }

    fn check_connection(host: &H) -> Result<(), Error> {
        Client::open(host, "check-connection").map(drop)
    }
}
