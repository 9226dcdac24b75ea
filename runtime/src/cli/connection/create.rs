//! `create connection`: shows what the provider asks for, and grants what the operator says.

use std::collections::BTreeMap;

use clap::Args;
use ipnet::IpNet;
use stockade::connections::clouds::{CloudConnection, Secret};
use stockade::connections::{ConnectionConfig, CredentialConfig, Grants, SecretSource, TlsConfig};
use stockade::contract::ProviderInfo;
use stockade::{Runtime, Service};

use super::credential;
use super::import::Import;
use super::report::ConnectionReport;
use crate::cli::arguments::ProviderOptions;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome, tell};
use crate::cli::output::Located;
use crate::cli::provider::{asked, indent};
use crate::cli::terminal;

/// A connection to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new connection's name
    name: String,
    /// The provider to use
    #[arg(short, long)]
    provider: String,
    #[command(flatten)]
    options: ProviderOptions,
    #[command(flatten)]
    import: Import,
    /// Where a credential is: `NAME=bearer:SOURCE`, `NAME=basic:USER:SOURCE`, `NAME=header:SOURCE`, `NAME=query:SOURCE`,
    /// `NAME=session:USER:SOURCE`, `NAME=oauth2:CLIENT:SOURCE`, `NAME=kubernetes:PATH`, `NAME=sigv4:ACCESS_KEY:SOURCE`,
    /// `NAME=azure-shared-key:SOURCE` or `NAME=azure-sas:SOURCE`, where SOURCE is `env:VARIABLE`, `file:PATH`,
    /// `keyring:SERVICE/USER`, `secret:NAME` or `command:PATH`
    #[arg(long = "credential", value_name = "CREDENTIAL", value_parser = credential::parse)]
    credentials: Vec<(String, CredentialConfig)>,
    /// A network that its endpoints may be in although it is private, loopback or link-local
    #[arg(long = "allow-address", value_name = "CIDR", conflicts_with = "grant_none")]
    allow_addresses: Vec<IpNet>,
    #[command(flatten)]
    tls: Tls,
    #[command(flatten)]
    consent: Consent,
    /// Do not check that it works
    #[arg(long)]
    no_check: bool,
}

/// How its servers must prove who they are.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Tls {
    /// A PEM file with the certificate authorities to trust instead of the public ones
    #[arg(long, value_name = "FILE", value_parser = credential::absolute, conflicts_with = "grant_none")]
    ca: Option<String>,
    /// Trust any certificate: anybody on the way can read and change everything, and take the credential
    #[arg(long, conflicts_with = "grant_none")]
    insecure: bool,
}

/// What the operator says to what the provider asks for.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Consent {
    /// Grant everything that the provider asks for
    #[arg(long)]
    grant_all: bool,
    /// Grant nothing; grants can be written into the connection's file later
    #[arg(long)]
    grant_none: bool,
}

/// Creates a connection.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let runtime = &context.runtime;
    let info = runtime.provider(&arguments.provider)?.info;
    let imported = arguments.import.read(&info)?;
    let mut config = ConnectionConfig {
        provider: arguments.provider.clone(),
        timeout_seconds: None,
        read_only: false,
        isolation: Default::default(),
        options: arguments.options.inputs()?,
        credentials: by_name(&arguments.credentials)?,
        grants: grants(&arguments, &info, imported.as_ref())?,
        limits: Default::default(),
    };
    let name = &arguments.name;
    let service = match imported {
        None => runtime.create_connection(name, &config).await?,
        Some(cloud) => {
            let secrets = take_over(&mut config, runtime, name, cloud)?;
            runtime.import_connection(name, &config, &secrets).await?
        }
    };
    if arguments.consent.grant_none && asked(&info).is_some() {
        let file = runtime.connection_file(name);
        terminal::note(&format!(
            "nothing is granted yet, so nothing was checked: write grants into `{}`",
            file.display()
        ));
    } else if !arguments.no_check {
        check(context, &service).await?;
    }
    let report = ConnectionReport::read(runtime, name)?;
    Ok(context.output.print_named(&[Located::nowhere(report)], false)?)
}

