//! What every command has at hand: the runtime, the options that all commands share, the connections that are meant.

use std::sync::Arc;

use clap::{ArgAction, Args};
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
}

/// What a command has at hand.
pub(crate) struct Context {
    /// The runtime.
    pub(crate) runtime: Runtime,
    /// How to print the answer.
    pub(crate) output: Format,
    options: CommonOptions,
}

impl CommonOptions {
    /// Refuses `--connection` where it means nothing.
    pub(crate) fn without_connection(&self) -> Outcome {
        match self.connection.first() {
            None => Ok(()),
            Some(_) => Err(Failure::usage(
                "this command does not use a connection",
                "leave out `--connection`",
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
        Ok(Self {
            runtime: Runtime::builder().build()?,
            output: options.output,
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
        service.with_reporter(Arc::new(reporter))
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
