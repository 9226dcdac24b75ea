//! The ceilings over all connections: `limits.toml` in the configuration directory. Unknown keys are errors.

use stockade_host::admission::HostLimits;

use crate::error::{Error, Result};
use crate::home::{Home, read_optional};

/// The file in the configuration directory.
const FILE: &str = "limits.toml";

/// Reads the ceilings; the defaults where there is no file.
pub(crate) fn read(home: &Home) -> Result<HostLimits> {
    let path = home.config.join(FILE);
    let Some(text) = read_optional(&path)? else {
        return Ok(HostLimits::default());
    };
    let broken = |why: &str| Error::invalid("limits", format!("`{}` is broken: {why}", path.display()));
    let limits: HostLimits = toml::from_str(&text).map_err(|error| broken(error.to_string().trim_end()))?;
    for (name, value) in [
        ("total_memory_mib", limits.total_memory_mib),
        ("running_calls", limits.running_calls),
        ("guest_cores", limits.guest_cores),
        ("compile_seconds", limits.compile_seconds),
    ] {
        if value == 0 {
            return Err(broken(&format!(
                "`{name}` must be at least 1, else no provider could run"
            )));
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::write_private;

    #[test]
    fn ceilings_are_read_and_mistakes_in_them_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        assert_eq!(read(&home).unwrap(), HostLimits::default());
        let write = |text: &str| write_private(&home.config.join(FILE), text.as_bytes()).unwrap();
        write("total_memory_mib = 512\nguest_cores = 3");
        let limits = read(&home).unwrap();
        assert_eq!((limits.total_memory_mib, limits.guest_cores), (512, 3));
        assert_eq!(limits.queued_calls, HostLimits::default().queued_calls);
        for (text, told) in [
            ("memory_mib = 1", "unknown field `memory_mib`"),
            ("running_calls = -1", "line 1"),
            ("running_calls = 0", "must be at least 1"),
            ("guest_cores = 0", "must be at least 1"),
        ] {
            write(text);
            let error = read(&home).unwrap_err();
            assert!(error.to_string().contains(told), "{text}: {error}");
        }
    }
}
