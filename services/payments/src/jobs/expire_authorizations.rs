//! Gives up the authorizations that an issuer no longer honours: nobody has confirmed their orders in all that time.

use kernel::Timestamp;
use messaging::{Cause, Error, EventStore, sweep};

use crate::adapters::postgres::payment;
use crate::domain::{Fact, OrderId};
use crate::{Heard, Payments};

/// The payments that are due, and since when they are authorized; nothing changes.
pub async fn due(store: &EventStore, payments: &Payments) -> Result<Vec<(OrderId, Timestamp)>, Error> {
    payment::authorized_since(store.pool(), store.now() - payments.policy().authorization_lifetime, i64::MAX).await
}

/// Expires all that are due, and answers which, and since when they were authorized.
pub async fn expire_authorizations(
    store: &EventStore,
    payments: &Payments,
) -> Result<Vec<(OrderId, Timestamp)>, Error> {
    let due =
        |limit| payment::authorized_since(store.pool(), store.now() - payments.policy().authorization_lifetime, limit);
    let passed = |&(order_id, _): &(OrderId, Timestamp), cause: &Cause| Heard {
        fact: Fact::AuthorizationExpired { order_id },
        cause: cause.clone(),
    };
    let expired = sweep(store, payments, due, passed).await?;
    if !expired.is_empty() {
        tracing::warn!(payments = expired.len(), "gave up authorizations that nobody captured in time");
    }
    Ok(expired)
}
