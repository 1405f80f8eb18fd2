//! Gives up the authorizations that an issuer no longer honours: nobody has confirmed their orders in all that time.
//!
//! Two replicas may find the same payment: the second waits for the first's lock on its order, and then it is not authorized any more.

use kernel::Timestamp;
use messaging::{Cause, Caused, Error, EventStore, Outcome, react};

use crate::adapters::postgres::payment;
use crate::domain::{Fact, OrderId};
use crate::{Heard, Payments};

/// Payments in one transaction, at most.
const BATCH_MAX: i64 = 200;

/// The payments that are due, and since when they are authorized; nothing changes.
pub async fn due(store: &EventStore, payments: &Payments) -> Result<Vec<(OrderId, Timestamp)>, Error> {
    payment::authorized_since(store.pool(), store.now() - payments.policy().authorization_lifetime, i64::MAX).await
}

/// Expires all that are due, and answers which, and since when they were authorized.
pub async fn expire_authorizations(
    store: &EventStore,
    payments: &Payments,
) -> Result<Vec<(OrderId, Timestamp)>, Error> {
    let mut expired = Vec::new();
    loop {
        let before = store.now() - payments.policy().authorization_lifetime;
        let due = payment::authorized_since(store.pool(), before, BATCH_MAX).await?;
        let is_last = due.len() < BATCH_MAX as usize;
        if !due.is_empty() {
            let cause = Cause::command(format!("service:{}", store.service()));
            let passed = |&(order_id, _): &(OrderId, Timestamp)| {
                let fact = Fact::AuthorizationExpired { order_id };
                Caused { fact: Heard { fact, cause: cause.clone() }, cause: cause.clone() }
            };
            let facts: Vec<_> = due.iter().map(passed).collect();
            let mut unit = store.begin().await?;
            let outcomes = react(payments, &mut unit, &facts).await?;
            unit.commit().await?;
            let applied = due.into_iter().zip(outcomes).filter(|(_, outcome)| *outcome == Outcome::Applied);
            expired.extend(applied.map(|(due, _)| due));
        }
        if is_last {
            break;
        }
    }
    if !expired.is_empty() {
        tracing::warn!(payments = expired.len(), "gave up authorizations that nobody captured in time");
    }
    Ok(expired)
}
