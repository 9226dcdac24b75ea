//! What an operator can set about the audit log: `audit.toml` in the configuration directory. Unknown keys are errors.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::home::{Home, read_optional};

/// The settings of the audit log. The defaults keep some 300,000 requests in 128 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// How large a file grows, in MiB, before a new one is begun.
    pub file_mib: u32,
    /// How many files are kept, with the one that is written.
    pub files: u32,
    /// Whether calls are refused while the log cannot be written. Each call is then written down before it begins.
    /// Otherwise a failure is told once and work goes on.
    pub required: bool,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            file_mib: 16,
            files: 8,
            required: false,
        }
    }
}

impl AuditSettings {
    /// Reads the settings; the defaults where there is no file.
    pub(crate) fn read(home: &Home) -> Result<Self> {
        let path = home.config.join("audit.toml");
        let Some(text) = read_optional(&path)? else {
            return Ok(Self::default());
        };
        let broken = |why: &str| Error::invalid("audit", format!("`{}` is broken: {why}", path.display()));
        let settings: Self = toml::from_str(&text).map_err(|error| broken(error.to_string().trim_end()))?;
        if settings.file_mib == 0 || settings.files == 0 {
            return Err(broken("`file_mib` and `files` must be at least 1"));
        }
        Ok(settings)
    }

    /// How large a file grows, in bytes.
    pub(super) fn file_bytes(&self) -> u64 {
        u64::from(self.file_mib) << 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistakes_in_them_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        assert_eq!(AuditSettings::read(&home).unwrap(), AuditSettings::default());
        std::fs::create_dir_all(&home.config).unwrap();
        let read = |text: &str| {
            std::fs::write(home.config.join("audit.toml"), text).unwrap();
            AuditSettings::read(&home).map_err(|error| error.to_string())
        };
        let settings = read("file_mib = 1\nrequired = true").unwrap();
        assert_eq!((settings.file_mib, settings.files, settings.required), (1, 8, true));
        for (text, expected) in [
            ("file_mb = 1", "file_mb"),
            ("files = 0", "at least 1"),
            ("file_mib = -1", "file_mib"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected) && error.contains("audit.toml"), "{error}");
        }
    }
}
