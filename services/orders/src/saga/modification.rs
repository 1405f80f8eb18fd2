//! What was agreed changes before the order is confirmed: units are taken away, or become orders of their own.
//!
//! Orders decides that alone. Whoever holds something for the order hears of it before it hears that the order is confirmed, on the same topic and
//! key, and holds less from then on: nobody has to agree, because nobody is asked for more than was promised. An order is confirmed only with
//! the stock of what is agreed by then (`on_inventory_committed`).

use kernel::{Decision, Timestamp};

use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::{Commitment, Note};
use crate::domain::ids::OrderId;
use crate::domain::order::{Answer, Order};
use crate::domain::policy::Policy;
use crate::domain::policy::modification::is_modifiable;
use crate::domain::refund::Units;
use crate::domain::snapshot::Snapshot;
use crate::domain::world::World;
use crate::saga::checkout;

/// Takes units away: so many of each SKU that is named are left.
pub(super) fn on_modification_requested(
    world: &mut World,
    order_id: OrderId,
    left: &Units,
    note: Option<&Note>,
) -> Answer {
    let agreed = match modifiable(world, order_id) {
        Ok(agreed) => agreed,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let snapshot = match agreed.terms().with_units_left(left) {
        Ok(snapshot) if snapshot.hash() == agreed.hash() => return Decision::AlreadyApplied,
        Ok(snapshot) => snapshot,
        Err(refusal) => return Decision::Refused(refusal),
    };
    Decision::applied(modify(world, snapshot, Vec::new(), note.map_or("", Note::as_str)))
}

/// Makes units orders of their own, which belong to the same checkout and go their own ways from then on.
pub(super) fn on_split_requested(
    world: &mut World,
    order_id: OrderId,
    parts: &[(OrderId, Units)],
    policy: &Policy,
    now: Timestamp,
) -> Answer {
    let agreed = match modifiable(world, order_id) {
        Ok(agreed) => agreed,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let (rest, split_off) = match agreed.terms().split_off(parts) {
        Ok(split) => split,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let mut events = vec![modify(world, rest, parts.to_vec(), "")];
    for snapshot in split_off {
        let (order, created) = Order::create(&snapshot, Some(order_id), policy, now);
        world.create(order, snapshot);
        events.push(created);
    }
    Decision::Applied(events)
}

/// What is agreed about the order now, if that may change.
fn modifiable(world: &World, order_id: OrderId) -> Result<Snapshot, OrderError> {
    let (order, agreed) = world.order(order_id).zip(world.agreed(order_id)).ok_or(OrderError::NotFound(order_id))?;
    if order.exchange_for.is_some() {
        return Err(OrderError::PaidByExchange(order_id));
    }
    if is_modifiable(order.standing.status) {
        Ok(agreed.clone())
    } else {
        Err(OrderError::NotModifiable { order_id, milestone: order.standing.status.milestone() })
    }
}

fn modify(world: &mut World, snapshot: Snapshot, split_off: Vec<(OrderId, Units)>, note: &str) -> Event {
    let order = world.order_mut(snapshot.terms().order_id).expect("it is modifiable, so it exists");
    let modified = order.modify(&snapshot, split_off, note);
    let version = order.terms_version;
    world.agree(version, snapshot);
    modified
}

/// Inventory holds less for the order. If that belongs to the order by now, it said so before of more than is agreed: now the order is confirmed.
pub(super) fn on_reservation_modified(order: &mut Order, committed: Option<&Commitment>) -> Answer {
    match committed {
        Some(commitment) => checkout::on_inventory_committed(order, commitment),
        None => Decision::Ignored("nothing of it is committed yet"),
    }
}

#[cfg(test)]
mod tests;
