//! Sizes with units. All units are binary: `1g` is 1 GiB, as in the contract.

const MIB_PER_GIB: u64 = 1024;
const MIB_PER_TIB: u64 = 1024 * MIB_PER_GIB;

/// Memory: MiB unless a unit is given.
pub(crate) fn memory_mib(text: &str) -> Result<u32, String> {
    let mib = mib(text, 1).ok_or("it must be a whole number of MiB, or have a unit: `2048`, `512m`, `2g`")?;
    u32::try_from(mib).map_err(|_| "it is too large".to_owned())
}

/// A disk's size: GiB unless a unit is given, always whole GiB.
pub(crate) fn disk_gib(text: &str) -> Result<u32, String> {
    let wrong = "it must be a whole number of GiB, at least 1: `10`, `10g`, `1t`";
    let mib = mib(text, MIB_PER_GIB).ok_or(wrong)?;
    if mib == 0 || mib % MIB_PER_GIB != 0 {
        return Err(wrong.to_owned());
    }
    u32::try_from(mib / MIB_PER_GIB).map_err(|_| "it is too large".to_owned())
}

fn mib(text: &str, default_unit: u64) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => default_unit,
        "m" | "mb" | "mi" | "mib" => 1,
        "g" | "gb" | "gi" | "gib" => MIB_PER_GIB,
        "t" | "tb" | "ti" | "tib" => MIB_PER_TIB,
        _ => return None,
    };
    // `parse` would accept a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_and_nothing_is_rounded() {
        for (text, memory, disk) in [
            ("2048", Some(2048), Some(2048)),
            ("512m", Some(512), None),
            ("2g", Some(2048), Some(2)),
            ("2GiB", Some(2048), Some(2)),
            ("1t", Some(1 << 20), Some(1024)),
            ("2048M", Some(2048), Some(2)),
            ("0", Some(0), None),
            ("4294967296", None, None),
            ("99999999999999999999t", None, None),
            ("1.5g", None, None),
            ("-1", None, None),
            ("+1", None, None),
            ("g", None, None),
            ("10x", None, None),
            ("", None, None),
        ] {
            assert_eq!(memory_mib(text).ok(), memory, "memory `{text}`");
            assert_eq!(disk_gib(text).ok(), disk, "disk `{text}`");
        }
    }
}
