//! A buyer or an operator cancels an order.

use messaging::{Cause, UnitOfWork};

use super::Error;
use super::command::decide;
use crate::Orders;
use crate::adapters::postgres::PlacedOrder;
use crate::domain::fact::{Canceller, Note, OrderFact};
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
    decide(unit, orders, order_id, OrderFact::CancelRequested { by, note }, Cause::command(actor)).await
}
