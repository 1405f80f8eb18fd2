//! A buyer or an operator takes units away from an order that is not confirmed yet.

use messaging::{Cause, UnitOfWork};

use super::Error;
use super::command::decide;
use crate::Orders;
use crate::adapters::postgres::PlacedOrder;
use crate::domain::fact::{Note, OrderFact};
use crate::domain::ids::OrderId;
use crate::domain::refund::Units;

/// An order to modify.
#[derive(Clone, Debug)]
pub struct ModifyOrder {
    /// The order.
    pub order_id: OrderId,
    /// How many units of each of these SKUs are left; of others nothing changes.
    pub left: Units,
    /// Why, in the caller's words.
    pub note: Option<Note>,
    /// The caller, for the history.
    pub actor: String,
}

/// Modifies the order, and answers it as it is then. One of which so much is left already stays as it is.
pub async fn modify_order(unit: &mut UnitOfWork, orders: &Orders, command: ModifyOrder) -> Result<PlacedOrder, Error> {
    let ModifyOrder { order_id, left, note, actor } = command;
    decide(unit, orders, order_id, OrderFact::ModificationRequested { left, note }, Cause::command(actor)).await
}
