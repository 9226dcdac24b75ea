//! Commands that change things without making one: what they print when they are done.
//!
//! People are told on standard error; programs get a document: `{connection, noun, name, id, change}`.

use serde::Serialize;
use stockade::{Error, Service};

use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun::tell_all;
use crate::cli::output::{Column, Located, Record, column};
use crate::cli::terminal;

/// A kind of change: to what, and the word for it when it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    noun: &'static str,
    done: &'static str,
}

/// A change that happened.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    noun: &'static str,
    name: String,
    /// The vendor's id; none for what has none.
    id: Option<String>,
    change: &'static str,
}

impl Change {
    /// A change of a noun; `done` is its word in the past: `started`.
    pub(crate) const fn new(noun: &'static str, done: &'static str) -> Self {
        Self { noun, done }
    }

    /// The noun was deleted.
    pub(crate) const fn deleted(noun: &'static str) -> Self {
        Self::new(noun, "deleted")
    }

    /// It happened to this one.
    pub(crate) fn of(self, name: &str, id: Option<String>) -> Changed {
        Changed {
            noun: self.noun,
            name: name.to_owned(),
            id,
            change: self.done,
        }
    }
}

impl Record for Changed {
    const COLUMNS: &'static [Column<Self>] = &[column("NAME", |changed: &Self| changed.name.clone())];

    fn name(&self) -> &str {
        &self.name
    }
}

/// Changes things one after the other. One that fails is told, and the others are changed nevertheless.
pub(crate) async fn change_each(
    context: &Context,
    service: &Service,
    change: Change,
    names: &[String],
    work: impl AsyncFn(&Service, &str) -> Result<String, Error>,
) -> Outcome {
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match work(service, name).await {
            Ok(id) => done.push(Located::on(service.connection(), change.of(name, Some(id)))),
            Err(error) => failures.push(error),
        }
    }
    print_changes(context, &done, names.len() > 1)?;
    tell_all(&failures)
}

/// Tells what was changed.
pub(crate) fn print_changes(context: &Context, done: &[Located<Changed>], many: bool) -> Outcome {
    if context.output.is_for_people() {
        for Located { item, .. } in done {
            terminal::note(&terminal::clean(&format!(
                "{} `{}` {}",
                item.noun, item.name, item.change
            )));
        }
        return Ok(());
    }
    Ok(context.output.print_named(done, many)?)
}
