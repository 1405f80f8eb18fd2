use proptest::prelude::*;

use super::Counting::{Asked, Taken};
use super::*;
use crate::domain::fixtures::{euro, order_id, snapshot};
use crate::domain::order::{Order, Wanted};
use crate::domain::policy::Policy;

/// Two mugs for 23.80, a spoon for 5.95, 4.90 for shipping: 34.65.
fn order() -> Order {
    let policy = Policy { unpaid_after: std::time::Duration::ZERO, return_window: std::time::Duration::ZERO };
    Order::create(&snapshot(order_id(1)), None, &policy, crate::domain::fixtures::NOON).0
}

fn units(lines: &[(&str, i64)]) -> Units {
    lines.iter().map(|(sku, quantity)| (sku.parse().unwrap(), *quantity)).collect()
}

/// Asks for units, and answers what goes back for them.
fn ask(order: &mut Order, lines: &[(&str, i64)]) -> i64 {
    let lines = order.price(&units(lines), Taken).unwrap();
    let amount = order.worth(&lines, Taken);
    order.request_refund(Wanted::new(RefundKind::AfterReturn, amount, lines), "");
    amount.minor()
}

fn give(order: &mut Order, kind: RefundKind, cents: i64) {
    let wanted = Wanted::new(kind, euro(cents), Vec::new());
    order.request_refund(wanted, "");
}

#[test]
fn units_are_worth_their_share_and_the_last_takes_the_shipping_too() {
    let mut order = order();
    assert_eq!(ask(&mut order, &[("MUG-BLUE", 1)]), 1_190);
    assert_eq!(ask(&mut order, &[("SPOON", 1)]), 595);
    assert_eq!(ask(&mut order, &[("MUG-BLUE", 1)]), 1_190 + 490);
    assert_eq!(order.refundable(Taken), euro(0));
    assert!(order.refunds.iter().map(|refund| refund.number).eq([1, 2, 3]));
}

#[test]
fn what_was_not_ordered_or_is_asked_back_already_is_refused() {
    let mut order = order();
    let (id, pot) = (order.id, "POT".parse().unwrap());
    assert_eq!(order.price(&units(&[("POT", 1)]), Taken), Err(OrderError::NotInOrder { order_id: id, sku: pot }));
    ask(&mut order, &[("MUG-BLUE", 1)]);
    let sku = "MUG-BLUE".parse().unwrap();
    let refused = OrderError::MoreThanDelivered { order_id: id, sku, asked: 2, left: 1 };
    assert_eq!(order.price(&units(&[("MUG-BLUE", 2)]), Taken), Err(refused));
}

#[test]
fn goodwill_comes_out_of_what_later_refunds_may_have() {
    let mut order = order();
    give(&mut order, RefundKind::Goodwill, 3_000);
    assert_eq!(ask(&mut order, &[("MUG-BLUE", 1)]), 465, "no more than is left");
    assert_eq!(order.refundable(Taken), euro(0));
}

#[test]
fn a_rejected_refund_gives_its_units_and_its_amount_free_again() {
    let mut order = order();
    ask(&mut order, &[("MUG-BLUE", 2)]);
    order.reject_refund(1, Rejection::ReturnNotAccepted);
    assert_eq!(order.refundable(Taken), order.total);
    assert_eq!(ask(&mut order, &[("MUG-BLUE", 2)]), 2_380);
}

#[test]
fn while_parcels_are_being_stopped_nothing_is_taken() {
    let mut order = order();
    give(&mut order, RefundKind::BeforeDispatch, 3_465);
    assert_eq!(order.refundable(Taken), order.total);
    order.approve_refund(1);
    assert_eq!(order.refundable(Taken), euro(0));
}

/// Asks for units that have not left, and answers what is asked back for them.
fn ask_part(order: &mut Order, lines: &[(&str, i64)]) -> i64 {
    let lines = order.price(&units(lines), Asked).unwrap();
    let amount = order.worth(&lines, Asked);
    order.request_refund(Wanted::new(RefundKind::BeforeDispatch, amount, lines), "");
    amount.minor()
}

