//! From where images may be brought in: what the operator named in the connection's options.
//!
//! A URL comes from whoever may call `import-image`, and what it names would be read with this process's rights and from
//! its place in the network. So nothing is open by itself: neither a server nor a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;

use crate::contract::{Error, ErrorKind, OptionEntry, OptionSchema, OptionValue};
use crate::http::{
    Destination, EndpointBounds, EndpointGrant, HttpClient, HttpLimits, Origin, OriginPattern, RequestRule, TlsProfile,
};

use super::names::{check_path, printable};
use super::spec_options::list;

const ORIGINS: &str = "image_origins";
const ADDRESSES: &str = "image_addresses";
const DIRECTORIES: &str = "image_directories";

/// From where images may be brought in.
#[derive(Debug)]
pub(super) struct ImageSources {
    origins: Vec<OriginPattern>,
    directories: Vec<PathBuf>,
    client: Arc<HttpClient>,
}

impl ImageSources {
    /// Whether a connection's option is read here.
    pub(super) fn owns(option: &str) -> bool {
        [ORIGINS, ADDRESSES, DIRECTORIES].contains(&option)
    }

    /// The schemas of those options.
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            list(
                ORIGINS,
                "the servers that images may be fetched from: `https://cloud.debian.org`, `https://*.example.org`; none unless named",
            ),
            list(
                ADDRESSES,
                "networks beyond the public ones that those servers may be in: `10.1.0.0/16`",
            ),
            list(
                DIRECTORIES,
                "directories of this machine whose files may be brought in by `file:` URLs: `/srv/images`; none unless named",
            ),
        ]
    }

    /// The sources that a connection's options name.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name.
    pub(super) fn from_entries(entries: &[OptionEntry]) -> Result<Self, Error> {
        let values = |name: &'static str| -> Result<&[String], Error> {
            match entries
                .iter()
                .find(|entry| entry.name == name)
                .map(|entry| &entry.value)
            {
                None => Ok(&[]),
                Some(OptionValue::TextList(texts)) => Ok(texts),
                Some(_) => Err(Error::invalid_argument(
                    name,
                    format!("option `{name}` is a list of texts"),
                )),
            }
        };
        let origins: Vec<OriginPattern> = values(ORIGINS)?
            .iter()
            .map(|text| pattern(text))
            .collect::<Result<_, _>>()?;
        let addresses = values(ADDRESSES)?.iter().map(|text| {
            text.parse::<IpNet>().map_err(|_| {
                let message = format!("`{}` is not a network in CIDR form", printable(text));
                Error::invalid_argument(ADDRESSES, message)
            })
        });
        let addresses: Vec<IpNet> = addresses.collect::<Result<_, _>>()?;
        let directories = values(DIRECTORIES)?
            .iter()
            .map(|text| check_path(DIRECTORIES, text).map(PathBuf::from));
        let directories = directories.collect::<Result<_, _>>()?;
        let client = client(&origins, &addresses)?;
        Ok(Self {
            origins,
            directories,
            client: Arc::new(client),
        })
    }

    /// The name of the endpoint for an origin, and the client that has it.
    ///
    /// # Errors
    /// `denied` for an origin that the operator did not name.
    pub(super) fn endpoint(&self, origin: &Origin) -> Result<(String, Arc<HttpClient>), Error> {
        let index = self.origins.iter().position(|pattern| pattern.matches(origin));
        let index = index.ok_or_else(|| {
            let message = format!(
                "images may not be fetched from `{origin}`: whoever set up the connection can add it to its option `{ORIGINS}`; or \
                 upload the file"
            );
            Error::new(ErrorKind::Denied, message)
        })?;
        Ok((endpoint_name(index), Arc::clone(&self.client)))
    }

    /// The named directory that a file is below, and the rest of its path.
    ///
    /// # Errors
    /// `denied` for a file elsewhere.
    pub(super) fn directory_of<'a>(&self, path: &'a Path) -> Result<(&Path, &'a Path), Error> {
        let found = self.directories.iter().find_map(|directory| {
            let rest = path.strip_prefix(directory).ok()?;
            Some((directory.as_path(), rest))
        });
        found.ok_or_else(|| {
            let message = format!(
                "`{}` is in no directory that images may be brought in from: whoever set up the connection can add one to its option \
                 `{DIRECTORIES}`; or upload the file",
                printable(&path.display().to_string())
            );
            Error::new(ErrorKind::Denied, message)
        })
    }
}

