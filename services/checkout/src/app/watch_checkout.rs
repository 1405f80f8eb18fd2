//! A buyer waits for what becomes of the orders.
//!
//! The replica whose consumer commits an outcome wakes its own watchers of that checkout. Watchers on other replicas find it
//! by looking every `POLL_EVERY`. Both read the same row, so neither can tell of what is not committed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::ready;
use futures::stream::{BoxStream, StreamExt as _, once, try_unfold};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Error;
use crate::adapters::postgres;
use crate::domain::checkout::Checkout;
use crate::domain::error::Refusal;
use crate::domain::ids::CheckoutId;

/// How often a watcher looks by itself.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// Watchers on one replica at once. Each costs two reads by primary key a second.
const WATCHERS_MAX: usize = 1_000;

/// Who watches which checkout on this replica.
#[derive(Clone, Debug, Default)]
pub struct Watchers(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    bells: HashMap<CheckoutId, Bell>,
    /// On all checkouts together.
    watchers: usize,
}

/// What wakes the watchers of one checkout; there is one as long as there are watchers.
#[derive(Debug, Default)]
struct Bell {
    rope: watch::Sender<()>,
    watchers: usize,
}

/// One watcher's place; given up when dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    checkout_id: CheckoutId,
    bell: watch::Receiver<()>,
    watchers: Watchers,
}

impl Watchers {
    /// Wakes whoever watches these checkouts here.
    pub fn wake(&self, checkout_ids: impl IntoIterator<Item = CheckoutId>) {
        self.with(|watched| {
            for bell in checkout_ids.into_iter().filter_map(|id| watched.bells.get(&id)) {
                bell.rope.send_replace(());
            }
        });
    }

    pub(crate) fn watch(&self, checkout_id: CheckoutId) -> Result<Watch, Error> {
        let bell = self.with(|watched| {
            if watched.watchers == WATCHERS_MAX {
                return Err(Error::TooManyWatchers);
            }
            watched.watchers += 1;
            let bell = watched.bells.entry(checkout_id).or_default();
            bell.watchers += 1;
            Ok(bell.rope.subscribe())
        })?;
        Ok(Watch { checkout_id, bell, watchers: self.clone() })
    }

    /// No holder of the lock leaves the map half changed, so one that panicked did no harm.
    fn with<T>(&self, act: impl FnOnce(&mut Watched) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Watch {
    #[cfg(test)]
    pub(crate) fn is_rung(&self) -> bool {
        self.bell.has_changed().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watchers.with(|watched| {
            watched.watchers -= 1;
            if let Entry::Occupied(mut bell) = watched.bells.entry(self.checkout_id) {
                bell.get_mut().watchers -= 1;
                if bell.get().watchers == 0 {
                    bell.remove();
                }
            }
        });
    }
}

/// A checkout as it is now, if `may_see` lets the caller; then each time it changes, until every order has its outcome.
///
/// # Errors
/// There is no such checkout for this caller, or too many are watched.
pub async fn watch_checkout(
    pool: PgPool,
    watchers: &Watchers,
    checkout_id: CheckoutId,
    may_see: impl FnOnce(&Checkout) -> bool,
) -> Result<BoxStream<'static, Result<Checkout, Error>>, Error> {
    // Watched first and read then: what changes in between rings.
    let watch = watchers.watch(checkout_id)?;
    let now = read(&pool, checkout_id).await?;
    if !may_see(&now) {
        return Err(Refusal::CheckoutNotFound.into());
    }
    let changes = try_unfold((pool, watch, now.clone()), |(pool, mut watch, shown)| async move {
        let changed = changed(&pool, &mut watch, &shown).await?;
        Ok(changed.map(|checkout| (checkout.clone(), (pool, watch, checkout))))
    });
    Ok(once(ready(Ok(now))).chain(changes).boxed())
}

/// The checkout once it differs from what was shown; none if it cannot any more.
async fn changed(pool: &PgPool, watch: &mut Watch, shown: &Checkout) -> Result<Option<Checkout>, Error> {
    if shown.is_complete() {
        return Ok(None);
    }
    loop {
        // Rung or not, it is time to look. The bell is not taken away while it has a watcher.
        let _ = timeout(POLL_EVERY, watch.bell.changed()).await;
        let checkout = read(pool, watch.checkout_id).await?;
        if checkout != *shown {
            return Ok(Some(checkout));
        }
    }
}

async fn read(pool: &PgPool, checkout_id: CheckoutId) -> Result<Checkout, Error> {
    Ok(postgres::checkout::find(pool, checkout_id).await?.ok_or(Refusal::CheckoutNotFound)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watcher_is_woken_for_its_checkout_alone() {
        let watchers = Watchers::default();
        let (watched, other) = (CheckoutId::generate(), CheckoutId::generate());
        let watch = watchers.watch(watched).unwrap();
        watchers.wake([other]);
        assert!(!watch.is_rung());
        watchers.wake([other, watched]);
        assert!(watch.is_rung());
    }

    #[tokio::test]
    async fn a_watcher_that_goes_away_leaves_nothing_behind() {
        let watchers = Watchers::default();
        let id = CheckoutId::generate();
        let (first, second) = (watchers.watch(id).unwrap(), watchers.watch(id).unwrap());
        drop(first);
        assert_eq!(watchers.with(|watched| (watched.watchers, watched.bells.len())), (1, 1));
        drop(second);
        assert_eq!(watchers.with(|watched| (watched.watchers, watched.bells.len())), (0, 0));
    }

    #[tokio::test]
    async fn one_watcher_more_than_the_limit_is_turned_away() {
        let watchers = Watchers::default();
        let id = CheckoutId::generate();
        let watching: Vec<_> = (0..WATCHERS_MAX).map(|_| watchers.watch(id).unwrap()).collect();
        assert!(matches!(watchers.watch(id), Err(Error::TooManyWatchers)));
        drop(watching);
        assert!(watchers.watch(id).is_ok());
    }
}
