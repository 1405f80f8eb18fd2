use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Keys that are older are read again, in the background.
const REFRESH_AFTER: Duration = Duration::from_mins(10);

/// An unknown key has the set read again at once, but not sooner than this after the last time: anyone can make up names.
const REFRESH_PAUSE_MIN: Duration = Duration::from_secs(10);

const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Length of an Ed25519 public key.
const KEY_BYTES: usize = 32;

/// The public keys that tokens are verified with, by their names.
#[derive(Debug)]
pub(super) struct Keys {
    source: Source,
    refresh_pause_min: Duration,
    current: RwLock<HashMap<String, DecodingKey>>,
    /// When the keys were last read, or tried to be. Held while they are being read.
    last_read: Mutex<Instant>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Url(reqwest::Client, String),
}

impl Keys {
    /// Reads the keys from a file or an http(s) URL.
    pub(super) async fn open(jwks: &str) -> anyhow::Result<Self> {
        let source = Source::new(jwks)?;
        let current = RwLock::new(source.read().await?);
        let last_read = Mutex::new(Instant::now());
        Ok(Self { source, refresh_pause_min: REFRESH_PAUSE_MIN, current, last_read })
    }

    /// The key of that name. One that is not known yet, as after a change of keys, is looked for at the source.
    pub(super) async fn find(self: &Arc<Self>, name: &str) -> Option<DecodingKey> {
        let known = self.known(name);
        if known.is_none() {
            self.refresh(self.refresh_pause_min).await;
            return self.known(name);
        }
        let is_old = self.last_read.try_lock().is_ok_and(|last_read| last_read.elapsed() >= REFRESH_AFTER);
        if is_old {
            let keys = Arc::clone(self);
            tokio::spawn(async move { keys.refresh(REFRESH_AFTER).await });
        }
        known
    }

    fn known(&self, name: &str) -> Option<DecodingKey> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Reads the keys again, unless that was done or tried less than `pause` ago. On failure the old ones stay good.
    async fn refresh(&self, pause: Duration) {
        let mut last_read = self.last_read.lock().await;
        if last_read.elapsed() < pause {
            return;
        }
        match self.source.read().await {
            Ok(keys) => *self.current.write().unwrap_or_else(PoisonError::into_inner) = keys,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "cannot read the token keys again; keeping the old ones");
            }
        }
        *last_read = Instant::now();
    }
}

impl Source {
    fn new(jwks: &str) -> anyhow::Result<Self> {
        if !jwks.starts_with("http://") && !jwks.starts_with("https://") {
            return Ok(Self::File(jwks.into()));
        }
        // Fails only where a provider is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().context("cannot make an HTTP client")?;
        Ok(Self::Url(client, jwks.to_owned()))
    }

    async fn read(&self) -> anyhow::Result<HashMap<String, DecodingKey>> {
        let text = match self {
            Self::File(path) => tokio::fs::read_to_string(path)
                .await
                .with_context(|| format!("cannot read the token keys from {}", path.display()))?,
            Self::Url(client, url) => {
                let get = async { client.get(url).send().await?.error_for_status()?.text().await };
                get.await.with_context(|| format!("cannot fetch the token keys from {url}"))?
            }
        };
        parse(&text)
    }
}

/// The Ed25519 keys of a JWKS that have a name. Other keys may stand beside them, for others to use.
fn parse(jwks: &str) -> anyhow::Result<HashMap<String, DecodingKey>> {
    let set: JwkSet = serde_json::from_str(jwks).context("the token keys are not a JWKS")?;
    let keys: HashMap<_, _> = set.keys.iter().filter_map(named_key).collect();
    if keys.is_empty() {
        bail!("the JWKS has no Ed25519 key with a kid");
    }
    Ok(keys)
}

fn named_key(jwk: &Jwk) -> Option<(String, DecodingKey)> {
    let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else { return None };
    if pair.curve != EllipticCurve::Ed25519 {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    // jsonwebtoken takes the length for granted when it verifies.
    let is_whole = key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    Some((jwk.common.key_id.clone()?, key)).filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use super::super::dev::SigningKey;
    use super::*;

    /// Keys in a file that holds `old`, and then `new`.
    async fn changed_keys(refresh_pause_min: Duration) -> Arc<Keys> {
        let path = std::env::temp_dir().join(format!("chassis-keys-{}.json", kernel::Id::<()>::generate()));
        std::fs::write(&path, SigningKey::generate("old").jwks()).unwrap();
        let keys = Keys::open(path.to_str().unwrap()).await.unwrap();
        std::fs::write(&path, SigningKey::generate("new").jwks()).unwrap();
        Arc::new(Keys { refresh_pause_min, ..keys })
    }

    #[tokio::test]
    async fn a_new_key_is_found_and_an_old_one_forgotten() {
        let keys = changed_keys(Duration::ZERO).await;
        assert!(keys.find("old").await.is_some());
        assert!(keys.find("new").await.is_some());
        assert!(keys.find("old").await.is_none());
    }

    #[tokio::test]
    async fn unknown_names_do_not_have_the_source_read_again_and_again() {
        let keys = changed_keys(Duration::from_hours(1)).await;
        assert!(keys.find("new").await.is_none());
    }

    #[tokio::test]
    async fn when_the_source_is_gone_the_keys_stay_good() {
        let keys = changed_keys(Duration::ZERO).await;
        let Source::File(path) = &keys.source else { panic!("{keys:?}") };
        std::fs::remove_file(path).unwrap();
        assert!(keys.find("new").await.is_none());
        assert!(keys.find("old").await.is_some());
    }

    #[test]
    fn a_set_without_a_usable_key_is_refused() {
        let short = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"AAAA"}]}"#;
        let nameless = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let shared_secret = r#"{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}"#;
        for jwks in ["", "{}", r#"{"keys":[]}"#, short, nameless, shared_secret] {
            assert!(parse(jwks).is_err(), "{jwks}");
        }
    }
}
