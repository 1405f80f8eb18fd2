//! A buyer, a seller or an operator makes units of an order that is not confirmed yet orders of their own.

use messaging::{Cause, UnitOfWork};

use super::Error;
use super::command::{decide, find};
use crate::Orders;
use crate::adapters::postgres::PlacedOrder;
use crate::domain::fact::OrderFact;
use crate::domain::ids::OrderId;
use crate::domain::refund::Units;

/// An order to split.
#[derive(Clone, Debug)]
pub struct SplitOrder {
    /// The order.
    pub order_id: OrderId,
    /// The ids and the units of the new orders; at least one.
    pub parts: Vec<(OrderId, Units)>,
    /// The caller, for the history.
    pub actor: String,
}

/// Splits the order, and answers what is left of it and the new ones.
pub async fn split_order(
    unit: &mut UnitOfWork,
    orders: &Orders,
    command: SplitOrder,
) -> Result<(PlacedOrder, Vec<PlacedOrder>), Error> {
    let SplitOrder { order_id, parts, actor } = command;
    // What is split off belongs to the journey that the order belongs to.
    let journey = find(unit, order_id).await?.head.correlation_id;
    let ids: Vec<_> = parts.iter().map(|(id, _)| *id).collect();
    let cause = Cause::command(actor).in_journey(journey);
    let rest = decide(unit, orders, order_id, OrderFact::SplitRequested { parts }, cause).await?;
    let mut split_off = Vec::with_capacity(ids.len());
    for id in ids {
        split_off.push(find(unit, id).await?);
    }
    Ok((rest, split_off))
}
