//! Tokens for Amazon MSK with IAM: renewed in the background, read by the client library's callback.
//!
//! The callback is synchronous and may not wait for the network, so it reads what is there.

#[cfg(feature = "msk-iam")]
mod signer;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "msk-iam")]
pub use self::signer::Signer;
#[cfg(feature = "msk-iam")]
use crate::telemetry::clock;

/// Longest wait for credentials: the metadata services of AWS answer in milliseconds or not at all.
const SIGN_BOUND: Duration = Duration::from_secs(20);
/// After a failure; the old token lives on meanwhile.
const RETRY_EVERY: Duration = Duration::from_secs(5);
/// Between two renewals, however short a token's life is.
const RENEW_MIN: Duration = Duration::from_secs(1);
/// How long a client that is made at start waits for the first token; without one it asks again after ten seconds.
const FIRST_TOKEN_WAIT: Duration = Duration::from_secs(5);

/// A signed token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Whoever holds it is us, until it expires.
    pub text: SecretString,
    /// Milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// Makes tokens.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A fresh token, or why there is none; the reason holds no secret.
    async fn token(&self) -> Result<Token, String>;
}

/// The token of one process, shared by all of its clients.
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    region: String,
    /// Nothing before the first answer.
    latest: Mutex<Option<Result<Token, String>>>,
    answered: Condvar,
}

impl Tokens {
    /// No token yet; `keep_fresh` brings them.
    pub fn new(region: &str) -> Self {
        Self(Arc::new(Shared {
            region: region.to_owned(),
            latest: Mutex::default(),
            answered: Condvar::new(),
        }))
    }

    /// The AWS region of the cluster.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// Renews the token by the AWS default chain until `stop`; where that is not compiled in, says so to whoever asks.
    pub(super) fn keep_fresh(&self, stop: &CancellationToken) {
        #[cfg(feature = "msk-iam")]
        {
            let (tokens, stop) = (self.clone(), stop.clone());
            tokio::spawn(stop.run_until_cancelled_owned(async move {
                let signer = Signer::by_default_chain(tokens.region()).await;
                loop {
                    let pause = tokens.renew(&signer, clock::now_ms()).await;
                    tokio::time::sleep(pause).await;
                }
            }));
        }
        #[cfg(not(feature = "msk-iam"))]
        {
            let _ = stop;
            self.keep(Err("this program was built without the feature msk-iam".to_owned()));
        }
    }

    /// Asks for a new token once and says how long to wait before the next time: half of what is left of the token's
    /// life, so that a failure leaves minutes to try again.
    pub async fn renew(&self, source: &dyn TokenSource, now_ms: i64) -> Duration {
        let answer = tokio::time::timeout(SIGN_BOUND, source.token()).await;
        match answer.unwrap_or_else(|_| Err("no AWS credentials came in time".to_owned())) {
            Ok(token) => {
                let left_ms = u64::try_from(token.expires_at_ms - now_ms).unwrap_or_default();
                self.keep(Ok(token));
                Duration::from_millis(left_ms / 2).max(RENEW_MIN)
            }
            Err(cause) => {
                tracing::warn!(error = cause, "no token for Amazon MSK; trying again");
                let holds = |token: &Token| token.expires_at_ms > now_ms;
                if !matches!(&*self.latest(), Some(Ok(token)) if holds(token)) {
                    self.keep(Err(cause));
                }
                RETRY_EVERY
            }
        }
    }

    /// The token to use at `now_ms`, never one that has expired: a renewal may be late, as after a machine slept.
    ///
    /// # Errors
    /// Why there is none.
    pub fn current(&self, now_ms: i64) -> Result<Token, String> {
        let waiting =
            self.0.answered.wait_timeout_while(self.latest(), FIRST_TOKEN_WAIT, |latest| latest.is_none());
        let (latest, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some(Ok(token)) if token.expires_at_ms <= now_ms => {
                Err("the token for Amazon MSK expired, and no new one has come yet".to_owned())
            }
            Some(answer) => answer.clone(),
            None => Err("no AWS credentials have come yet".to_owned()),
        }
    }

