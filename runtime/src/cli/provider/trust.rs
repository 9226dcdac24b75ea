//! `provider trust`: the keys whose components may be used.

use clap::{Args, Subcommand};
use serde::Serialize;
use stockade::trust::{KeyConfig, NamePattern, PublicKey, Revocation};
use stockade::{Error, ProviderKind};

use crate::cli::change::{Change, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::Confirmation;
use crate::cli::output::{Column, Located, Record, column, join, optional, wide};
use crate::cli::terminal;

/// How the file of a public key ends.
const KEY_ENDING: &str = ".pub";

/// What can be done with trusted keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the keys and what they may sign
    #[command(visible_alias = "get")]
    List,
    /// Trust a key; with the first one, components must be signed
    #[command(visible_alias = "create")]
    Add(Add),
    /// Trust a key no longer: what it signed stops, also where it is running
    Revoke(Revoke),
    /// Forget a key: what it signed stops
    #[command(visible_alias = "delete")]
    Remove(Remove),
}

/// A key to trust.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What you call it
    name: String,
    /// The minisign public key, or its file: with a `/`, or ending in `.pub`
    #[arg(value_name = "KEY|FILE")]
    key: String,
    /// The providers that it may sign: names, `acme-*`, or `*`
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', required = true)]
    providers: Vec<NamePattern>,
}

/// A key that is not to be trusted any more.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// What you call it
    name: String,
    /// Why, for whoever finds its providers stopped
    #[arg(long, default_value = "no reason is given")]
    reason: String,
}

/// A key to forget.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// What you call it
    name: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// A key as it is shown.
#[derive(Debug, Serialize)]
struct ShownKey {
    name: String,
    key_id: String,
    public_key: String,
    providers: Vec<String>,
    /// Why it was revoked; none when it was not.
    revoked: Option<String>,
}

impl ShownKey {
    fn new(name: &str, key: &KeyConfig) -> Self {
        Self {
            name: name.to_owned(),
            key_id: key.public_key.id().to_string(),
            public_key: key.public_key.text().to_owned(),
            providers: key.providers.iter().map(ToString::to_string).collect(),
            revoked: key.revoked.as_ref().and_then(Revocation::reason).map(str::to_owned),
        }
    }
}

impl Record for ShownKey {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |key: &Self| key.name.clone()),
        column("KEY ID", |key| key.key_id.clone()),
        column("PROVIDERS", |key| join(&key.providers)),
        column("REVOKED", |key| optional(key.revoked.as_ref())),
        wide("PUBLIC KEY", |key| key.public_key.clone()),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.name
    }
}

/// Does it.
pub(super) fn run(context: &Context, action: Action) -> Outcome {
    let store = context.runtime.trust();
    match action {
        Action::List => {
            let keys = store.config()?.unwrap_or_default().keys;
            let shown = keys
                .iter()
                .map(|(name, key)| Located::nowhere(ShownKey::new(name, key)));
            Ok(context.output.print_list(&shown.collect::<Vec<_>>())?)
        }
        Action::Add(arguments) => {
            let key = read_key(&arguments.key)?;
            let added = store.add(&arguments.name, &key, &arguments.providers)?;
            tell_who_stops(context)?;
            let shown = ShownKey::new(&arguments.name, &added);
            Ok(context.output.print_named(&[Located::nowhere(shown)], false)?)
        }
        Action::Revoke(arguments) => {
            store.revoke(&arguments.name, &arguments.reason)?;
            tell_who_stops(context)?;
            changed(context, &arguments.name, "revoked")
        }
        Action::Remove(arguments) => {
            terminal::confirm(arguments.confirmation.yes, &format!("remove key `{}`", arguments.name))?;
            store.remove(&arguments.name)?;
            tell_who_stops(context)?;
            changed(context, &arguments.name, "removed")
        }
    }
}

fn changed(context: &Context, name: &str, done: &'static str) -> Outcome {
    let change = Change::new("key", done).of(name, None);
    print_changes(context, &[Located::nowhere(change)], false)
}

fn read_key(argument: &str) -> Outcome<PublicKey> {
    let is_file = argument.contains('/') && argument.parse::<PublicKey>().is_err() || argument.ends_with(KEY_ENDING);
    let text = match is_file {
        true => std::fs::read_to_string(argument)
            .map_err(|error| Error::io(format_args!("reading `{argument}`"), &error))?,
        false => argument.to_owned(),
    };
    text.parse()
        .map_err(|why: String| Failure::usage(why, "give the second line of the author's `.pub` file, or the file"))
}

/// Whoever changes a policy should know at once whom it stops.
fn tell_who_stops(context: &Context) -> Outcome {
    for provider in context.runtime.providers()? {
        if let (ProviderKind::Component, Some(refusal)) = (provider.kind, &provider.refusal) {
            terminal::note(&terminal::clean(&format!("note: {refusal}")));
        }
    }
    Ok(())
}
