//! A buyer, a seller or an operator wants money of an order to go back.

use messaging::{Cause, UnitOfWork};

use super::Error;
use super::command::decide;
use crate::Orders;
use crate::adapters::postgres::PlacedOrder;
use crate::domain::fact::{Note, OrderFact};
use crate::domain::ids::OrderId;
use crate::domain::refund::RefundRequest;

/// Money that is wanted back.
#[derive(Clone, Debug)]
pub struct RequestRefund {
    /// The order.
    pub order_id: OrderId,
    /// What of it.
    pub request: RefundRequest,
    /// Why, in the caller's words.
    pub note: Option<Note>,
    /// The caller, for the history.
    pub actor: String,
}

/// Asks for the refund, and answers the order as it is then. Everything before dispatch is asked for once; every other request, also of a
/// part, is one of its own.
pub async fn request_refund(
    unit: &mut UnitOfWork,
    orders: &Orders,
    command: RequestRefund,
) -> Result<PlacedOrder, Error> {
    let RequestRefund { order_id, request, note, actor } = command;
    decide(unit, orders, order_id, OrderFact::RefundRequested { request, note }, Cause::command(actor)).await
}
