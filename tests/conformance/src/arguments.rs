//! The suite's own arguments, beside those of every test program.

use libtest_mimic::Arguments;

/// Names the setups to run, separated by commas, where arguments cannot be given: `cargo test --workspace`.
pub(crate) const SETUPS_VARIABLE: &str = "STOCKADE_CONFORMANCE";

/// What to run.
pub(crate) struct SuiteArguments {
    /// Only these setups; empty for all.
    only: Vec<String>,
    /// Not these.
    skipped: Vec<String>,
    /// Set when this process runs inside a private libvirt's namespaces: kweb's port there.
    pub(crate) inside: Option<u16>,
    /// What is passed on to a process inside: everything else as it was given.
    pub(crate) passed_on: Vec<String>,
    /// The arguments that every test program has.
    pub(crate) common: Arguments,
}

impl SuiteArguments {
    /// Reads the process's arguments; ends it with usage for those that mean nothing.
    pub(crate) fn from_process() -> Result<Self, String> {
        let mut arguments = std::env::args();
        let program = arguments.next().unwrap_or_default();
        let (mut only, mut skipped, mut inside, mut passed_on) = (vec![], vec![], None, vec![]);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--setup" => only.push(value()?),
                "--skip-setup" => skipped.push(value()?),
                "--inside" => inside = Some(value()?.parse().map_err(|_| "`--inside` needs a port".to_owned())?),
                _ => passed_on.push(argument),
            }
        }
        if only.is_empty() {
            let named = std::env::var(SETUPS_VARIABLE).unwrap_or_default();
            only.extend(named.split(',').filter(|name| !name.is_empty()).map(str::to_owned));
        }
        let common = Arguments::from_iter(std::iter::once(&program).chain(&passed_on));
        Ok(Self {
            only,
            skipped,
            inside,
            passed_on,
            common,
        })
    }

    /// Refuses names that no setup has: a misspelt `--skip-setup` must not pass for a run.
    pub(crate) fn check_names(&self, setups: &[&str]) -> Result<(), String> {
        match self
            .only
            .iter()
            .chain(&self.skipped)
            .find(|name| !setups.contains(&name.as_str()))
        {
            Some(name) => Err(format!("there is no setup `{name}`; there are: {}", setups.join(", "))),
            None => Ok(()),
        }
    }

    /// Whether a setup was asked for.
    pub(crate) fn wants(&self, setup: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|name| name == setup);
        (self.only.is_empty() || is_named(&self.only)) && !is_named(&self.skipped)
    }
}
