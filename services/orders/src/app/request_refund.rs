//! A buyer or an operator wants the money of an order back.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Orders;
use crate::adapters::postgres::{self, PlacedOrder};
use crate::domain::error::OrderError;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;

/// An order whose money is wanted back.
#[derive(Clone, Debug)]
pub struct RequestRefund {
    /// The order.
    pub order_id: OrderId,
    /// The caller, for the history.
    pub actor: String,
}

/// Asks for the refund, and answers the order as it is then. One that is asked for or done already stays as it is.
pub async fn request_refund(
    unit: &mut UnitOfWork,
    orders: &Orders,
    command: RequestRefund,
) -> Result<PlacedOrder, Error> {
    let RequestRefund { order_id, actor } = command;
    let fact = Fact::Order(order_id, OrderFact::RefundRequested);
    for outcome in react(orders, unit, &[Caused { fact, cause: Cause::command(actor) }]).await? {
        outcome.accepted()?;
    }
    let order = postgres::find(unit.tx(), order_id).await?;
    order.ok_or(Error::Refused(OrderError::NotFound(order_id)))
}