/// Checks that the new connection works; one that does not is not kept.
async fn check(context: &Context, service: &Service) -> Outcome {
    let Err(error) = context.reporting(service).check().await else {
        return Ok(());
    };
    tell(&error.hint("nothing was created; `--no-check` creates it nevertheless"));
    remove(&context.runtime, service.connection()).await?;
    Err(Failure::Told)
}

async fn remove(runtime: &Runtime, name: &str) -> Outcome {
    Ok(runtime.delete_connection(name).await?)
}

fn by_name(given: &[(String, CredentialConfig)]) -> Outcome<BTreeMap<String, CredentialConfig>> {
    let mut credentials = BTreeMap::new();
    for (name, credential) in given {
        if credentials.insert(name.clone(), credential.clone()).is_some() {
            return Err(Failure::usage(
                format!("credential `{name}` is given twice"),
                "give it once",
            ));
        }
    }
    Ok(credentials)
}

/// Completes a connection by what was imported; what was said on the command line stays. Answers the secrets to keep.
fn take_over(
    config: &mut ConnectionConfig,
    runtime: &Runtime,
    name: &str,
    cloud: CloudConnection,
) -> Outcome<BTreeMap<String, Secret>> {
    for (option, value) in &cloud.options {
        config.options.entry(option.clone()).or_insert_with(|| value.clone());
    }
    if config.credentials.contains_key(&cloud.credential) {
        return Ok(BTreeMap::new());
    }
    let file = runtime.imported_secret_file(name, &cloud.credential)?;
    let source = SecretSource::File(credential::utf8(file).map_err(|why| Failure::usage(why, "choose another home"))?);
    let credential = cloud.credential_from(source);
    config.credentials.insert(cloud.credential.clone(), credential);
    Ok([(cloud.credential.clone(), cloud.into_secret())].into())
}

/// What is granted, after the operator was asked.
fn grants(arguments: &Create, info: &ProviderInfo, imported: Option<&CloudConnection>) -> Outcome<Grants> {
    if !is_granted(&arguments.consent, info)? {
        return Ok(Grants::default());
    }
    let mut grants = Grants::all_of(info);
    let Tls { ca, insecure } = &arguments.tls;
    let tls = match (ca, insecure) {
        (None, false) => imported.and_then(|cloud| cloud.tls.clone()),
        (ca, insecure) => Some(TlsConfig {
            ca: ca.clone(),
            insecure: *insecure,
            ..TlsConfig::default()
        }),
    };
    if grants.endpoints.is_empty() && (tls.is_some() || !arguments.allow_addresses.is_empty()) {
        return Err(Failure::usage(
            format!("provider `{}` asks for no endpoint", info.name),
            "leave out `--allow-address`, `--ca` and `--insecure`",
        ));
    }
    for (name, endpoint) in &mut grants.endpoints {
        if let Some(cloud) = imported
            && is_discovered(info, name)
        {
            endpoint.origins = vec![cloud.origin.clone()];
        }
        endpoint.tls.clone_from(&tls);
        endpoint.allow_addresses.clone_from(&arguments.allow_addresses);
    }
    Ok(grants)
}

/// Whether an endpoint's origin is only known at run time: it has a `*`.
fn is_discovered(info: &ProviderInfo, name: &str) -> bool {
    info.endpoints
        .iter()
        .any(|endpoint| endpoint.name == name && endpoint.origin.contains('*'))
}

/// Whether the operator grants what the provider asks for. A provider that asks for nothing needs no answer.
fn is_granted(consent: &Consent, info: &ProviderInfo) -> Outcome<bool> {
    let Some(asked) = asked(info) else { return Ok(true) };
    if consent.grant_all || consent.grant_none {
        return Ok(consent.grant_all);
    }
    let request = format!("provider `{}` asks for\n{}", info.name, indent(&asked));
    terminal::note(&terminal::clean_lines(&request));
    if !terminal::can_ask() {
        return Err(Failure::usage(
            format!(
                "provider `{}` asks for grants, and there is no terminal to ask you on",
                info.name
            ),
            "add `--grant-all` or `--grant-none`; `stockade provider inspect` shows what it asks for",
        ));
    }
    if terminal::ask("grant all of this?") {
        return Ok(true);
    }
    terminal::note("nothing was created; with `--grant-none` you can write narrower grants into the connection's file");
    Err(Failure::Told)
}
