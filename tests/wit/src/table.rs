//! Tables of a Markdown document.

/// A table below a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The nearest heading above it, without its marks.
    pub heading: String,
    /// Its rows without the header, each a list of cells without surrounding space.
    pub rows: Vec<Vec<String>>,
}

/// Every table of a document, in order.
pub fn tables(document: &str) -> Vec<Table> {
    let (mut tables, mut heading, mut rows): (Vec<Table>, String, Vec<Vec<String>>) = Default::default();
    // The empty line at the end closes a table that ends the document.
    for line in document.lines().chain([""]) {
        if let Some(cells) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
            rows.push(cells.split('|').map(|cell| cell.trim().to_owned()).collect());
            continue;
        }
        if rows.len() > 2 {
            let rows = rows.split_off(2);
            tables.push(Table {
                heading: heading.clone(),
                rows,
            });
        }
        rows.clear();
        if line.starts_with('#') {
            line.trim_start_matches('#').trim().clone_into(&mut heading);
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_below_their_headings() {
        let document =
            "# A\n\ntext | no table\n\n| x | y |\n|---|---|\n| 1 | `a|b` c |\n| 2 |  |\n## B\n| z |\n|---|\n| 3 |";
        let found = tables(document);
        let headings: Vec<_> = found.iter().map(|table| (&*table.heading, table.rows.len())).collect();
        assert_eq!(headings, [("A", 2), ("B", 1)]);
        assert_eq!(found[0].rows[1], ["2", ""]);
        assert_eq!(found[1].rows, [["3"]]);
    }
}
