//! Points in time as seconds since 1970 in UTC, for a guest that has no clock of its own.
//!
//! It reads what the host's clock and HTTP dates say and writes RFC 3339. It knows no zones but UTC and no leap seconds.

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
/// Method: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date that is this many days after 1970-01-01.
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// Seconds since 1970 of a date and time of day in UTC; none when there is no such date or time.
pub fn from_parts(date: (i64, i64, i64), time: (i64, i64, i64)) -> Option<i64> {
    let days = days_from_date(date.0, date.1, date.2);
    let is_valid = (1..=9999).contains(&date.0)
        && date_from_days(days) == date
        && (0..24).contains(&time.0)
        && (0..60).contains(&time.1)
        && (0..=60).contains(&time.2);
    is_valid.then(|| days * 86_400 + time.0 * 3600 + time.1 * 60 + time.2)
}

/// Reads `2026-01-31T23:59:59Z`, with or without a fraction, which is dropped; none when it is anything else.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    from_parts(three(date, '-')?, three(time.split('.').next()?, ':')?)
}

/// Reads the preferred form of an HTTP date, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
pub fn parse_http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let [day, month, year, time] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    from_parts(
        (number(year)?, i64::try_from(month).ok()?, number(day)?),
        three(time, ':')?,
    )
}

/// Writes seconds since 1970 as `2026-01-31T23:59:59Z`.
pub fn format_rfc3339(seconds: i64) -> String {
    let (year, month, day) = date_from_days(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Three numbers between separators.
fn three(text: &str, separator: char) -> Option<(i64, i64, i64)> {
    let [first, second, third] = text.split(separator).collect::<Vec<_>>().try_into().ok()?;
    Some((number(first)?, number(second)?, number(third)?))
}

/// A number of digits only: no sign, no spaces.
fn number(digits: &str) -> Option<i64> {
    (digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_in_time_are_read_and_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1994-11-06T08:49:37Z", 784_111_777),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
        ] {
            assert_eq!(parse_rfc3339(text), Some(seconds), "{text}");
            assert_eq!(format_rfc3339(seconds), text);
        }
        assert_eq!(parse_rfc3339("2026-01-01T00:00:00.999Z"), Some(1_767_225_600));
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00",
            "+026-01-01T00:00:00Z",
            "",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text:?}");
        }
        for text in [
            "06 Nov 1994",
            "Sun, 06 Nox 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http_date(text), None, "{text:?}");
        }
    }
}
