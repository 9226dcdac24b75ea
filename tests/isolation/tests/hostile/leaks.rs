//! Looks for a secret in everything that could have seen it. Each place is searched by the same code for secrets that must
//! not be there and, as a control, for one that must.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What the process traced, at every level.
#[derive(Clone, Default)]
pub(crate) struct Trace {
    written: Arc<Mutex<Vec<u8>>>,
}

impl Trace {
    /// Begins to keep everything that this process traces.
    pub(crate) fn install() -> Self {
        let trace = Self::default();
        let writer = trace.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        trace
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }
}

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The spellings under which a secret is looked for: itself, and within base64 whatever stands before and after it.
pub(crate) fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![secret.as_bytes().to_vec()];
    for shift in 0..3 {
        let padded = [&[0; 3][..shift], secret.as_bytes()].concat();
        let encoded = STANDARD_NO_PAD.encode(&padded);
        // Characters that hold bits of the neighbours too are left out.
        let (first, last) = ([0, 2, 3][shift], padded.len() / 3 * 4);
        spellings.push(encoded.as_bytes()[first..last].to_vec());
    }
    spellings
}

/// What may have seen a secret, by name.
#[derive(Default)]
pub(crate) struct Evidence {
    places: Vec<(&'static str, Vec<u8>)>,
}

impl Evidence {
    pub(crate) fn add(&mut self, place: &'static str, content: impl Into<Vec<u8>>) {
        self.places.push((place, content.into()));
    }

    /// Every file below a directory, names included.
    pub(crate) fn add_files(&mut self, place: &'static str, directory: &Path) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_files(place, &path);
            } else {
                let mut content = path.as_os_str().as_encoded_bytes().to_vec();
                content.extend(std::fs::read(&path).unwrap());
                self.add(place, content);
            }
        }
    }

    /// The places that hold a secret in some spelling.
    pub(crate) fn places_with(&self, secret: &str) -> BTreeSet<&'static str> {
        let spellings = spellings(secret);
        let holds = |content: &[u8]| spellings.iter().any(|spelling| contains(content, spelling));
        let found = self.places.iter().filter(|(_, content)| holds(content));
        found.map(|(place, _)| *place).collect()
    }

    /// All places that were searched.
    pub(crate) fn places(&self) -> BTreeSet<&'static str> {
        self.places.iter().map(|(place, _)| *place).collect()
    }
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    content.windows(wanted.len()).any(|window| window == wanted)
}
