//! A buyer or an operator cancels an order.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Orders;
use crate::adapters::postgres::{self, PlacedOrder};
use crate::domain::error::OrderError;
use crate::domain::fact::{Canceller, Fact, Note, OrderFact};
use crate::domain::ids::OrderId;

/// An order to cancel.
#[derive(Clone, Debug)]
pub struct CancelOrder {
    /// The order.
    pub order_id: OrderId,
    /// In which role the caller asks.
    pub by: Canceller,
    /// Why, in the caller's words.
    pub note: Option<Note>,
    /// The caller, for the history.
    pub actor: String,
}

/// Cancels the order, and answers it as it is then. One that is cancelled already stays as it is.
pub async fn cancel_order(unit: &mut UnitOfWork, orders: &Orders, command: CancelOrder) -> Result<PlacedOrder, Error> {
    let CancelOrder { order_id, by, note, actor } = command;
    let fact = Fact::Order(order_id, OrderFact::CancelRequested { by, note });
    for outcome in react(orders, unit, &[Caused { fact, cause: Cause::command(actor) }]).await? {
        outcome.accepted()?;
    }
    let cancelled = postgres::find(unit.tx(), order_id, None).await?;
    cancelled.ok_or(Error::Refused(OrderError::NotFound(order_id)))
}
