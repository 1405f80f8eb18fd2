//! A return of which the buyer wants the same again: what the goods are worth is set aside for an order that sends others.
//!
//! It is asked for, and the goods come back, as with any return (`refund.rs`). What is accepted is granted with the order that it is set aside for;
//! payments keeps it as the buyer's credit instead of giving it back, and says so as of any refund; only then is there the new order. So no goods
//! are promised for money that is not there, and nothing is to be settled between two orders: from then on each lives or dies alone.

use kernel::{Decision, Money, Timestamp};

use super::refund;
use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::ids::OrderId;
use crate::domain::order::{Answer, Order, Wanted};
use crate::domain::policy::Policy;
use crate::domain::refund::{Refund, RefundKind, RefundNumber, Units};
use crate::domain::snapshot::Snapshot;
use crate::domain::world::World;

/// The buyer sends units back, and wants them sent anew by the order of that id.
pub(super) fn ask(
    order: &mut Order,
    agreed: Option<&Snapshot>,
    units: &Units,
    exchange_order_id: OrderId,
    note: &str,
    now: Timestamp,
) -> Result<Vec<Event>, OrderError> {
    let wanted = refund::sent_back(order, RefundKind::Exchange, units, now)?;
    let mut asked = order.clone();
    let requested = asked.request_refund(Wanted { exchange_order_id: Some(exchange_order_id), ..wanted }, note);
    if asked.refunds.last().and_then(|refund| anew(refund, agreed)).is_none() {
        return Err(OrderError::ExchangeNotCovered(order.id));
    }
    *order = asked;
    Ok(vec![requested])
}

/// What came back may be worth less by now than the same again: then its money goes back.
pub(super) fn settle(refund: &mut Refund, agreed: Option<&Snapshot>) {
    if anew(refund, agreed).is_none() {
        refund.exchange_order_id = None;
    }
}

/// What is agreed about the order that sends anew what a refund is for; none if it is no exchange, or is worth less.
fn anew(refund: &Refund, agreed: Option<&Snapshot>) -> Option<Snapshot> {
    agreed?.terms().exchanged(refund)
}

/// The money of a refund is back. Of an exchange it is set aside: there is an order now that sends the goods anew.
pub(super) fn on_payment_refunded(
    world: &mut World,
    order_id: OrderId,
    number: Option<RefundNumber>,
    refunded: Money,
    policy: &Policy,
    now: Timestamp,
) -> Answer {
    let to_create = match sent_anew(world, order_id, number) {
        Ok(to_create) => to_create,
        Err(refused) => return refused,
    };
    let Some(order) = world.order_mut(order_id) else { return Decision::Refused(OrderError::NotFound(order_id)) };
    let mut events = match refund::on_payment_refunded(order, number, refunded, now) {
        Decision::Applied(events) => events,
        unchanged @ (Decision::AlreadyApplied | Decision::Ignored(_) | Decision::Refused(_)) => return unchanged,
    };
    world.mark_changed(order_id);
    if let Some(snapshot) = to_create {
        let (order, created) = Order::create(&snapshot, None, policy, now);
        world.create(order, snapshot);
        events.push(created);
    }
    Decision::Applied(events)
}

/// What is agreed about the order that sends anew what a refund is for; none if it is no exchange. It was covered when it was granted: if it is
/// not now, an operator has to look before money is set aside for nothing.
fn sent_anew(world: &World, order_id: OrderId, number: Option<RefundNumber>) -> Result<Option<Snapshot>, Answer> {
    let Some((order, number)) = world.order(order_id).zip(number) else { return Ok(None) };
    let exchange = order.refund(number).filter(|refund| refund.exchange_order_id.is_some());
    let Some(exchange) = exchange else { return Ok(None) };
    anew(exchange, world.agreed(order_id)).map(Some).ok_or_else(|| order.contradicted())
}

#[cfg(test)]
mod tests;
