//! `provider`: what is installed, what it can do, what it asks for, and whom to trust with it.

mod add;
mod trust;
mod verify;

use std::path::Path;

use clap::{Args, Subcommand};
use stockade::connections::{Effect, RuleConfig};
use stockade::contract::{Ability, CredentialKind, OptionSchema, ProviderInfo, Session, SessionBody, TokenService};
use stockade::{InstalledProvider, ProviderKind, Signer};

use crate::cli::change::{Change, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun::{Confirmation, quoted};
use crate::cli::output::{Column, Located, Record, column, join, optional, wide, word};
use crate::cli::terminal;

/// How a component's file ends.
const COMPONENT_ENDING: &str = ".wasm";
/// How much of a digest is shown in tables.
const SHORT_DIGEST: usize = 12;

/// What can be done with providers.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Install a component, after you approved what it asks for
    #[command(visible_aliases = ["create", "install"])]
    Add(add::Add),
    /// Show what installing a component means, without installing it
    #[command(visible_alias = "diff")]
    Review(add::Source),
    /// List what is installed
    #[command(visible_alias = "get")]
    List,
    /// Show what a provider can do and asks for; a component is not run under any grant
    #[command(visible_aliases = ["info", "show"])]
    Inspect(Inspect),
    /// Remove an installed component that no connection uses
    #[command(visible_alias = "delete")]
    Remove(Remove),
    /// Verify what is installed: lock file, digest, signature, policy
    Verify(verify::Verify),
    /// List, add, revoke and remove the keys that may sign components
    #[command(subcommand)]
    Trust(trust::Action),
}

/// A provider to look at.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The name of an installed provider, or a component's file: with a `/`, or ending in `.wasm`
    #[arg(value_name = "NAME|FILE")]
    provider: String,
}

/// A component to remove.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The provider's name
    name: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Does it.
pub(crate) async fn run(context: &Context, action: Action) -> Outcome {
    let (runtime, output) = (&context.runtime, context.output);
    let provider = match action {
        Action::Add(arguments) => add::add(context, arguments).await?,
        Action::Review(source) => return add::review(context, source).await,
        Action::Verify(arguments) => return verify::run(context, arguments).await,
        Action::Trust(action) => return trust::run(context, action),
        Action::List => {
            let providers: Vec<_> = runtime.providers()?.into_iter().map(Located::nowhere).collect();
            return Ok(output.print_list(&providers)?);
        }
        Action::Inspect(Inspect { provider }) if is_file(&provider) => {
            runtime.inspect_provider(Path::new(&provider)).await?
        }
        Action::Inspect(Inspect { provider }) => runtime.provider(&provider)?,
        Action::Remove(remove) => {
            let name = runtime.provider(&remove.name)?.info.name;
            let action = format!("remove provider {}", quoted(std::slice::from_ref(&name)));
            terminal::confirm(remove.confirmation.yes, &action)?;
            runtime.remove_provider(&name)?;
            let change = Change::new("provider", "removed").of(&name, None);
            return print_changes(context, &[Located::nowhere(change)], false);
        }
    };
    Ok(output.print_named(&[Located::nowhere(provider)], false)?)
}

fn is_file(argument: &str) -> bool {
    argument.contains('/') || argument.ends_with(COMPONENT_ENDING)
}

impl Record for InstalledProvider {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |provider: &Self| provider.info.name.clone()),
        column("VERSION", |provider| provider.info.version.clone()),
        column("KIND", |provider| word(&provider.kind)),
        column("DESCRIPTION", |provider| provider.info.description.clone()),
        wide("DIGEST", |provider| {
            optional(provider.digest.get(..SHORT_DIGEST).as_ref())
        }),
        wide("SOURCE", |provider| provider.source.clone()),
        wide("SIGNED BY", |provider| match provider.kind {
            ProviderKind::Component => describe_signer(provider.signer.as_ref()),
            ProviderKind::Native => "-".to_owned(),
        }),
        wide("ABILITIES", |provider| abilities(&provider.abilities)),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.info.name
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = vec![("REFUSED", self.refusal.clone().unwrap_or_default())];
        if self.kind == ProviderKind::Component {
            details.push(("IMPORTS", join(&self.imports)));
        }
        details.push(("ASKS FOR", asked(&self.info).unwrap_or_else(|| "nothing".to_owned())));
        details.push(("CONNECTION OPTIONS", describe_options(&self.info.connection_options)));
        let specs = self.info.spec_options.iter().map(|options| {
            let lines = describe_options(&options.options);
            format!("of a {}:\n{}", options.noun, indent(&lines))
        });
        details.push(("OTHER OPTIONS", specs.collect::<Vec<_>>().join("\n")));
        details
    }
}

/// Who signed a component; a key that the trust file does not know proves nothing.
fn describe_signer(signer: Option<&Signer>) -> String {
    match signer {
        None => "nobody".to_owned(),
        Some(Signer { key: Some(key), key_id }) => format!("`{key}` ({key_id})"),
        Some(Signer { key: None, key_id }) => format!("an unknown key ({key_id}), not verified"),
    }
}

