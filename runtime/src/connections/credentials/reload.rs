//! A credential whose sources are read again when a server turns it down: a secret that was replaced works without a new
//! connection.
//!
//! Only what was read anew and differs is tried, and sources are not read more often than every [`LEAST_PAUSE`]: a guest that
//! provokes refusals cannot make the host run a command again and again. What was replaced is still blotted out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, StatusCode};
use stockade_host::http::{
    Authenticate, Credential, CredentialError, LoginTarget, Outgoing, OwnRequests, Secret, Spelling,
};

use super::Recipe;

/// Between two readings.
const LEAST_PAUSE: Duration = Duration::from_secs(10);
/// The bits of a stamp that are the credential's own; those above count how often it was replaced.
const OWN_BITS: u32 = 40;

/// A credential and how it was made.
#[derive(Debug)]
pub(super) struct Reloading {
    recipe: Arc<Recipe>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Credential,
    /// What it was made of.
    read: Vec<Secret>,
    /// How often it was replaced.
    replaced: u64,
    previous: Option<Credential>,
    looked: Option<Instant>,
}

impl Reloading {
    pub(super) fn new(recipe: Recipe, current: Credential, read: Vec<Secret>) -> Self {
        let state = State {
            current,
            read,
            replaced: 0,
            previous: None,
            looked: None,
        };
        Self {
            recipe: Arc::new(recipe),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> (Credential, u64) {
        let state = self.state();
        (Arc::clone(&state.current), state.replaced)
    }

    /// Reads the sources again, unless that was done just now; true when there is another credential than this one.
    async fn look_again(&self, seen: u64) -> bool {
        {
            let mut state = self.state();
            if state.replaced != seen {
                return true;
            }
            if state.looked.is_some_and(|looked| looked.elapsed() < LEAST_PAUSE) {
                return false;
            }
            state.looked = Some(Instant::now());
        }
        let recipe = Arc::clone(&self.recipe);
        let made = tokio::task::spawn_blocking(move || recipe.make()).await;
        // What cannot be read now is told when the connection is opened next.
        let Ok(Ok((credential, read))) = made else {
            return false;
        };
        let mut state = self.state();
        let is_same = state
            .read
            .iter()
            .map(Secret::expose)
            .eq(read.iter().map(Secret::expose));
        if is_same || credential.check().is_err() {
            return false;
        }
        state.previous = Some(std::mem::replace(&mut state.current, credential));
        state.read = read;
        state.replaced += 1;
        true
    }
}

#[async_trait]
impl Authenticate for Reloading {
    fn headers(&self) -> Vec<HeaderName> {
        self.current().0.headers()
    }

    fn query_parameters(&self) -> Vec<String> {
        self.current().0.query_parameters()
    }

    fn check(&self) -> Result<(), CredentialError> {
        self.current().0.check()
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (credential, replaced) = self.current();
        let answer = credential.attach(outgoing, host).await;
        let (answer, replaced) = match answer {
            Err(error) if error.is_rejected() && self.look_again(replaced).await => {
                let (credential, replaced) = self.current();
                (credential.attach(outgoing, host).await, replaced)
            }
            answer => (answer, replaced),
        };
        outgoing.stamp |= replaced << OWN_BITS;
        answer
    }

    fn refuses_with(&self, status: StatusCode) -> bool {
        self.current().0.refuses_with(status)
    }

    async fn refused(&self, stamp: u64, response_headers: &HeaderMap) -> bool {
        let (credential, replaced) = self.current();
        if stamp >> OWN_BITS != replaced {
            return true;
        }
        let own = stamp & ((1 << OWN_BITS) - 1);
        credential.refused(own, response_headers).await || self.look_again(replaced).await
    }

    fn login(&self) -> Option<LoginTarget> {
        self.current().0.login()
    }

    fn secrets(&self) -> Vec<Spelling> {
        let state = self.state();
        let all = std::iter::once(&state.current).chain(&state.previous);
        all.flat_map(|credential| credential.secrets()).collect()
    }

    fn generation(&self) -> u64 {
        let (credential, replaced) = self.current();
        (replaced << OWN_BITS) | credential.generation()
    }

    fn presign(&self, outgoing: &mut Outgoing<'_>, valid: Duration) -> Result<Duration, CredentialError> {
        self.current().0.presign(outgoing, valid)
    }
}
