//! What a connection's responses are scrubbed of: the secrets of all its credentials, as they are now.
//!
//! Secrets change while a connection is used, because tokens are obtained anew. A response is scrubbed of every secret of
//! its connection and not only of the one that its request carried: a vendor's endpoints may echo each other's.

use std::sync::{Mutex, PoisonError};

use super::credential::{Credential, Spelling};
use super::scrub::Scrubber;

/// Knows the secrets of one connection.
pub(super) struct Redactor {
    credentials: Vec<Credential>,
    current: Mutex<Current>,
}

/// The scrubber for the secrets of these generations.
struct Current {
    generations: Vec<u64>,
    scrubber: Scrubber,
}

impl Redactor {
    pub(super) fn new(credentials: Vec<Credential>) -> Self {
        let current = Mutex::new(Current::of(&credentials));
        Self { credentials, current }
    }

    /// A scrubber for what must not be seen now.
    pub(super) fn scrubber(&self) -> Scrubber {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = self
            .credentials
            .iter()
            .zip(&current.generations)
            .all(|(credential, generation)| credential.generation() == *generation);
        if !is_current {
            *current = Current::of(&self.credentials);
        }
        current.scrubber.clone()
    }
}

impl Current {
    fn of(credentials: &[Credential]) -> Self {
        // The generation is read first: a secret that changes in between is found again at the next response.
        let generations = credentials.iter().map(|credential| credential.generation()).collect();
        let spellings: Vec<Spelling> = credentials.iter().flat_map(|credential| credential.secrets()).collect();
        Self {
            generations,
            scrubber: Scrubber::new(spellings),
        }
    }
}