fn abilities(abilities: &[Ability]) -> String {
    let names: Vec<_> = abilities.iter().map(|ability| ability.name()).collect();
    join(&names)
}

/// What a provider asks an operator for, for a person; none when it asks for nothing.
pub(crate) fn asked(info: &ProviderInfo) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(kib) = info.state_kib {
        lines.push(format!("state: to keep up to {kib} KiB for each connection"));
    }
    for credential in &info.credentials {
        let kinds: Vec<_> = credential.kinds.iter().map(describe_kind).collect();
        let required = if credential.required { "" } else { ", optional" };
        let reason = &credential.reason;
        lines.push(format!(
            "credential `{}` ({}{required}): {reason}",
            credential.name,
            kinds.join(" or ")
        ));
    }
    for endpoint in &info.endpoints {
        let credential = endpoint.credential.as_ref();
        let credential = credential.map_or(String::new(), |name| format!(" with credential `{name}`"));
        let (name, origin, reason) = (&endpoint.name, &endpoint.origin, &endpoint.reason);
        lines.push(format!("endpoint `{name}` at {origin}{credential}: {reason}"));
        for rule in &endpoint.rules {
            lines.push(format!(
                "  {}: {}",
                describe_rule(&RuleConfig::asked(rule)),
                rule.reason
            ));
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A rule on one line: methods, path, conditions, and what the requests are said to do.
pub(crate) fn describe_rule(rule: &RuleConfig) -> String {
    let mut text = format!("{} {}", rule.methods.join(","), rule.path);
    for condition in &rule.when {
        let named = [
            ("query", &condition.query),
            ("form", &condition.form),
            ("header", &condition.header),
            ("soap", &condition.soap),
        ];
        for (place, name) in named {
            if let Some(name) = name {
                text.push_str(&format!(" when {place} `{name}` is {}", condition.values.join(" or ")));
            }
        }
    }
    if let Some(effect) = rule.effect {
        text.push_str(match effect {
            Effect::Read => ", which only reads",
            Effect::Change => ", which changes something",
        });
    }
    text
}

/// A kind of credential. What a login sends where is told in full: the provider says where the password is written.
fn describe_kind(kind: &CredentialKind) -> String {
    match kind {
        CredentialKind::Header(name) => format!("header `{name}`"),
        CredentialKind::Oauth2(oauth2) => format!("oauth2, {}", describe_service(&oauth2.service)),
        CredentialKind::Keystone(service) => format!("keystone, {}", describe_service(service)),
        CredentialKind::Session(session) => describe_session(session),
        other => word(other),
    }
}

fn describe_service(service: &TokenService) -> String {
    format!("sent to `POST {}` at endpoint `{}`", service.path, service.endpoint)
}

fn describe_session(session: &Session) -> String {
    let Session {
        method, path, endpoint, ..
    } = session;
    let mut parts = vec![format!(
        "session, by the login `{method} {path}` at endpoint `{endpoint}`"
    )];
    if session.basic {
        parts.push("user and password as HTTP Basic authentication".to_owned());
    }
    let pairs = |pairs: &[(String, String)]| {
        let each: Vec<_> = pairs.iter().map(|(name, value)| format!("`{name}: {value}`")).collect();
        each.join(", ")
    };
    if !session.headers.is_empty() {
        parts.push(format!("headers {}", pairs(&session.headers)));
    }
    match &session.body {
        SessionBody::Empty => {}
        SessionBody::Form(fields) => parts.push(format!("form {}", pairs(fields))),
        SessionBody::Json(text) => parts.push(format!("JSON `{text}`")),
        SessionBody::Xml(text) => parts.push(format!("XML `{text}`")),
    }
    let gives = session
        .gives
        .iter()
        .map(|give| format!("`{}: {}`", give.name, give.value));
    parts.push(format!("then {}", gives.collect::<Vec<_>>().join(", ")));
    parts.join("; ")
}

fn describe_options(options: &[OptionSchema]) -> String {
    let describe = |option: &OptionSchema| {
        let need = match (option.required, &option.default) {
            (true, _) => ", required".to_owned(),
            (false, Some(default)) => format!(", default {}", option_text(default)),
            (false, None) => String::new(),
        };
        let choices = match option.choices.is_empty() {
            true => String::new(),
            false => format!(", one of {}", option.choices.join(" ")),
        };
        format!(
            "{} ({}{need}{choices}): {}",
            option.name,
            word(&option.r#type),
            option.doc
        )
    };
    options.iter().map(describe).collect::<Vec<_>>().join("\n")
}

fn option_text(value: &stockade::contract::OptionValue) -> String {
    use stockade::contract::OptionValue::{Boolean, Integer, Text, TextList};
    match value {
        Text(text) => format!("`{text}`"),
        Integer(number) => number.to_string(),
        Boolean(value) => value.to_string(),
        TextList(items) => format!("`{}`", items.join(",")),
    }
}

/// Lines that belong to the line before them.
pub(crate) fn indent(lines: &str) -> String {
    lines
        .lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
