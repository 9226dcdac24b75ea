//! What the provider says about itself, and what it tries meanwhile.
//!
//! `describe` runs without grants, options and arguments, so the test tells it what to try by overwriting five letters of
//! the component: [`MARK`] is how it finds them.

use std::fmt::Write as _;

use stockade_provider::abilities::Info;
use stockade_provider::bindings::shared::stockade::provider as imports;
use stockade_provider::host::Host;
use stockade_provider::types::{
    CredentialKind, CredentialRequest, Effect, Endpoint, Error, Level, OptionSchema, ProviderInfo, Request, Sigv4,
    SpecOptions,
};

use crate::{Hostile, lists};

/// What stands before the five letters in the component.
pub const MARK: &str = "what-describe-tries:";
/// What `describe` can try, in five letters each.
pub const DESCRIPTIONS: &[&str] = &["calls", "loops", "sleep"];

static TRIES: [u8; 25] = *b"what-describe-tries:plain";

impl<H: Host> Info<H> for Hostile {
    fn describe() -> ProviderInfo {
        // Hidden from the optimiser: the test changes the bytes after it is done.
        let tries = std::hint::black_box(&TRIES);
        let seen = match &tries[MARK.len()..] {
            b"calls" => call_everything(),
            b"loops" => crate::attempts::spin(),
            b"sleep" => {
                imports::clock::sleep(u32::MAX);
                String::new()
            }
            _ => "it tries every way out".to_owned(),
        };
        let mut info = ProviderInfo::new("hostile", env!("CARGO_PKG_VERSION"), &seen);
        info.connection_options = vec![
            OptionSchema::text("host", "where the endpoint `api` is").with_default("127.0.0.1"),
            OptionSchema::integer("port", "its port").with_default(1),
            OptionSchema::integer("other_port", "the port of the endpoint `other`").with_default(1),
            OptionSchema::text("list", "how `list-vms` misbehaves")
                .with_default("plain")
                .with_choices(&[&["plain"], lists::LISTS].concat()),
        ];
        info.spec_options = vec![SpecOptions {
            noun: "vm".to_owned(),
            options: vec![OptionSchema::text("note", "a word that is kept for no reason")],
        }];
        info.endpoints = vec![
            endpoint("api", "http://{host}:{port}").with_credential("api"),
            endpoint("other", "http://{host}:{other_port}"),
            Endpoint::new("verbs", "http://{host}:{port}", "to try verbs that are no methods")
                .with_rule("POST", "/", "every action")
                .with_rule("POST", "/claims", "a change that it calls a read")
                .that(Effect::Read),
            endpoint("found", "http://*:*"),
        ];
        info.credentials = vec![CredentialRequest::optional(
            "api",
            vec![
                CredentialKind::Bearer,
                CredentialKind::Basic,
                CredentialKind::Header("x-api-key".to_owned()),
                CredentialKind::Query("key".to_owned()),
                CredentialKind::Sigv4(Sigv4 {
                    service: "s3".to_owned(),
                    region: "eu-1".to_owned(),
                }),
            ],
            "to try to see it",
        )];
        info.state_kib = Some(64);
        info
    }

    fn check_connection(_host: &H) -> Result<(), Error> {
        Ok(())
    }
}

fn endpoint(name: &str, origin: &str) -> Endpoint {
    Endpoint::new(name, origin, "to try requests")
        .with_rule("GET", "/vms", "a harmless list")
        .with_rule("GET DELETE", "/vms/*", "one path, two methods")
        .with_rule("POST", "/vms", "a change")
        .with_rule("GET POST", "/free/**", "any rest")
}

/// Everything that could tell `describe` something.
fn call_everything() -> String {
    let mut seen = String::new();
    let request = Request::new("api", "GET", ["vms"]);
    let _ = write!(
        seen,
        "http {:?}",
        imports::http::send(&request).map(|response| response.status)
    );
    let _ = write!(seen, " state {:?}", imports::state::list_keys(""));
    let _ = write!(seen, " options {}", imports::connection::options().len());
    imports::log::write(Level::Info, "described");
    seen
}
