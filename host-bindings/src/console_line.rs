//! The other end of a console that a native provider serves on a socket of this host.
//!
//! Only the host opens connections, and this is the only one that a URL in an answer leads to. So a caller must ask for
//! it for native providers alone: a component could name any socket of this host. What is more, the socket must belong
//! to the user of this process.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

/// A console on a socket of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    path: PathBuf,
}

impl ConsoleLine {
    /// The socket behind a console's URL, `unix:///PATH` or `PROTOCOL+unix:///PATH`; none for a console that is elsewhere.
    pub fn of_url(url: &str) -> Option<Self> {
        let (scheme, path) = url.split_once("://")?;
        let is_socket = scheme == "unix" || scheme.ends_with("+unix");
        (is_socket && path.starts_with('/')).then(|| Self { path: path.into() })
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connects to it.
    ///
    /// # Errors
    /// When it is no socket, belongs to somebody else, or nobody listens any more.
    pub async fn connect(&self) -> io::Result<UnixStream> {
        let metadata = tokio::fs::symlink_metadata(&self.path).await?;
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.file_type().is_socket() || !is_own {
            let message = format!("`{}` is no socket of this user", self.path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        UnixStream::connect(&self.path).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_of_this_host_are_lines() {
        let path = |url: &str| ConsoleLine::of_url(url).map(|line| line.path().to_owned());
        assert_eq!(path("unix:///run/a"), Some("/run/a".into()));
        assert_eq!(path("vnc+unix:///run/a"), Some("/run/a".into()));
        for other in [
            "vnc://127.0.0.1:5900",
            "unix://relative",
            "tcp://127.0.0.1:1",
            "https://a/b",
            "",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_file_is_never_taken_for_a_socket() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let line = ConsoleLine::of_url(&format!("unix://{}", file.display())).unwrap();
        assert_eq!(
            line.connect().await.unwrap_err().kind(),
            io::ErrorKind::PermissionDenied
        );
        let absent = ConsoleLine::of_url(&format!("unix://{}/absent", directory.path().display())).unwrap();
        assert_eq!(absent.connect().await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