fn pattern(text: &str) -> Result<OriginPattern, Error> {
    let refuse = |reason: String| Error::invalid_argument(ORIGINS, format!("`{}`: {reason}", printable(text)));
    let pattern: OriginPattern = text.parse().map_err(|error| refuse(format!("{error}")))?;
    pattern
        .check_granted(&pattern)
        .map_err(|error| refuse(error.to_string()))?;
    Ok(pattern)
}

fn endpoint_name(index: usize) -> String {
    format!("images-{index}")
}

fn client(origins: &[OriginPattern], addresses: &[IpNet]) -> Result<HttpClient, Error> {
    let unusable = |reason: String| Error::internal(format!("images cannot be fetched: {reason}"));
    let rule = RequestRule::new(["GET"], "/**").map_err(|error| unusable(error.to_string()))?;
    let grants = origins.iter().enumerate().map(|(index, pattern)| EndpointGrant {
        name: endpoint_name(index),
        origin: Destination::Discovered {
            asked: pattern.clone(),
            granted: vec![pattern.clone()],
        },
        asked: vec![rule.clone()],
        granted: vec![rule.clone()],
        credential: None,
        presign_seconds: None,
        allow_addresses: addresses.to_vec(),
        tls: TlsProfile::default(),
        proxy: None,
        bounds: EndpointBounds::default(),
    });
    HttpClient::new(grants.collect(), HttpLimits::default()).map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(entries: &[(&str, &[&str])]) -> Result<ImageSources, Error> {
        let entries: Vec<OptionEntry> = entries
            .iter()
            .map(|(name, values)| OptionEntry {
                name: (*name).into(),
                value: OptionValue::TextList(values.iter().map(|value| (*value).to_owned()).collect()),
            })
            .collect();
        ImageSources::from_entries(&entries)
    }

    #[test]
    fn nothing_is_open_by_itself() {
        let sources = sources(&[]).unwrap();
        let origin = "https://cloud.debian.org".parse().unwrap();
        assert_eq!(sources.endpoint(&origin).unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(
            sources.directory_of(Path::new("/etc/passwd")).unwrap_err().kind,
            ErrorKind::Denied
        );
    }

    #[test]
    fn what_is_named_is_open_and_no_more() {
        let sources = sources(&[
            (ORIGINS, &["https://cloud.debian.org", "https://*.example.org"]),
            (DIRECTORIES, &["/srv/images/"]),
        ])
        .unwrap();
        for (origin, endpoint) in [
            ("https://cloud.debian.org", Some("images-0")),
            ("https://a.example.org", Some("images-1")),
            ("http://cloud.debian.org", None),
            ("https://cloud.debian.org:8443", None),
        ] {
            let found = sources.endpoint(&origin.parse().unwrap()).ok().map(|(name, _)| name);
            assert_eq!(found.as_deref(), endpoint, "{origin}");
        }
        let (directory, rest) = sources.directory_of(Path::new("/srv/images/a/b")).unwrap();
        assert_eq!((directory, rest), (Path::new("/srv/images"), Path::new("a/b")));
        assert!(sources.directory_of(Path::new("/srv/images-of-others/x")).is_err());
    }

    #[test]
    fn sources_that_are_too_wide_or_malformed_are_refused_by_their_option() {
        for (option, value) in [
            (ORIGINS, "https://*"),
            (ORIGINS, "https://*.org"),
            (ORIGINS, "cloud.debian.org"),
            (ORIGINS, "ftp://cloud.debian.org"),
            (ADDRESSES, "10.1.0.0/33"),
            (DIRECTORIES, "images"),
            (DIRECTORIES, "/srv/../etc"),
        ] {
            let error = sources(&[(option, &[value])]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument(option.into()), "{value}");
        }
    }
}
