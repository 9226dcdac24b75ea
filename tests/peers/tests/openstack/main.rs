//! The `openstack` component at a real Keystone: who gets the password, who the token, and how often there is a login.
//!
//! Keystone is OpenStack's own, with its catalogue; what the catalogue leads to are scripted servers, which tell what came.
//! The other services for real are the conformance suite's matter, `just peer-openstack`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a claim that does not hold")]

mod canary;
mod identity;
#[path = "../shared/identity_service.rs"]
mod identity_service;
mod lab;
mod logins;
mod refusals;
#[path = "../shared/told.rs"]
mod told;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};

use identity::Identity;
use lab::Lab;

/// A claim by its name; it panics when it does not hold.
type Claim = (&'static str, fn(&Lab));

/// Lists claims under their names.
macro_rules! claims {
    ($($claim:ident,)+) => { vec![$((stringify!($claim), $claim as fn(&$crate::lab::Lab))),+] };
}
pub(crate) use claims;

fn main() -> ExitCode {
    // Components are compiled in a process of their own, which is this program.
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    let groups = [
        ("canary", canary::claims()),
        ("logins", logins::claims()),
        ("refusals", refusals::claims()),
    ];
    // One for all, started by the first that needs it; each has a region of its own there.
    let identity = Arc::new(OnceLock::new());
    let trial = |(noun, (name, claim)): (&str, Claim)| {
        let identity = Arc::clone(&identity);
        Trial::test(format!("{noun}::{name}"), move || {
            identity.get_or_init(Identity::start);
            claim(&Lab::start(identity));
            Ok(())
        })
    };
    let all = groups
        .into_iter()
        .flat_map(|(noun, claims)| claims.into_iter().map(move |claim| (noun, claim)));
    let mut arguments = Arguments::from_args();
    // Logins are counted.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, all.map(trial).collect()).exit_code()
}
