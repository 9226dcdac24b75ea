//! The `web` component, a real kweb and a real libvirt behind that. Runs inside the private libvirt's namespaces.

use stockade::Runtime;
use stockade::connections::{ConnectionConfig, Grants, OptionInput};
use stockade::contract::ProviderInfo;
use stockade_test_support::artifacts::{component, workspace_root};

use super::stage::{BOOTING_IMAGE, LARGE_IMAGE};
use super::{Evidence, Gaps, Given, Setup, Stage};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "web";

/// kcli puts its seed on a SATA drive, which the kernel of the tests' guest has no driver for: nobody can log in.
pub(super) const GAPS: Gaps = Gaps {
    absent: &[],
    excused: &[(
        "a_revert_brings_back_what_a_guest_had_written",
        "the guest cannot read the seed that kcli makes, so nobody can write in it",
    )],
    ..Gaps::NONE
};

/// Installs the component, for the kweb on this port.
pub(crate) async fn web(stage: &Stage, port: u16) -> Outcome<Setup> {
    let provider = stage.runtime.add_provider(&component(NAME), true).await?;
    let config = config(&provider.info, port)?;
    Ok(Setup {
        name: NAME,
        runtime: Runtime::clone(&stage.runtime),
        provider,
        config,
        image: BOOTING_IMAGE,
        large_image: LARGE_IMAGE,
        given: Given::default(),
        part: None,
        document: document()?,
        evidence: Some(Evidence::Libvirt),
        gaps: GAPS,
    })
}

/// A connection to a kweb on loopback, with everything granted that the component asks for.
pub(super) fn config(info: &ProviderInfo, port: u16) -> Outcome<ConnectionConfig> {
    let mut grants = Grants::all_of(info);
    for endpoint in grants.endpoints.values_mut() {
        endpoint.allow_addresses.push("127.0.0.0/8".parse()?);
    }
    let options = [
        ("host".to_owned(), OptionInput::Text("127.0.0.1".to_owned())),
        ("port".to_owned(), OptionInput::Integer(port.into())),
        ("disk_gib".to_owned(), OptionInput::Integer(1)),
    ];
    Ok(ConnectionConfig {
        provider: info.name.clone(),
        timeout_seconds: None,
        read_only: false,
        isolation: Default::default(),
        options: options.into(),
        credentials: [].into(),
        grants,
        limits: Default::default(),
    })
}

pub(super) fn document() -> Outcome<String> {
    Ok(std::fs::read_to_string(
        workspace_root().join("components/web/README.md"),
    )?)
}
