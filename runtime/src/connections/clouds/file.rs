//! Where entries are read from.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Cloud;
use crate::error::{Error, Result};

/// Names the file of clouds.
const FILE_VARIABLE: &str = "OS_CLIENT_CONFIG_FILE";
const CLOUDS_FILE: &str = "clouds.yaml";
/// Secrets of the same entries, in the same directory.
const SECURE_FILE: &str = "secure.yaml";
/// The largest file in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The variables that have a place of their own in an entry; all others belong into its `auth`.
const OUTSIDE_AUTH: [&str; 11] = [
    "region_name",
    "interface",
    "endpoint_type",
    "auth_type",
    "identity_api_version",
    "cacert",
    "cert",
    "key",
    "verify",
    "insecure",
    "profile",
];

/// The variables of `auth`.
const INSIDE_AUTH: [&str; 21] = [
    "auth_url",
    "username",
    "user_id",
    "user_domain_name",
    "user_domain_id",
    "default_domain",
    "password",
    "passcode",
    "project_name",
    "project_id",
    "project_domain_name",
    "project_domain_id",
    "tenant_name",
    "tenant_id",
    "domain_name",
    "domain_id",
    "system_scope",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "token",
];

/// The file that other clients would read: the variable's, that of the working directory, the user's, the system's.
/// `directory` is what its directory is called among those of configuration: the provider's name.
///
/// # Errors
/// When there is none.
pub fn find_clouds_file(directory: &str, variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if let Some(path) = variable(FILE_VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    let configuration = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
    let places = [
        Some(PathBuf::from(CLOUDS_FILE)),
        configuration.map(|place| place.join(directory).join(CLOUDS_FILE)),
        Some(Path::new("/etc").join(directory).join(CLOUDS_FILE)),
    ];
    let places: Vec<_> = places.into_iter().flatten().collect();
    if let Some(found) = places.iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let names: Vec<_> = places.iter().map(|path| format!("`{}`", path.display())).collect();
    let error = Error::invalid(
        "cloud",
        format!("there is no file of clouds: neither {}", names.join(" nor ")),
    );
    Err(error.hint(format!("name one: `--clouds-file FILE`, or `{FILE_VARIABLE}`")))
}

impl Cloud {
    /// Reads an entry of a `clouds.yaml`, and what the `secure.yaml` beside it adds. Without a name the file must have one
    /// entry only.
    ///
    /// # Errors
    /// When a file is broken, or has no such entry.
    pub fn read(path: &Path, name: Option<&str>) -> Result<Self> {
        let (open, open_is_exposed) = read_clouds(path)?
            .ok_or_else(|| Error::invalid("cloud", format!("there is no file `{}`", path.display())))?;
        let secure_path = path.with_file_name(SECURE_FILE);
        let secure = read_clouds(&secure_path)?;
        let names: Vec<&str> = open.keys().map(String::as_str).collect();
        let name = match (name, names.as_slice()) {
            (Some(name), _) if open.contains_key(name) => name,
            (None, [only]) => only,
            (_, []) => return Err(Error::invalid("cloud", format!("`{}` has no clouds", path.display()))),
            (wanted, _) => {
                let wanted = wanted.map_or_else(|| "several clouds".to_owned(), |name| format!("no cloud `{name}`"));
                let error = Error::invalid("cloud", format!("`{}` has {wanted}", path.display()));
                return Err(error.hint(format!("it has: {}", names.join(", "))));
            }
        };
        let mut values = normal(open.get(name).cloned().unwrap_or_default());
        let mut exposed = Some(path.to_owned()).filter(|_| open_is_exposed && has_secret(&values));
        if let Some((secure, is_exposed)) = secure
            && let Some(more) = secure.get(name)
        {
            if is_exposed {
                exposed = Some(secure_path);
            }
            merge(&mut values, normal(more.clone()));
        }
        Ok(Self {
            title: format!("cloud `{name}` of `{}`", path.display()),
            values,
            exposed,
        })
    }

    /// Reads the variables `OS_…`.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |names: &[&str]| -> Map<String, Value> {
            let named = |name: &&str| {
                let value = variable(&format!("OS_{}", name.to_uppercase())).filter(|value| !value.is_empty())?;
                Some(((*name).to_owned(), Value::String(value)))
            };
            names.iter().filter_map(named).collect()
        };
        let mut values = read(&OUTSIDE_AUTH);
        values.insert("auth".to_owned(), Value::Object(read(&INSIDE_AUTH)));
        Self {
            title: "the environment's `OS_…`".to_owned(),
            values,
            exposed: None,
        }
    }
}

/// The entries of a file by name, and whether others can read it; none when there is no such file.
fn read_clouds(path: &Path) -> Result<Option<(Map<String, Value>, bool)>> {
    let failed = |error: &std::io::Error| Error::io(format_args!("reading `{}`", path.display()), error);
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(|error| failed(&error))?,
    };
    let broken = |why: &str| Error::invalid("cloud", format!("`{}` {why}", path.display()));
    if metadata.len() > MAX_BYTES {
        return Err(broken("is larger than 1 MiB"));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failed(&error))?);
    // The parser's own message could show a secret.
    let mut file: Map<String, Value> = serde_saphyr::from_str(&text).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        broken(&format!("is no YAML with `clouds:`, see line {line}"))
    })?;
    match file.remove("clouds") {
        Some(Value::Object(clouds)) => Ok(Some((clouds, metadata.mode() & 0o077 != 0))),
        _ => Err(broken("has no `clouds:`")),
    }
}

/// With `_` in names, where the format takes `-` too.
fn normal(value: Value) -> Map<String, Value> {
    let Value::Object(values) = value else {
        return Map::new();
    };
    let normal = |(name, value): (String, Value)| {
        let value = match value {
            Value::Object(_) => Value::Object(normal(value)),
            other => other,
        };
        (name.replace('-', "_"), value)
    };
    values.into_iter().map(normal).collect()
}

fn merge(into: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(into)), Value::Object(more)) => merge(into, more),
            (_, value) => drop(into.insert(name, value)),
        }
    }
}

fn has_secret(values: &Map<String, Value>) -> bool {
    let auth = values.get("auth").and_then(Value::as_object);
    ["password", "token", "application_credential_secret"]
        .iter()
        .any(|name| auth.is_some_and(|auth| auth.contains_key(*name)))
}
