use std::time::Duration;

use kernel::Decision;

use super::*;
use crate::domain::fact::{Canceller, Fact, OrderFact};
use crate::domain::fixtures::{NOON, order_id, snapshot};
use crate::domain::status::CancelReason;
use crate::saga::decide;
use crate::saga::fixtures::{
    ORDER, POLICY, assert_readme_has, backordered, cancelled_by, captured, committed, hear, standing, table,
    world_after,
};

const WAIT: Duration = Duration::from_hours(14 * 24);

#[test]
fn the_readme_shows_what_becomes_of_an_order_that_waits_for_stock() {
    let declined = OrderFact::PaymentDeclined { issuer_reason: "INSUFFICIENT_FUNDS".to_owned() };
    let states = vec![
        ("CREATED", world_after(&[])),
        ("CREATED, waits", world_after(&[backordered()])),
        ("CREATED, authorized", world_after(&[OrderFact::PaymentAuthorized])),
        ("CONFIRMED", world_after(&[committed()])),
        ("CONFIRMED, waited", world_after(&[backordered(), committed()])),
        ("PAID, waited", world_after(&[backordered(), committed(), captured()])),
        ("FAILED: stock", world_after(&[OrderFact::InventoryRejected])),
        ("FAILED: declined", world_after(std::slice::from_ref(&declined))),
        ("CANCELLED early", world_after(&[cancelled_by(Canceller::Buyer)])),
    ];
    let facts = vec![
        ("InventoryBackordered", backordered()),
        ("InventoryCommitted", committed()),
        ("InventoryRejected", OrderFact::InventoryRejected),
        ("PaymentDeclined", declined),
        ("ReservationExpired", OrderFact::ReservationExpired),
        ("cancellation", cancelled_by(Canceller::Buyer)),
        ("unpaid deadline", OrderFact::UnpaidDeadlinePassed),
    ];
    assert_readme_has(&table(states, &facts));
}

#[test]
fn an_order_that_waits_may_stay_unpaid_until_it_has_waited_and_then_as_long_as_any() {
    let mut world = world_after(&[]);
    let Decision::Applied(events) = hear(&mut world, backordered()) else { panic!("not applied") };
    let (until, unpaid_deadline) = (NOON + WAIT, NOON + WAIT + POLICY.unpaid_after);
    let checkout_id = snapshot(order_id(ORDER)).terms().checkout_id;
    assert_eq!(events, [Event::Backordered { order_id: order_id(ORDER), checkout_id, until, unpaid_deadline }]);
    let deadline_passed = Fact::Order(order_id(ORDER), OrderFact::UnpaidDeadlinePassed);
    let moment_before = unpaid_deadline - Duration::from_micros(1);
    assert!(matches!(decide(&mut world, &deadline_passed, &POLICY, moment_before), Decision::Ignored(_)));
    assert!(matches!(decide(&mut world, &deadline_passed, &POLICY, unpaid_deadline), Decision::Applied(_)));
    assert_eq!(standing(&world).status, Status::Cancelled(CancelReason::Unpaid));
}