    fn keep(&self, answer: Result<Token, String>) {
        *self.latest() = Some(answer);
        self.0.answered.notify_all();
    }

    fn latest(&self) -> std::sync::MutexGuard<'_, Option<Result<Token, String>>> {
        self.0.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("region", &self.0.region).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const LIFE_MS: i64 = 900_000;

    /// Signs at the time that it is told; silent while `None`.
    struct Signing(Option<i64>);

    #[async_trait]
    impl TokenSource for Signing {
        async fn token(&self) -> Result<Token, String> {
            let now_ms = self.0.ok_or_else(|| "the metadata service is away".to_owned())?;
            Ok(Token { text: format!("signed at {now_ms}").into(), expires_at_ms: now_ms + LIFE_MS })
        }
    }

    #[tokio::test]
    async fn a_token_is_renewed_long_before_it_expires() {
        let tokens = Tokens::new("eu-west-1");
        let mut now_ms = 1_700_000_000_000;
        for _ in 0..50 {
            let pause = tokens.renew(&Signing(Some(now_ms)), now_ms).await;
            let token = tokens.current(now_ms).unwrap();
            assert_eq!(token.text.expose_secret(), format!("signed at {now_ms}"));
            now_ms += i64::try_from(pause.as_millis()).unwrap();
            assert!(token.expires_at_ms - now_ms >= LIFE_MS / 2, "minutes are left for a second try");
        }
    }

    #[tokio::test]
    async fn a_token_outlives_a_failure_and_not_its_own_end() {
        let tokens = Tokens::new("eu-west-1");
        let signed_ms = 1_700_000_000_000;
        tokens.renew(&Signing(Some(signed_ms)), signed_ms).await;
        let mut now_ms = signed_ms + LIFE_MS / 2;
        let mut tries = 0;
        while tokens.current(now_ms).is_ok() {
            assert!(now_ms < signed_ms + LIFE_MS + 2 * 5_000, "an expired token is still handed out");
            now_ms += i64::try_from(tokens.renew(&Signing(None), now_ms).await.as_millis()).unwrap();
            tries += 1;
        }
        assert!(tries > 50, "only {tries} tries in {} s", LIFE_MS / 2_000);
        tokens.renew(&Signing(None), now_ms).await;
        assert_eq!(tokens.current(now_ms).unwrap_err(), "the metadata service is away");
        tokens.renew(&Signing(Some(now_ms)), now_ms).await;
        assert!(tokens.current(now_ms).is_ok(), "and back at the first success");
    }

    #[tokio::test]
    async fn an_expired_token_is_not_handed_out_however_late_the_renewal() {
        let tokens = Tokens::new("eu-west-1");
        let signed_ms = 1_700_000_000_000;
        tokens.renew(&Signing(Some(signed_ms)), signed_ms).await;
        assert!(tokens.current(signed_ms + LIFE_MS - 1).is_ok());
        let refusal = tokens.current(signed_ms + LIFE_MS).unwrap_err();
        assert!(refusal.contains("expired"), "{refusal}");
    }

    #[tokio::test]
    async fn a_callback_waits_for_the_first_token_on_its_own_thread() {
        let tokens = Tokens::new("eu-west-1");
        let asking = tokens.clone();
        let asked = std::thread::spawn(move || asking.current(5));
        // Whoever did not wait is back by now, with nothing.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!asked.is_finished(), "it did not wait: {:?}", asked.join());
        tokens.renew(&Signing(Some(5)), 5).await;
        assert_eq!(asked.join().unwrap().unwrap().expires_at_ms, 5 + LIFE_MS);
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token { text: "hunter2".into(), expires_at_ms: 1 };
        let tokens = Tokens::new("eu-west-1");
        tokens.keep(Ok(token.clone()));
        assert!(!format!("{tokens:?} {token:?}").contains("hunter2"));
    }
}
