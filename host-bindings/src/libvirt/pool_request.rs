//! A pool to create: the spec checked, and its definition as libvirt reads it
//! (<https://libvirt.org/formatstorage.html>, <https://libvirt.org/storage.html>).

use crate::contract::{Error, PoolSpec};

use super::element::Element;
use super::names::{check_name, check_path, printable};
use super::option_reader::OptionReader;

/// A pool to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolRequest {
    /// Its name.
    pub(super) name: String,
    /// What holds its volumes.
    pub(super) backend: Backend,
    /// Whether it starts with its host.
    pub(super) autostart: bool,
    /// Whether what is made for it may be made: volume groups and zpools overwrite their devices.
    pub(super) build: bool,
}

/// What holds a pool's volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    /// A directory of the host.
    Directory {
        /// Its path.
        path: String,
    },
    /// An LVM volume group.
    Logical {
        /// The group's name.
        group: String,
        /// The physical volumes of a group that is to be made.
        devices: Vec<String>,
    },
    /// A zpool, or a data set in one.
    Zfs {
        /// Its name: `tank/vms`.
        dataset: String,
        /// The devices of a zpool that is to be made.
        devices: Vec<String>,
    },
    /// A directory of an NFS server.
    Nfs {
        /// The server.
        server: String,
        /// The directory there.
        export: String,
        /// Where the host mounts it.
        mount_point: String,
    },
}

impl Backend {
    /// libvirt's word for it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "dir",
            Self::Logical { .. } => "logical",
            Self::Zfs { .. } => "zfs",
            Self::Nfs { .. } => "netfs",
        }
    }

    /// Whether making it overwrites devices.
    pub(super) const fn overwrites(&self) -> bool {
        match self {
            Self::Logical { devices, .. } | Self::Zfs { devices, .. } => !devices.is_empty(),
            Self::Directory { .. } | Self::Nfs { .. } => false,
        }
    }
}

impl PoolRequest {
    /// Checks a spec; every field and option is used or refused.
    ///
    /// # Errors
    /// `invalid-argument` with the field's or the option's name.
    pub(super) fn from_spec(spec: &PoolSpec) -> Result<Self, Error> {
        check_name("name", &spec.name)?;
        let mut options = OptionReader::new(spec.options.clone())?;
        let autostart = options.flag("autostart")?.unwrap_or(true);
        let build = options.flag("build")?.unwrap_or(false);
        let path = spec.path.as_deref().filter(|path| !path.is_empty());
        let backend = match spec.r#type.as_deref().unwrap_or("dir") {
            "dir" => Backend::Directory {
                path: check_path(
                    "path",
                    path.ok_or_else(|| missing("the directory, for example `/srv/vms`"))?,
                )?,
            },
            "logical" | "lvm" => Backend::Logical {
                group: check_source(path.unwrap_or(&spec.name), "a volume group", false)?,
                devices: devices(&mut options)?,
            },
            "zfs" => Backend::Zfs {
                dataset: check_source(path.unwrap_or(&spec.name), "a zpool or data set", true)?,
                devices: devices(&mut options)?,
            },
            "nfs" | "netfs" => nfs(path, &mut options)?,
            other => {
                let message = format!(
                    "pools of type `{}` cannot be created: use `dir`, `logical`, `zfs` or `nfs`",
                    printable(other)
                );
                return Err(Error::invalid_argument("type", message));
            }
        };
        options.finish("pool")?;
        let request = Self {
            name: spec.name.clone(),
            backend,
            autostart,
            build,
        };
        if matches!(&request.backend, Backend::Zfs { devices, .. } if devices.len() > 1) {
            let message =
                "libvirt makes a zpool of one device: make a larger one with `zpool create`, and leave `devices` out";
            return Err(Error::invalid_argument("devices", message));
        }
        if request.backend.overwrites() && !build {
            let message = "making a pool of `devices` overwrites what is on them: say so with the option `build`, or leave \
                           `devices` out to use what exists";
            return Err(Error::invalid_argument("build", message));
        }
        if build
            && matches!(request.backend, Backend::Logical { .. } | Backend::Zfs { .. })
            && !request.backend.overwrites()
        {
            let message = "the option `build` needs `devices` to make the pool of";
            return Err(Error::invalid_argument("devices", message));
        }
        Ok(request)
    }

    /// The definition as XML.
    pub(super) fn to_xml(&self) -> String {
        let devices = |devices: &[String]| {
            let elements = devices
                .iter()
                .map(|path| Element::new("device").attribute("path", path));
            elements.collect::<Vec<_>>()
        };
        let target = |path: &str| Element::new("target").child_text("path", path);
        let (source, target) = match &self.backend {
            Backend::Directory { path } => (None, Some(target(path))),
            Backend::Logical { group, devices: paths } => {
                let source = Element::new("source")
                    .children(devices(paths))
                    .child_text("name", group);
                (
                    Some(source.child(Element::new("format").attribute("type", "lvm2"))),
                    Some(target(&format!("/dev/{group}"))),
                )
            }
            Backend::Zfs {
                dataset,
                devices: paths,
            } => (
                Some(
                    Element::new("source")
                        .children(devices(paths))
                        .child_text("name", dataset),
                ),
                None,
            ),
            Backend::Nfs {
                server,
                export,
                mount_point,
            } => {
                let source = Element::new("source")
                    .child(Element::new("host").attribute("name", server))
                    .child(Element::new("dir").attribute("path", export))
                    .child(Element::new("format").attribute("type", "nfs"));
                (Some(source), Some(target(mount_point)))
            }
        };
        Element::new("pool")
            .attribute("type", self.backend.kind())
            .child_text("name", &self.name)
            .children(source)
            .children(target)
            .to_string()
    }
}

