//! The texts in a table's cells.

use serde::Serialize;
use stockade::contract::{ByteSize, Tag};

/// What is shown where nothing is known.
const NOTHING: &str = "-";

/// A text that may be missing.
pub(crate) fn optional(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), ToString::to_string)
}

/// Tags, one a line.
pub(crate) fn tags(tags: &[Tag]) -> String {
    let lines: Vec<_> = tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
    lines.join("\n")
}

/// Several texts.
pub(crate) fn join<T: AsRef<str>>(items: &[T]) -> String {
    if items.is_empty() {
        return NOTHING.to_owned();
    }
    items.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

/// The word by which the contract writes a case.
pub(crate) fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => NOTHING.to_owned(),
    }
}

/// Yes, no, or unknown.
pub(crate) fn yes_no(value: Option<bool>) -> String {
    match value {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => NOTHING.to_owned(),
    }
}

/// A size in MiB, in the largest unit that keeps it exact.
pub(crate) fn size_mib(size: Option<u32>) -> String {
    match size {
        None => NOTHING.to_owned(),
        Some(mib) if mib > 0 && mib % 1024 == 0 => format!("{} GiB", mib / 1024),
        Some(mib) => format!("{mib} MiB"),
    }
}

/// A size in bytes, in the largest unit of which there is at least one, with one decimal.
pub(crate) fn size_bytes(size: &ByteSize) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let bytes = u64::from(size.mib) << 20 | u64::from(size.rest);
    let power = (1..UNITS.len())
        .rev()
        .find(|power| bytes >> (10 * power) > 0)
        .unwrap_or(0);
    match power {
        0 => format!("{bytes} B"),
        _ => {
            let tenths = (bytes * 10) >> (10 * power);
            format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_objects_are_rounded_down_to_a_tenth() {
        for (mib, rest, expected) in [
            (0, 0, "0 B"),
            (0, 1023, "1023 B"),
            (0, 1024, "1.0 KiB"),
            (1, 1 << 19, "1.5 MiB"),
            (1023, 0, "1023.0 MiB"),
            (3 << 10, 0, "3.0 GiB"),
        ] {
            assert_eq!(size_bytes(&ByteSize { mib, rest }), expected);
        }
    }

    #[test]
    fn sizes_stay_exact() {
        for (mib, expected) in [
            (None, "-"),
            (Some(0), "0 MiB"),
            (Some(512), "512 MiB"),
            (Some(1536), "1536 MiB"),
            (Some(2048), "2 GiB"),
        ] {
            assert_eq!(size_mib(mib), expected);
        }
    }
}
