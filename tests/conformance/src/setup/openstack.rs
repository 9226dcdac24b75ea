//! The `openstack` component and a real cloud: Keystone, Placement, Glance, Neutron, Nova, Cinder, Designate,
//! Octavia and Swift on loopback.

use std::sync::Arc;

use stockade::connections::{
    ConnectionConfig, CredentialConfig, Grants, KeystoneConfig, KeystoneScopeConfig, OptionInput, SecretSource,
};
use stockade::contract::ProviderInfo;
use stockade_test_support::artifacts::{component, workspace_root};
use stockade_test_support::openstack::Openstack;

use super::{Evidence, Gaps, Given, Setup, Stage};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "openstack";

const NO_GUESTS: &str = "Nova's hypervisor here runs no guests";

/// The cloud has every service that the component knows, and a hypervisor that runs no guests.
pub(super) const GAPS: Gaps = Gaps {
    excused: &[
        ("a_real_guest_boots_gets_an_address_and_leaves_nothing", NO_GUESTS),
        ("a_revert_brings_back_what_a_guest_had_written", NO_GUESTS),
        ("a_copy_boots_under_a_name_of_its_own", NO_GUESTS),
        ("an_exported_image_boots", NO_GUESTS),
    ],
    ..Gaps::NONE
};

/// Starts the cloud and installs the component.
pub(crate) async fn openstack(stage: &Stage) -> Outcome<Setup> {
    let cloud = tokio::task::spawn_blocking(Openstack::start).await??;
    let provider = stage.runtime.add_provider(&component(NAME), true).await?;
    let password = stage.secret("openstack-password", cloud.password())?;
    let config = config(&provider.info, cloud.identity_port(), &password)?;
    Ok(Setup {
        name: NAME,
        runtime: stage.runtime.clone(),
        provider,
        config,
        image: "tiny",
        large_image: "large",
        given: Given {
            // A network's range is that of its subnets.
            network_range: None,
            // Of volumes whose type nobody names (Cinder's `default_volume_type`).
            default_pool: "__DEFAULT__",
            dns_zone: Some("conformance.example"),
            rules_name_groups: true,
            leaving_stop: Some(("stop", "shelve")),
            booting_from_disks: Some("boot_volume"),
            ..Given::default()
        },
        document: std::fs::read_to_string(workspace_root().join("components/openstack/README.md"))?,
        evidence: Some(Evidence::Openstack(Arc::new(cloud))),
        part: None,
        gaps: GAPS,
    })
}

/// A connection with a password, whose private file this is.
fn config(info: &ProviderInfo, port: u16, password: &str) -> Outcome<ConnectionConfig> {
    let keystone = KeystoneConfig::Password {
        user: "admin".to_owned(),
        user_domain: None,
        password: SecretSource::File(password.to_owned()),
        scope: Some(KeystoneScopeConfig::Project {
            name: "admin".to_owned(),
            domain: None,
        }),
    };
    connection(info, port, CredentialConfig::Keystone(keystone))
}

/// A connection with a token, whose private file this is.
pub(super) fn config_with_token(info: &ProviderInfo, port: u16, token: &str) -> Outcome<ConnectionConfig> {
    let value = SecretSource::File(token.to_owned());
    connection(info, port, CredentialConfig::Header { value })
}

/// A connection to a cloud on loopback, with everything granted that the component asks for.
fn connection(info: &ProviderInfo, port: u16, credential: CredentialConfig) -> Outcome<ConnectionConfig> {
    let mut grants = Grants::all_of(info);
    for (name, endpoint) in &mut grants.endpoints {
        endpoint.allow_addresses.push("127.0.0.0/8".parse()?);
        if name != "identity" {
            endpoint.origins = vec!["http://127.0.0.1:*".parse()?];
        }
    }
    let text = |value: &str| OptionInput::Text(value.to_owned());
    let options = [
        ("host", text("127.0.0.1")),
        ("port", OptionInput::Integer(port.into())),
        ("scheme", text("http")),
        ("network", text("default")),
        ("external_network", text("outside")),
    ];
    Ok(ConnectionConfig {
        provider: info.name.clone(),
        // Five real services beside a build are slow, and what they are slow at is not judged.
        timeout_seconds: Some(600),
        read_only: false,
        isolation: Default::default(),
        options: options.map(|(name, value)| (name.to_owned(), value)).into(),
        credentials: [("keystone".to_owned(), credential)].into(),
        grants,
        limits: Default::default(),
    })
}
