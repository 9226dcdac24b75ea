//! The `aws` component in front of a server that speaks AWS's protocols: one setup for whatever server. Each trial has an
//! account of its own there, so that trials run side by side.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use stockade::connections::{ConnectionConfig, CredentialConfig, Grants, OptionInput, SecretSource, TextSource};
use stockade::contract::ProviderInfo;
use stockade_test_support::SupportError;
use stockade_test_support::artifacts::{component, workspace_root};
use stockade_test_support::aws::{AwsPeer, REGION, Session};
use tempfile::TempDir;

use super::{Gaps, Given, Setup, Stage};
use crate::outcome::{Outcome, ensure};

/// The zone of every account.
const DNS_ZONE: &str = "conformance.example";

/// What is particular about a server.
pub(super) struct Server {
    /// The setup's name.
    pub(super) name: &'static str,
    pub(super) start: fn() -> Result<AwsPeer, SupportError>,
    /// Makes what every account has beside a zone.
    pub(super) furnish: fn(&AwsPeer, &Session) -> Outcome,
    /// Images that every account has then: one, and a larger one.
    pub(super) images: [&'static str; 2],
    /// The volume type of disks for which none is named.
    pub(super) default_pool: &'static str,
    /// Whether disks can be imported; through a bucket then, which every account has.
    pub(super) has_imports: bool,
    pub(super) gaps: Gaps,
}

/// The table of the documentation that lists what the servers excuse.
const EXCUSES: &str = "Trials of the conformance suite that peers excuse";

/// The documentation lists every excused trial, with what is in its place.
pub(crate) fn check_excuses() -> Outcome {
    let servers = [
        ("moto", super::aws_moto::GAPS),
        ("ministack", super::aws_ministack::GAPS),
    ];
    let trials = servers.iter().flat_map(|(server, gaps)| {
        let excused = gaps.excused.iter();
        excused.map(|(trial, _)| (*server, *trial))
    });
    let complaints = stockade_test_support::aws::excuses::complaints(EXCUSES, &trials.collect::<Vec<_>>())?;
    ensure!(complaints.is_empty(), "{}", complaints.join("; "));
    Ok(())
}

/// Starts the server and installs the component.
pub(super) async fn setup(stage: &Stage, server: Server) -> Outcome<Setup> {
    let peer = tokio::task::spawn_blocking(server.start).await??;
    let provider = stage.runtime.add_provider(&component("aws"), true).await?;
    let config = config(&provider.info, peer.peer().port())?;
    let secrets = TempDir::with_prefix("stockade-conformance-aws-")?;
    let accounts = AtomicU32::new(1);
    let part = move |config: &mut ConnectionConfig, given: &mut Given| -> Outcome {
        let number = accounts.fetch_add(1, Ordering::Relaxed);
        let session = peer.account(number)?;
        (server.furnish)(&peer, &session)?;
        given.default_network = furnish(&peer, &session)?;
        if server.has_imports {
            let bucket = format!("import-{number}");
            peer.call_as(&session, "s3", "create_bucket", &json!({"Bucket": bucket}))?;
            config
                .options
                .insert("import_bucket".to_owned(), OptionInput::Text(bucket));
        }
        let secret = |name: &str, text: &str| -> Outcome<SecretSource> {
            let path = secrets.path().join(format!("{number}-{name}"));
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(SecretSource::File(path.display().to_string()))
        };
        let key = CredentialConfig::Sigv4 {
            access_key: TextSource::Text(session.access_key.clone()),
            secret_key: secret("key", &session.secret_key)?,
            session_token: Some(secret("token", &session.session_token)?),
        };
        config.credentials = [("key".to_owned(), key.clone()), ("dns-key".to_owned(), key)].into();
        Ok(())
    };
    Ok(Setup {
        name: server.name,
        runtime: stage.runtime.clone(),
        provider,
        config,
        image: server.images[0],
        large_image: server.images[1],
        given: Given {
            dns_zone: Some(DNS_ZONE),
            sizes_are_flavors: true,
            images_are_copied: true,
            default_pool: server.default_pool,
            object_bytes: 6 << 20,
            ..Given::default()
        },
        part: Some(Box::new(part)),
        document: std::fs::read_to_string(workspace_root().join("components/aws/README.md"))?,
        evidence: None,
        gaps: server.gaps,
    })
}

/// A connection to a peer on loopback, with everything granted that the component asks for.
fn config(info: &ProviderInfo, port: u16) -> Outcome<ConnectionConfig> {
    let mut grants = Grants::all_of(info);
    for (name, endpoint) in &mut grants.endpoints {
        endpoint.allow_addresses.push("127.0.0.0/8".parse()?);
        endpoint.presign_seconds = (name == "s3").then_some(3600);
    }
    let text = |text: &str| OptionInput::Text(text.to_owned());
    let hosts = ["ec2_host", "elb_host", "s3_host", "route53_host"].map(|host| (host.to_owned(), text("127.0.0.1")));
    let more = [
        ("region".to_owned(), text(REGION)),
        ("scheme".to_owned(), text("http")),
        ("port".to_owned(), OptionInput::Integer(port.into())),
        ("s3_part_mib".to_owned(), OptionInput::Integer(5)),
    ];
    Ok(ConnectionConfig {
        provider: info.name.clone(),
        timeout_seconds: None,
        read_only: false,
        isolation: Default::default(),
        options: hosts.into_iter().chain(more).collect::<BTreeMap<_, _>>(),
        credentials: [].into(),
        grants,
        limits: Default::default(),
    })
}

/// A connection to a server that takes every signature.
pub(super) fn config_of_nobody(info: &ProviderInfo, port: u16) -> Outcome<ConnectionConfig> {
    // A file that is there, of nobody else's, and whose content does not matter.
    let file = std::env::temp_dir().join(format!("stockade-conformance-nobody-{}", std::process::id()));
    let mut written = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(written.create(true).write(true).truncate(true), 0o600)
        .open(&file)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"nobody"))?;
    let key = CredentialConfig::Sigv4 {
        access_key: TextSource::Text("AKIANOBODY".to_owned()),
        secret_key: SecretSource::File(file.display().to_string()),
        session_token: None,
    };
    let mut config = config(info, port)?;
    config.credentials = [("key".to_owned(), key.clone()), ("dns-key".to_owned(), key)].into();
    Ok(config)
}

/// Makes the zone of an account; answers the id of its default network.
fn furnish(peer: &AwsPeer, account: &Session) -> Outcome<String> {
    let zone = json!({"Name": DNS_ZONE, "CallerReference": format!("{DNS_ZONE} {}", account.access_key)});
    peer.call_as(account, "route53", "create_hosted_zone", &zone)?;
    let is_default = json!({"Filters": [{"Name": "is-default", "Values": ["true"]}]});
    let networks = peer.call_as(account, "ec2", "describe_vpcs", &is_default)?;
    let network = networks["Vpcs"][0]["VpcId"].as_str();
    Ok(network.ok_or("the account has no default network")?.to_owned())
}