fn missing(what: &str) -> Error {
    Error::invalid_argument("path", format!("the pool's `path` is missing: give {what}"))
}

fn nfs(path: Option<&str>, options: &mut OptionReader) -> Result<Backend, Error> {
    let path = path.ok_or_else(|| missing("the server and its directory, `server:/export`"))?;
    let mount_point = options.text("mount_point")?.ok_or_else(|| {
        let message =
            "an NFS pool needs the option `mount_point`: where the host mounts it, for example `/var/lib/libvirt/nfs`";
        Error::invalid_argument("mount_point", message)
    })?;
    // An IPv6 address is in brackets, so the last `:/` separates.
    let parts = path.rsplit_once(":/").filter(|(server, _)| is_server(server));
    let Some((server, export)) = parts else {
        let message = format!("`{}` is not of the form `server:/export`", printable(path));
        return Err(Error::invalid_argument("path", message));
    };
    Ok(Backend::Nfs {
        server: server.trim_start_matches('[').trim_end_matches(']').to_owned(),
        export: check_path("path", &format!("/{export}"))?,
        mount_point: check_path("mount_point", &mount_point)?,
    })
}

fn is_server(server: &str) -> bool {
    let address = server.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => super::names::check_hostname(server).is_ok(),
    }
}

fn devices(options: &mut OptionReader) -> Result<Vec<String>, Error> {
    let given = options.list("devices")?;
    given
        .iter()
        .map(|path| {
            let path = check_path("devices", path)?;
            if path.starts_with("/dev/") {
                return Ok(path);
            }
            let message = format!("`{path}` is not below `/dev`");
            Err(Error::invalid_argument("devices", message))
        })
        .collect()
}

/// The name of a volume group (lvm(8), "VALID NAMES") or of a data set (zfs(8), zfsconcepts(7)).
fn check_source(name: &str, what: &str, with_parts: bool) -> Result<String, Error> {
    let is_part = |part: &str| {
        (1..=127).contains(&part.len())
            && !part.starts_with('-')
            && !matches!(part, "." | "..")
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+'))
    };
    let is_name = if with_parts {
        name.split('/').all(is_part)
    } else {
        is_part(name)
    };
    if is_name {
        return Ok(name.to_owned());
    }
    Err(Error::invalid_argument(
        "path",
        format!("`{}` is not the name of {what}", printable(name)),
    ))
}

#[cfg(test)]
#[path = "pool_request_tests.rs"]
mod tests;
