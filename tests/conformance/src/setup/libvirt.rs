//! The native libvirt provider and a real daemon. Runs inside the private libvirt's namespaces.

use stockade::connections::{ConnectionConfig, Grants, OptionInput};
use stockade_test_support::artifacts::workspace_root;

use super::stage::{BOOTING_IMAGE, LARGE_IMAGE};
use super::{Evidence, Gaps, Given, Setup, Stage};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "libvirt";

/// Finds the provider.
pub(crate) fn libvirt(stage: &Stage) -> Outcome<Setup> {
    let provider = stage.runtime.provider(NAME)?;
    let config = ConnectionConfig {
        provider: provider.info.name.clone(),
        timeout_seconds: None,
        read_only: false,
        isolation: Default::default(),
        // The trials look at devices from inside their guests, and bring in an image from a server of their own.
        options: [
            ("allow_guest_commands", OptionInput::Boolean(true)),
            ("image_origins", texts("http://127.0.0.0/8:*")),
            ("image_addresses", texts("127.0.0.0/8")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        credentials: [].into(),
        grants: Grants::default(),
        limits: Default::default(),
    };
    Ok(Setup {
        name: NAME,
        runtime: stage.runtime.clone(),
        provider,
        config,
        image: BOOTING_IMAGE,
        large_image: LARGE_IMAGE,
        given: Given {
            agent_user: Some("root"),
            ..Given::default()
        },
        part: None,
        document: std::fs::read_to_string(workspace_root().join("host-bindings/src/libvirt/mod.rs"))?,
        evidence: Some(Evidence::Libvirt),
        gaps: Gaps::default(),
    })
}

/// An option that is a list, of one text.
fn texts(text: &str) -> OptionInput {
    OptionInput::TextList(vec![text.to_owned()])
}
