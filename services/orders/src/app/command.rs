//! What every command to one order does: the order decides about it, and is answered as it is then. What a command asks for is in its own file.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Orders;
use crate::adapters::postgres::{self, PlacedOrder};
use crate::domain::error::OrderError;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;

/// Has the order decide, and answers it as it is then.
pub(super) async fn decide(
    unit: &mut UnitOfWork,
    orders: &Orders,
    order_id: OrderId,
    fact: OrderFact,
    cause: Cause,
) -> Result<PlacedOrder, Error> {
    let fact = Fact::Order(order_id, fact);
    for outcome in react(orders, unit, &[Caused { fact, cause }]).await? {
        outcome.accepted()?;
    }
    find(unit, order_id).await
}

/// The order as it is in this transaction.
pub(super) async fn find(unit: &mut UnitOfWork, order_id: OrderId) -> Result<PlacedOrder, Error> {
    let order = postgres::find(unit.tx(), order_id, None).await?;
    order.ok_or(Error::Refused(OrderError::NotFound(order_id)))
}
