//! Moments: so long ago, or a time.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment: `10m`, `2h`, `3d` ago, or RFC 3339.
pub(crate) fn moment(text: &str) -> Result<SystemTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time.into());
    }
    ago(text)
        .and_then(|ago| SystemTime::now().checked_sub(ago))
        .ok_or_else(|| {
            "it must be how long ago, `90s`, `10m`, `2h`, `3d`, or a time, `2026-01-31T08:00:00Z`".to_owned()
        })
}

fn ago(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    // `parse` would accept a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(digits.parse::<u64>().ok()?.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_so_long_ago_or_a_time() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7_200), ("3d", 259_200)] {
            assert_eq!(ago(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        let time = moment("1970-01-01T01:00:10+01:00").unwrap();
        assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_secs(10));
        for wrong in [
            "",
            "10",
            "m",
            "-1m",
            "+1m",
            "1.5h",
            "10w",
            "yesterday",
            "99999999999999999999d",
            "5ä",
        ] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
