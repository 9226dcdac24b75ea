//! The `aws` component at servers that speak AWS's protocols, with AWS's own SDK as observer: what one of the two makes, the
//! other sees. The server verifies each signature, and the component never holds the key.

#![expect(clippy::unwrap_used, reason = "a step that fails is a claim that does not hold")]

mod buckets;
mod canary;
mod dns;
mod lab;
mod load_balancers;
mod networks;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A claim by its name; it panics when it does not hold.
type Claim = (&'static str, fn());

/// Lists claims under their names.
macro_rules! claims {
    ($($claim:ident,)+) => { vec![$((stringify!($claim), $claim as fn())),+] };
}
pub(crate) use claims;

fn main() -> ExitCode {
    // Components are compiled in a process of their own, which is this program.
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (noun, claims) in [
        ("buckets", buckets::claims()),
        ("canary", canary::claims()),
        ("dns", dns::claims()),
        ("load_balancers", load_balancers::claims()),
        ("networks", networks::claims()),
    ] {
        for (name, claim) in claims {
            trials.push(Trial::test(format!("{noun}::{name}"), move || {
                claim();
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
