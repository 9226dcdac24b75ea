//! The cache against a login that counts, under a clock that stands still until it is told to move.

use std::sync::atomic::AtomicU32;

use tokio::sync::Semaphore;

use super::*;
use crate::http::credential::OwnRequest;
use crate::http::fault::Fault;
use crate::http::request::Response;

/// More logins than any test should see: one that sees them fails and does not wait.
const PERMITS: usize = 10_000;

struct NoRequests;

#[async_trait]
impl OwnRequests for NoRequests {
    async fn send(&self, _request: OwnRequest) -> Result<Response, Fault> {
        Err(Fault::Denied)
    }
}

/// Answers `token-N`, or what it is told.
struct Counted {
    logins: AtomicU32,
    lifetime: Option<Duration>,
    fails: Mutex<Option<CredentialError>>,
    /// Each login needs one.
    permits: Semaphore,
}

impl Counted {
    fn lasting(lifetime: Option<u64>) -> Self {
        Self {
            logins: AtomicU32::new(0),
            lifetime: lifetime.map(Duration::from_secs),
            fails: Mutex::new(None),
            permits: Semaphore::new(PERMITS),
        }
    }

    fn count(&self) -> u32 {
        self.logins.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Login for Counted {
    async fn log_in(&self, _previous: Option<&Token>, _host: &dyn OwnRequests) -> Result<Token, CredentialError> {
        let number = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
        self.permits.acquire().await.unwrap().forget();
        match self.fails.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => Ok(Token::new(&format!("canary-token-{number}"), self.lifetime).unwrap()),
        }
    }
}

/// A cache, and its clock's seconds.
fn cache() -> (TokenCache, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let (start, now) = (Instant::now(), Arc::clone(&seconds));
    let clock = move || start + Duration::from_secs(now.load(Ordering::SeqCst));
    (TokenCache::with_clock(Box::new(clock)), seconds)
}

fn rejected() -> CredentialError {
    CredentialError::Login {
        endpoint: "identity".into(),
        why: "no".into(),
        hint: "check".into(),
        rejected: true,
    }
}

#[tokio::test]
async fn many_requests_wait_for_one_login_and_share_its_token() {
    let (cache, _) = cache();
    let login = Counted::lasting(None);
    login.permits.forget_permits(PERMITS);
    let all = (0..20).map(|_| cache.current(&login, &NoRequests));
    let work = futures_util::future::join_all(all);
    let release = async { login.permits.add_permits(1) };
    let (answers, ()) = tokio::join!(work, release);
    for answer in answers {
        assert_eq!(answer.unwrap().0.value(), "canary-token-1");
    }
    assert_eq!(login.count(), 1);
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires_and_not_earlier() {
    for (lifetime, last, first) in [
        (3_600, 3_569, 3_570),
        (40, 29, 30),
        (0, 1, 2),
        (u64::MAX, 604_799, 604_800),
    ] {
        let (cache, seconds) = cache();
        let login = Counted::lasting(Some(lifetime));
        for (at, logins) in [(0, 1), (last, 1), (first, 2)] {
            seconds.store(at, Ordering::SeqCst);
            cache.current(&login, &NoRequests).await.unwrap();
            assert_eq!(login.count(), logins, "lifetime {lifetime}, second {at}");
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_then_less_and_less_often() {
    let (cache, seconds) = cache();
    let login = Counted::lasting(None);
    let mut renewed_at = Vec::new();
    // A guest that has every token refused, each second, for an hour.
    for second in 0..3_600 {
        seconds.store(second, Ordering::SeqCst);
        let (_, stamp) = cache.current(&login, &NoRequests).await.unwrap();
        if cache.refused(stamp).await {
            renewed_at.push(second);
        }
    }
    assert_eq!(renewed_at[..6], [0, 5, 15, 35, 75, 155]);
    assert!(login.count() < 20, "{} logins in an hour", login.count());
    // Nothing was refused for long: the next one is an accident again.
    seconds.store(3_600 + 1_000, Ordering::SeqCst);
    let (_, stamp) = cache.current(&login, &NoRequests).await.unwrap();
    assert!(cache.refused(stamp).await);
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_leaves_the_new_one_alone() {
    let (cache, _) = cache();
    let login = Counted::lasting(None);
    let (_, old) = cache.current(&login, &NoRequests).await.unwrap();
    assert!(cache.refused(old).await);
    let (_, new) = cache.current(&login, &NoRequests).await.unwrap();
    assert!(cache.refused(old).await, "there is something newer to try");
    assert_eq!(cache.current(&login, &NoRequests).await.unwrap().1, new);
    assert_eq!(login.count(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_tried_three_times_in_three_minutes() {
    let (cache, seconds) = cache();
    let login = Counted::lasting(None);
    *login.fails.lock().unwrap() = Some(rejected());
    for second in 0..180 {
        seconds.store(second, Ordering::SeqCst);
        let error = cache.current(&login, &NoRequests).await.unwrap_err();
        assert!(error.is_rejected(), "{error}");
    }
    assert_eq!(login.count(), 3);
    let waiting = cache.current(&login, &NoRequests).await.unwrap_err().to_string();
    assert!(waiting.contains("tried again in 31 s"), "{waiting}");
    // It was changed at the server.
    *login.fails.lock().unwrap() = None;
    seconds.store(1_000, Ordering::SeqCst);
    cache.current(&login, &NoRequests).await.unwrap();
}

#[tokio::test]
async fn requests_that_give_up_their_logins_do_not_cause_one_each() {
    let (cache, _) = cache();
    let login = Counted::lasting(None);
    login.permits.forget_permits(PERMITS);
    for _ in 0..50 {
        let work = cache.current(&login, &NoRequests);
        // Polled once, and dropped.
        assert!(futures_util::FutureExt::now_or_never(work).is_none_or(|answer| answer.is_err()));
    }
    assert_eq!(login.count(), 4);
    let error = cache.current(&login, &NoRequests).await.unwrap_err();
    assert!(matches!(error, CredentialError::Waiting { .. }), "{error}");
}

#[tokio::test]
async fn the_last_tokens_stay_secret_and_no_more_than_four() {
    let (cache, _) = cache();
    let login = Counted::lasting(Some(0));
    let mut generations = Vec::new();
    for _ in 0..6 {
        cache.state.lock().await.held = None;
        cache.current(&login, &NoRequests).await.unwrap();
        generations.push(cache.generation());
    }
    let holds = |text: &str| {
        cache
            .secrets()
            .iter()
            .any(|spelling| spelling.as_slice() == text.as_bytes())
    };
    let held: Vec<bool> = (1..=6).map(|number| holds(&format!("canary-token-{number}"))).collect();
    assert_eq!(held, [false, false, true, true, true, true]);
    assert_eq!(generations, [1, 2, 3, 4, 5, 6]);
    assert!(!format!("{cache:?} {:?}", Token::new("canary", None)).contains("canary"));
}

#[test]
fn only_what_is_safe_in_a_header_is_a_token() {
    for value in ["", "a b", "a\nb", "a\r\nx: y", "ä", &"x".repeat(16_385)] {
        assert!(Token::new(value, None).is_err(), "{value:?}");
    }
    assert!(Token::new(&"~".repeat(16_384), None).is_ok());
}
