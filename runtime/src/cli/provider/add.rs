//! `provider add` and `provider review`: what a component asks for, before somebody says yes.

use std::path::PathBuf;

use clap::Args;
use stockade::review::{AskChange, Candidate, ChangeKind, ConnectionImpact, ProviderReview, ReviewedVersion};
use stockade::{Installation, InstalledProvider};

use super::{SHORT_DIGEST, asked, describe_options, describe_signer, indent};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::Confirmation;
use crate::cli::output::{Column, Located, Record, column, join, optional, wide, yes_no};
use crate::cli::terminal;

/// A component to install.
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// A component that may be installed, and the conditions.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The component's file
    file: PathBuf,
    /// Replace another component of the same name
    #[arg(long)]
    replace: bool,
    /// Refuse a component with another digest: `sha256:` and 64 hexadecimal digits
    #[arg(long)]
    digest: Option<String>,
    /// The file of its minisign signature. Default: FILE with `.minisig` at the end, if there is one
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
}

impl Source {
    fn installation(self) -> Installation {
        Installation {
            file: self.file,
            signature: self.signature,
            digest: self.digest,
            replace: self.replace,
        }
    }
}

/// Shows what installing a component means, without installing it.
pub(super) async fn review(context: &Context, source: Source) -> Outcome {
    let wanted = Installation {
        // Looking at what would be replaced replaces nothing.
        replace: true,
        ..source.installation()
    };
    let candidate = context.runtime.review_provider(&wanted).await?;
    let review = candidate.review().clone();
    Ok(context.output.print_named(&[Located::nowhere(review)], false)?)
}

/// Installs a component after somebody approved it.
pub(super) async fn add(context: &Context, arguments: Add) -> Outcome<InstalledProvider> {
    let runtime = &context.runtime;
    let candidate = runtime.review_provider(&arguments.source.installation()).await?;
    let is_verified = candidate
        .provider()
        .signer
        .as_ref()
        .is_some_and(|signer| signer.key.is_some());
    show(&candidate);
    if candidate.review().needs_approval && !arguments.confirmation.yes {
        approve(&candidate)?;
    }
    let provider = runtime.install_provider(candidate)?;
    if !is_verified {
        terminal::note(&unverified(&provider, runtime.trust().config()?.is_some()));
    }
    Ok(provider)
}

/// What to know about a component that nobody vouches for.
fn unverified(provider: &InstalledProvider, has_policy: bool) -> String {
    let name = &provider.info.name;
    match has_policy {
        true => format!("note: nobody signed provider `{name}`; the trust file allows that"),
        false => format!(
            "note: nobody vouches for provider `{name}`: no key is trusted yet; `stockade provider trust add` names one, and then \
             components must be signed"
        ),
    }
}

/// Tells a person what is asked for. One that asks for nothing new is not talked about.
fn show(candidate: &Candidate) {
    let review = candidate.review();
    let is_same = review
        .installed
        .as_ref()
        .is_some_and(|installed| installed.digest == review.new.digest);
    if !is_same || review.needs_approval {
        terminal::note(&terminal::clean_lines(&describe(candidate.provider(), review)));
    }
}

fn approve(candidate: &Candidate) -> Outcome {
    let review = candidate.review();
    let what = match (&review.installed, review.is_downgrade) {
        (None, _) => "asks for approval",
        (Some(_), true) => "is older than the installed version, which asks for approval",
        (Some(_), false) => "asks for more, or is signed otherwise, than the installed version",
    };
    if !terminal::can_ask() {
        return Err(Failure::usage(
            format!(
                "provider `{}` {what}, and there is no terminal to ask you on",
                review.provider
            ),
            "add `--yes` when you approve it; `stockade provider review FILE` shows it",
        ));
    }
    if terminal::ask("install it?") {
        return Ok(());
    }
    terminal::note("nothing was changed");
    Err(Failure::Told)
}

/// The review for a person.
fn describe(provider: &InstalledProvider, review: &ProviderReview) -> String {
    let mut lines = vec![format!("provider `{}` {}", review.provider, version(&review.new))];
    match &review.installed {
        None => {
            let asked = asked(&provider.info).unwrap_or_else(|| "nothing".to_owned());
            lines.push(format!("asks for\n{}", indent(&asked)));
            lines.push(format!("imports {}", join(&provider.imports)));
            if !provider.info.connection_options.is_empty() {
                let options = describe_options(&provider.info.connection_options);
                lines.push(format!("takes connection options\n{}", indent(&options)));
            }
        }
        Some(installed) => {
            let word = if review.is_downgrade {
                "is a DOWNGRADE of"
            } else {
                "takes the place of"
            };
            lines.push(format!("{word} {}", version(installed)));
            lines.push(describe_changes(&review.changes));
        }
    }
    lines.extend(review.connections.iter().map(describe_impact));
    lines.join("\n")
}

fn version(version: &ReviewedVersion) -> String {
    let digest = version.digest.get(..SHORT_DIGEST).unwrap_or_default();
    format!(
        "{} (sha256:{digest}…), signed by {}",
        version.version,
        describe_signer(version.signer.as_ref())
    )
}

/// What differs, on lines: `+` for what is new, `-` for what is gone.
fn describe_changes(changes: &[AskChange]) -> String {
    if changes.is_empty() {
        return "asks for the same".to_owned();
    }
    let line = |change: &AskChange| {
        let sign = match change.change {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
        };
        let reason = change.reason.as_ref().filter(|reason| !reason.is_empty());
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        format!("  {sign} {}: {}{reason}", change.subject, change.text)
    };
    format!("asks for\n{}", changes.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn describe_impact(impact: &ConnectionImpact) -> String {
    let mut lines = vec![format!("connection `{}`:", impact.connection)];
    lines.extend(impact.widened.iter().map(|line| format!("  + now effective: {line}")));
    lines.extend(
        impact
            .narrowed
            .iter()
            .map(|line| format!("  - no longer effective: {line}")),
    );
    lines.extend(impact.problem.iter().map(|problem| format!("  ! {problem}")));
    lines.join("\n")
}

impl Record for ProviderReview {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |review: &Self| review.provider.clone()),
        column("NEW", |review| version(&review.new)),
        column("INSTALLED", |review| {
            optional(review.installed.as_ref().map(version).as_ref())
        }),
        column("DOWNGRADE", |review| yes_no(Some(review.is_downgrade))),
        column("NEEDS APPROVAL", |review| yes_no(Some(review.needs_approval))),
        wide("DIGEST", |review| review.new.digest.clone()),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.provider
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let connections: Vec<_> = self.connections.iter().map(describe_impact).collect();
        vec![
            ("CHANGES", describe_changes(&self.changes)),
            ("CONNECTIONS", connections.join("\n")),
        ]
    }
}
