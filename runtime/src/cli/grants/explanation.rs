//! How the explanation of a request is printed.

use stockade::grants::Explanation;

use crate::cli::output::{Column, Record, column, optional, yes_no};

impl Record for Explanation {
    const COLUMNS: &'static [Column<Self>] = &[
        column("REQUEST", |explanation: &Self| {
            format!("{} {}{}", explanation.method, explanation.endpoint, explanation.path)
        }),
        column("ORIGIN", |explanation| optional(explanation.origin.as_ref())),
        column("ALLOWED", |explanation| yes_no(Some(explanation.allowed))),
        column("ASKED", |explanation| optional(explanation.asked.as_ref())),
        column("GRANTED", |explanation| optional(explanation.granted.as_ref())),
    ];

    fn name(&self) -> &str {
        match self.allowed {
            true => "allowed",
            false => "denied",
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("REASON", self.reason.clone().unwrap_or_default()),
            ("HINT", self.hint.clone().unwrap_or_default()),
        ]
    }
}