#[test]
fn nobody_asks_twice_for_units_that_are_being_stopped_and_yet_they_are_not_taken() {
    let mut order = order();
    assert_eq!(ask_part(&mut order, &[("MUG-BLUE", 1)]), 1_190);
    assert_eq!((order.refundable(Asked), order.refundable(Taken)), (euro(3_465 - 1_190), order.total));
    let sku = "MUG-BLUE".parse().unwrap();
    let refused = OrderError::MoreThanOrdered { order_id: order.id, sku, asked: 2, left: 1 };
    assert_eq!(order.price(&units(&[("MUG-BLUE", 2)]), Asked), Err(refused));
    // Both may have left meanwhile, and have failed.
    order.price(&units(&[("MUG-BLUE", 2)]), Taken).unwrap();
    assert_eq!(ask_part(&mut order, &[("MUG-BLUE", 1), ("SPOON", 1)]), 1_190 + 595 + 490);
    order.reject_refund(1, Rejection::AlreadyDispatched);
    assert_eq!(ask_part(&mut order, &[("MUG-BLUE", 1)]), 3_465 - 1_190 - 595 - 490);
}

#[test]
fn an_order_is_stopped_by_all_of_it_or_by_parts_that_are_all_of_it() {
    let granted = RefundStatus::was_granted;
    let mut order = order();
    ask_part(&mut order, &[("MUG-BLUE", 2)]);
    assert!(!order.is_stopped_by(|_| true));
    ask_part(&mut order, &[("SPOON", 1)]);
    assert!(order.is_stopped_by(|_| true) && !order.is_stopped_by(granted));
    order.approve_refund(1);
    assert!(!order.is_stopped_by(granted));
    order.approve_refund(2);
    assert!(order.is_stopped_by(granted));
    let mut order = self::order();
    give(&mut order, RefundKind::BeforeDispatch, 3_465);
    assert!(order.is_stopped_by(|_| true) && !order.is_stopped_by(granted));
    let sku = "SPOON".parse().unwrap();
    let refused = OrderError::MoreThanOrdered { order_id: order.id, sku, asked: 1, left: 0 };
    assert_eq!(order.price(&units(&[("SPOON", 1)]), Asked), Err(refused));
}

#[test]
fn what_is_waived_is_not_due_at_the_door() {
    let mut order = order();
    let lines = order.price(&units(&[("SPOON", 1)]), Taken).unwrap();
    let amount = order.worth(&lines, Taken);
    order.waive(Wanted::new(RefundKind::ParcelFailed, amount, lines));
    assert_eq!((order.due(), order.refundable(Taken)), (euro(2_870), euro(2_870)));
}

proptest! {
    /// However an order comes back, in whatever groups and with whatever goodwill and rejections in between, what goes back is never more
    /// than what was paid, and once no unit is left it is exactly that.
    #[test]
    fn refunds_together_are_what_was_paid_to_the_minor_unit(
        quantities in prop::collection::vec((1..6_i64, 0..10_000_i64), 1..4),
        shipping in 0..1_000_i64,
        goodwill in 0..500_i64,
        steps in prop::collection::vec((0..4_usize, 1..4_i64, any::<bool>()), 0..40),
    ) {
        let mut order = order();
        let total = |(index, (quantity, cents)): (usize, &(i64, i64))| SkuTotal {
            sku: format!("SKU-{index}").parse().unwrap(),
            quantity: *quantity,
            amount: euro(*cents),
        };
        order.sku_totals = quantities.iter().enumerate().map(total).collect();
        order.total = euro(order.sku_totals.iter().map(|total| total.amount.minor()).sum::<i64>() + shipping);
        let goodwill = goodwill.min(order.total.minor());
        give(&mut order, RefundKind::Goodwill, goodwill);
        let everything = order.sku_totals.iter().map(|total| (total.sku.clone(), total.quantity));
        let everything: Vec<(Sku, i64)> = everything.collect();
        for (index, quantity, is_rejected) in steps {
            let Some((sku, _)) = everything.get(index) else { continue };
            let Ok(lines) = order.price(&Units::from([(sku.clone(), quantity)]), Taken) else { continue };
            let amount = order.worth(&lines, Taken);
            prop_assert!(!amount.is_negative());
            order.request_refund(Wanted::new(RefundKind::AfterReturn, amount, lines), "");
            if is_rejected {
                let number = order.refunds.last().unwrap().number;
                order.reject_refund(number, Rejection::ReturnNotAccepted);
            }
            prop_assert!(!order.refundable(Taken).is_negative());
        }
        let left = everything.iter().filter_map(|(sku, quantity)| {
            let left = quantity - order.taken(order.sku_totals.iter().find(|total| total.sku == *sku).unwrap(), Taken).0;
            (left > 0).then(|| (sku.clone(), left))
        });
        let left: Units = left.collect();
        if !left.is_empty() {
            let lines = order.price(&left, Taken).unwrap();
            let amount = order.worth(&lines, Taken);
            order.request_refund(Wanted::new(RefundKind::AfterReturn, amount, lines), "");
            prop_assert!(order.refundable(Taken).is_zero());
        }
    }
}
