//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Row, Table};

use super::{Located, Record};
use crate::cli::terminal::{clean, clean_lines};

/// The title of the column with the connection.
const CONNECTION: &str = "CONNECTION";

/// A table of things with a header, which is there even when nothing else is.
pub(super) fn of<T: Record>(items: &[Located<T>], is_wide: bool) -> String {
    let titles = |wide: bool| {
        T::COLUMNS
            .iter()
            .filter(move |column| column.wide == wide)
            .map(|column| column.title)
    };
    let mut header: Vec<_> = titles(false).collect();
    header.extend(T::HAS_CONNECTION.then_some(CONNECTION));
    if is_wide {
        header.extend(titles(true));
    }
    let mut table = plain();
    table.set_header(header);
    for located in items {
        let cells = |wide: bool| {
            T::COLUMNS
                .iter()
                .filter(move |column| column.wide == wide)
                .map(|column| clean(&(column.cell)(&located.item)))
        };
        let mut row: Vec<_> = cells(false).collect();
        row.extend(T::HAS_CONNECTION.then(|| located.connection.clone().unwrap_or_default()));
        if is_wide {
            row.extend(cells(true));
        }
        table.add_row(row);
    }
    finish(&mut table)
}

/// One thing, its properties below one another.
pub(super) fn details_of<T: Record>(located: &Located<T>) -> String {
    let mut table = plain();
    for column in T::COLUMNS {
        table.add_row([column.title.to_owned(), clean(&(column.cell)(&located.item))]);
    }
    if let (true, Some(connection)) = (T::HAS_CONNECTION, &located.connection) {
        table.add_row([CONNECTION, connection]);
    }
    for (title, value) in located.item.details() {
        if !value.is_empty() {
            table.add_row(Row::from([title.to_owned(), clean_lines(&value)]));
        }
    }
    finish(&mut table)
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

fn finish(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}
