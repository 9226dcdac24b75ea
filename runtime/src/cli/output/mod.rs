//! How answers are printed on standard output.
//!
//! JSON and YAML are always one document of one shape: an array for a list, an object for one thing, an array when several
//! were named. Tables are for people and may change.

mod cell;
mod table;

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use serde::Serialize;

pub(crate) use cell::{join, optional, size_bytes, size_mib, tags, word, yes_no};

use super::terminal;

/// The format of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// More columns for people.
    Wide,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// Names only, one on each line.
    Name,
}

/// A column of a table.
pub(crate) struct Column<T: 'static> {
    /// Its title.
    pub(crate) title: &'static str,
    /// Whether it is shown in the wide format only.
    pub(crate) wide: bool,
    /// Its text.
    pub(crate) cell: fn(&T) -> String,
}

/// A column that is always shown.
pub(crate) const fn column<T>(title: &'static str, cell: fn(&T) -> String) -> Column<T> {
    Column {
        title,
        wide: false,
        cell,
    }
}

/// A column of the wide format.
pub(crate) const fn wide<T>(title: &'static str, cell: fn(&T) -> String) -> Column<T> {
    Column {
        title,
        wide: true,
        cell,
    }
}

/// Something that can be printed.
pub(crate) trait Record: Serialize + Sized + 'static {
    /// The columns of its table.
    const COLUMNS: &'static [Column<Self>];
    /// Whether it belongs to a connection, which is then shown.
    const HAS_CONNECTION: bool = true;

    /// Its name.
    fn name(&self) -> &str;

    /// What is shown of it beyond the columns when it is shown alone; a value may have several lines.
    fn details(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A thing and the connection that it was found on.
#[derive(Debug, Serialize)]
pub(crate) struct Located<T> {
    /// The connection; none for what belongs to no connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<String>,
    /// The thing.
    #[serde(flatten)]
    pub(crate) item: T,
}

impl<T> Located<T> {
    /// A thing of a connection.
    pub(crate) fn on(connection: &str, item: T) -> Self {
        Self {
            connection: Some(connection.to_owned()),
            item,
        }
    }

    /// A thing of its own.
    pub(crate) fn nowhere(item: T) -> Self {
        Self { connection: None, item }
    }
}

impl Format {
    /// Prints a list.
    pub(crate) fn print_list<T: Record>(self, items: &[Located<T>]) -> io::Result<()> {
        match self {
            Self::Table | Self::Wide => print(&table::of(items, self == Self::Wide)),
            Self::Json => print_json(items),
            Self::Yaml => print_yaml(&items),
            Self::Name => print_names(items),
        }
    }

    /// Prints what was asked for by name: one thing as itself, several (`many`) as a list.
    pub(crate) fn print_named<T: Record>(self, items: &[Located<T>], many: bool) -> io::Result<()> {
        match (self, items) {
            (Self::Table | Self::Wide, _) => {
                let texts: Vec<_> = items.iter().map(table::details_of).collect();
                print(&texts.join("\n"))
            }
            (Self::Json, [item]) if !many => print_json(item),
            (Self::Yaml, [item]) if !many => print_yaml(item),
            // Nothing was found, and that was told: there is no thing to print.
            (_, []) if !many => Ok(()),
            _ => self.print_list(items),
        }
    }

    /// Prints an answer that is no record to programs; `name` is its only line in the format of names.
    pub(crate) fn print_value(self, value: &impl Serialize, name: &str) -> io::Result<()> {
        match self {
            Self::Json => print_json(value),
            Self::Yaml => print_yaml(value),
            Self::Table | Self::Wide | Self::Name => print(&(terminal::clean_lines(name) + "\n")),
        }
    }

    /// Whether people read it: they are told of changes on standard error instead.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

/// Prints text.
pub(crate) fn print(text: &str) -> io::Result<()> {
    terminal::clear_progress();
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints one JSON document.
pub(crate) fn print_json(value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    terminal::clear_progress();
    let mut stdout = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut stdout, value)?;
    writeln!(stdout)?;
    stdout.flush()
}

/// Prints one YAML document.
pub(crate) fn print_yaml(value: &impl Serialize) -> io::Result<()> {
    print(&serde_saphyr::to_string(value).map_err(io::Error::other)?)
}

fn print_names<T: Record>(items: &[Located<T>]) -> io::Result<()> {
    let names = items.iter().map(|located| terminal::clean(located.item.name()) + "\n");
    print(&names.collect::<String>())
}
