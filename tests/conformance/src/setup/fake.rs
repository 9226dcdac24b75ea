//! The simulated cloud. Each connection has one of its own, so its trials run side by side.

use stockade::connections::{ConnectionConfig, Grants};
use stockade_test_support::artifacts::{component, workspace_root};

use super::{Gaps, Given, Setup, Stage};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "fake";

/// Installs the component.
pub(crate) async fn fake(stage: &Stage) -> Outcome<Setup> {
    let provider = stage.runtime.add_provider(&component(NAME), true).await?;
    let config = ConnectionConfig {
        provider: provider.info.name.clone(),
        timeout_seconds: None,
        read_only: false,
        isolation: Default::default(),
        options: [].into(),
        credentials: [].into(),
        grants: Grants::all_of(&provider.info),
        limits: Default::default(),
    };
    Ok(Setup {
        name: NAME,
        runtime: stage.runtime.clone(),
        provider,
        config,
        image: "tiny",
        large_image: "debian-12",
        given: Given {
            dns_zone: Some("example.org"),
            agent_user: Some("cloud"),
            ..Given::default()
        },
        part: None,
        document: std::fs::read_to_string(workspace_root().join("components/fake/README.md"))?,
        evidence: None,
        gaps: Gaps::default(),
    })
}
