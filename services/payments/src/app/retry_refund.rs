//! An operator has the provider asked again for a refund that it refused.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::adapters::postgres::payment::{self, Found};
use crate::domain::{Fact, OrderId};
use crate::{Heard, Payments};

/// A refund that is to be asked for again.
#[derive(Debug, Clone)]
pub struct RetryRefund {
    /// The order.
    pub order_id: OrderId,
    /// Which of its refunds; 0 for the one that followed from its end.
    pub number: i32,
    /// The caller, for the history.
    pub actor: String,
}

/// Has it asked for again, by the same key, and answers the payment as it is then. One that is being asked for again stays as it is.
pub async fn retry_refund(unit: &mut UnitOfWork, payments: &Payments, command: RetryRefund) -> Result<Found, Error> {
    let RetryRefund { order_id, number, actor } = command;
    if payment::find(unit.tx(), order_id).await?.is_none() {
        return Err(Error::PaymentNotFound);
    }
    let cause = Cause::command(actor);
    let heard = Heard { fact: Fact::RefundRetried { order_id, number }, cause: cause.clone() };
    for outcome in react(payments, unit, &[Caused { fact: heard, cause }]).await? {
        outcome.accepted()?;
    }
    payment::find(unit.tx(), order_id).await?.ok_or(Error::PaymentNotFound)
}
