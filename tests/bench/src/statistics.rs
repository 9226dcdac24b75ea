//! Times of many runs, and how they are printed.

use std::time::Duration;

/// The times of one way to do something.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Sorts what was measured.
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// The middle one.
    pub(crate) fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// `min / median / max`, in milliseconds.
    fn row(&self) -> String {
        let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        format!(
            "min {:8.3}  median {:8.3}  max {:8.3} ms  ({} runs)",
            milliseconds(self.0.first()),
            self.median().as_secs_f64() * 1000.0,
            milliseconds(self.0.last()),
            self.0.len()
        )
    }
}

/// Prints two ways side by side, and their ratio.
pub(crate) fn print_ratio(title: &str, goal: &str, ours: &Times, peer: (&str, &Times)) {
    let (name, theirs) = peer;
    let ratio = ours.median().as_secs_f64() / theirs.median().as_secs_f64();
    let more = (ours.median().as_secs_f64() - theirs.median().as_secs_f64()) * 1000.0;
    println!(
        "{title}\n  {:24} {}\n  {name:24} {}",
        "stockade",
        ours.row(),
        theirs.row()
    );
    println!("  ratio of medians {ratio:.2}, difference {more:+.2} ms (goal: {goal})\n");
}

/// Prints one figure.
pub(crate) fn print_figure(title: &str, name: &str, figure: &str) {
    println!("{title}\n  {name:24} {figure}\n");
}
