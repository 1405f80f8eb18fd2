//! Somebody found money held or taken for an order that has ended.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::adapters::postgres::payment::{self, Found};
use crate::domain::{Fact, OrderId};
use crate::{Heard, Payments};

/// Decides as if the end of the order were heard of now, and answers the payment as it is then. One that knows of it already stays
/// as it is.
pub async fn undo_payment(
    unit: &mut UnitOfWork,
    payments: &Payments,
    order_id: OrderId,
    actor: String,
) -> Result<Found, Error> {
    // A command would leave a tombstone where nothing is known; only a fact of orders says that nothing is to come.
    if payment::find(unit.tx(), order_id).await?.is_none() {
        return Err(Error::PaymentNotFound);
    }
    let cause = Cause::command(actor);
    let fact = Heard { fact: Fact::OrderEnded { order_id }, cause: cause.clone() };
    for outcome in react(payments, unit, &[Caused { fact, cause }]).await? {
        outcome.accepted()?;
    }
    payment::find(unit.tx(), order_id).await?.ok_or(Error::PaymentNotFound)
}
