//! What every command has at hand: the runtime, the options that all commands share, the connections that are meant.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgAction, Args};
use stockade::dry_run::DryRun;
use stockade::{Error, Runtime, Service};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Format;
use crate::cli::reporter::TerminalReporter;
use crate::cli::terminal;

/// Names the connections that are meant when `--connection` is not given.
const CONNECTION_VARIABLE: &str = "STOCKADE_CONNECTION";
/// The name that means every connection.
const ALL: &str = "all";

/// The options that all commands share.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonOptions {
    /// The connections to use: a name, several separated by commas, or `all`. Default: `STOCKADE_CONNECTION`, or the only
    /// one there is
    #[arg(short, long, global = true, value_name = "NAME", value_delimiter = ',')]
    connection: Vec<String>,
    /// How to print the answer
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Format,
    /// Show what providers log; twice for their debug lines too
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Refuse whatever may change something, on every connection
    #[arg(long, global = true)]
    pub(crate) read_only: bool,
    /// Stop whatever may change something, and say what it would have been
    #[arg(long, global = true, conflicts_with = "read_only")]
    pub(crate) dry_run: bool,
    /// Write everything that providers get from outside into a new file
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Answer providers from a recording: no network, no credentials, and nothing is kept
    #[arg(long, global = true, value_name = "FILE")]
    replay: Option<PathBuf>,
}

/// What a command has at hand.
pub(crate) struct Context {
    /// The runtime.
    pub(crate) runtime: Runtime,
    /// How to print the answer.
    pub(crate) output: Format,
    /// Keeps what a dry run stops; none when it is none.
    pub(crate) dry_run: Option<Arc<DryRun>>,
    options: CommonOptions,
}

impl CommonOptions {
    /// Refuses `--connection` and `--dry-run` where they mean nothing.
    pub(crate) fn without_connection(&self) -> Outcome {
        if self.dry_run {
            return Err(Failure::usage(
                "this command does not use a connection, so that there is nothing to stop",
                "leave out `--dry-run`",
            ));
        }
        match self.connection.first() {
            None => Ok(()),
            Some(_) => Err(Failure::usage(
                "this command does not use a connection",
                "leave out `--connection`",
            )),
        }
    }

    /// Refuses `--record` and `--replay` where no provider is called.
    pub(crate) fn without_recording(&self) -> Outcome {
        match self.record.as_ref().or(self.replay.as_ref()) {
            None => Ok(()),
            Some(_) => Err(Failure::usage(
                "this command calls no provider that could be recorded",
                "leave out `--record` and `--replay`",
            )),
        }
    }
}

impl Drop for Context {
    /// The last that a command does: what it did is written down.
    fn drop(&mut self) {
        if let Err(error) = self.runtime.flush_audit() {
            terminal::note(&terminal::clean(&format!("warning: {error}")));
        }
    }
}

impl Context {
    /// Starts a runtime for a command.
    pub(crate) fn new(options: CommonOptions) -> Outcome<Self> {
        let builder = Runtime::builder().read_only(options.read_only);
        let builder = match (&options.record, &options.replay) {
            (Some(file), _) => builder.record(file.clone()),
            (None, Some(file)) => builder.replay(file.clone()),
            (None, None) => builder,
        };
        Ok(Self {
            runtime: builder.build()?,
            output: options.output,
            dry_run: options.dry_run.then(DryRun::new),
            options,
        })
    }

    /// The connections that were named with `--connection`; none for all.
    pub(crate) fn named_connections(&self) -> Vec<String> {
        match self.options.connection.iter().any(|name| name == ALL) {
            true => Vec::new(),
            false => self.options.connection.clone(),
        }
    }

    /// The names of the connections that are meant, at least one, each once.
    pub(crate) fn connections(&self) -> Outcome<Vec<String>> {
        let known = self.runtime.connection_names()?;
        let given = match self.options.connection.as_slice() {
            [] => std::env::var(CONNECTION_VARIABLE).map_or_else(|_| Vec::new(), |names| split(&names)),
            given => given.to_vec(),
        };
        choose(&given, known)
    }

    /// The one connection that is meant.
    pub(crate) async fn service(&self) -> Outcome<Service> {
        let names = self.connections()?;
        let [name] = names.as_slice() else {
            return Err(Failure::usage(
                format!(
                    "this needs one connection, and {} are meant: {}",
                    names.len(),
                    names.join(", ")
                ),
                "choose it with `--connection NAME`",
            ));
        };
        Ok(self.reporting(&self.runtime.connect(name).await?))
    }

    /// Does something on every connection that is meant, all at once.
    pub(crate) async fn on_each<T, F>(&self, work: impl Fn(Service) -> F) -> Outcome<Vec<(String, Result<T, Error>)>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let names = self.connections()?;
        Ok(self
            .runtime
            .on_each(&names, |service| work(self.reporting(&service)))
            .await)
    }

    /// A service whose provider's words reach the person.
    pub(crate) fn reporting(&self, service: &Service) -> Service {
        let reporter = TerminalReporter::new(service.connection(), self.options.verbose);
        let service = service.with_reporter(Arc::new(reporter));
        match &self.dry_run {
            Some(dry_run) => service.with_dry_run(Arc::clone(dry_run)),
            None => service,
        }
    }
}

fn split(names: &str) -> Vec<String> {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The connections that are meant by the given names; none given means the only one there is.
fn choose(given: &[String], known: Vec<String>) -> Outcome<Vec<String>> {
    let create = "create one: `stockade create connection NAME --provider PROVIDER`";
    if given.iter().any(|name| name == ALL) || given.is_empty() && known.len() == 1 {
        return match known.is_empty() {
            true => Err(Failure::usage("there is no connection", create)),
            false => Ok(known),
        };
    }
    if !given.is_empty() {
        let mut names: Vec<String> = Vec::new();
        for name in given {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        return Ok(names);
    }
    Err(match known.is_empty() {
        true => Failure::usage("there is no connection", create),
        false => Failure::usage(
            format!("which connection? there are {}: {}", known.len(), known.join(", ")),
            format!("choose with `--connection NAME` or `{CONNECTION_VARIABLE}`; lists take `--connection all`"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], known: &[&str]) -> Option<String> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        choose(&owned(given), owned(known)).ok().map(|names| names.join(" "))
    }

    #[test]
    fn connections_are_chosen_and_never_guessed() {
        for (given, known, expected) in [
            (&[][..], &["a"][..], Some("a")),
            (&[], &["a", "b"], None),
            (&[], &[], None),
            (&["all"], &["a", "b"], Some("a b")),
            (&["b", "all"], &["a", "b"], Some("a b")),
            (&["all"], &[], None),
            (&["b", "a", "b"], &["a", "b"], Some("b a")),
            (&["typo"], &["a"], Some("typo")),
        ] {
            assert_eq!(check(given, known).as_deref(), expected, "{given:?} of {known:?}");
        }
    }
}
