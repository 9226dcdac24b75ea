//! "Did you mean": the known name that is nearest to a mistyped one.

/// How alike two names must be (Jaro-Winkler, 0 to 1) to be worth mentioning.
const ENOUGH: f64 = 0.8;

/// The nearest of the known names, if any is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ENOUGH)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// A hint that names the nearest known name, or all of them.
pub(crate) fn hint(name: &str, known: &[&str]) -> Option<String> {
    match nearest(name, known.iter().copied()) {
        Some(candidate) => Some(format!("did you mean `{candidate}`?")),
        None if known.is_empty() => None,
        None => Some(format!(
            "known: {}",
            known
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        assert_eq!(nearest("memroy", ["cpus", "memory"]), Some("memory"));
        assert_eq!(nearest("zone", ["cpus", "memory"]), None);
    }
}
