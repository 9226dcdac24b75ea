//! The `aws` component at servers that speak AWS's protocols, with AWS's own SDK as observer: what one of the two makes, the
//! other sees. The server verifies each signature, and the component never holds the key.

#![expect(clippy::unwrap_used, reason = "a step that fails is a claim that does not hold")]
#![expect(
    clippy::needless_pass_by_value,
    reason = "values of `json!` are made where they are passed"
)]

mod buckets;
mod canary;
mod dns;
mod full_answers;
mod images;
mod lab;
mod load_balancers;
mod models;
mod networks;
#[path = "../shared/told.rs"]
mod told;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use stockade_test_support::SupportError;
use stockade_test_support::aws::AwsPeer;

use lab::Lab;

/// A claim by its name; it panics when it does not hold.
type Claim = (&'static str, fn(&Lab));

/// Lists claims under their names.
macro_rules! claims {
    ($($claim:ident,)+) => { vec![$((stringify!($claim), $claim as fn(&$crate::lab::Lab))),+] };
}
pub(crate) use claims;

/// A peer, and what it does not do as AWS does.
struct PeerOfTests {
    name: &'static str,
    start: fn() -> Result<AwsPeer, SupportError>,
    /// Claims that cannot hold there, and why.
    excused: &'static [(&'static str, &'static str)],
}

const NO_IMPORTS: &str = "ministack imports no disks";

const PEERS: [PeerOfTests; 2] = [
    PeerOfTests {
        name: "ministack",
        start: AwsPeer::ministack,
        excused: &[
            (
                "an_image_that_was_fetched_is_there_under_its_name_and_gone_when_deleted",
                "ministack copies no images",
            ),
            ("an_uploaded_disk_is_an_image_and_its_object_is_gone", NO_IMPORTS),
            ("a_disk_that_cannot_be_imported_leaves_nothing", NO_IMPORTS),
            ("a_disk_in_a_bucket_is_imported_and_stays_there", NO_IMPORTS),
        ],
    },
    PeerOfTests {
        name: "moto",
        start: AwsPeer::moto,
        excused: &[
            (
                "a_presigned_url_is_good_for_anybody_who_changes_nothing",
                "moto verifies no signatures",
            ),
            (
                "a_wrong_key_is_refused_by_every_service_and_is_in_no_message",
                "moto verifies no signatures",
            ),
            (
                "a_network_behind_a_nat_gateway_is_gone_without_a_trace",
                "moto keeps the interface of a NAT gateway that was deleted",
            ),
        ],
    },
];

fn main() -> ExitCode {
    // Components are compiled in a process of their own, which is this program.
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    let arguments = Arguments::from_args();
    let trials = PEERS.iter().flat_map(trials).chain(models::trials()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The claims at one peer, each at a server of its own.
fn trials(peer: &'static PeerOfTests) -> Vec<Trial> {
    let groups = [
        ("buckets", buckets::claims()),
        ("canary", canary::claims()),
        ("dns", dns::claims()),
        ("images", images::claims()),
        ("load_balancers", load_balancers::claims()),
        ("networks", networks::claims()),
    ];
    let all: Vec<Claim> = groups.iter().flat_map(|(_, claims)| claims.clone()).collect();
    for (excused, _) in peer.excused {
        assert!(
            all.iter().any(|(name, _)| name == excused),
            "there is no claim `{excused}` to excuse"
        );
    }
    let mut trials = Vec::new();
    for (noun, claims) in groups {
        for (name, claim) in claims {
            let excuse = peer.excused.iter().find(|(excused, _)| *excused == name);
            let trial = Trial::test(format!("{}::{noun}::{name}", peer.name), move || {
                claim(&Lab::at((peer.start)().unwrap()));
                Ok(())
            });
            trials.push(match excuse {
                // The reason is shown beside the name.
                Some((_, why)) => trial.with_kind(*why).with_ignored_flag(true),
                None => trial,
            });
        }
    }
    trials
}
