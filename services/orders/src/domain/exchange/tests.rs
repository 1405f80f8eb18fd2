use proptest::prelude::*;

use super::*;
use crate::domain::fixtures::{cash_on_delivery, euro, order_id, snapshot};
use crate::domain::order::{Order, Wanted};
use crate::domain::policy::Policy;
use crate::domain::refund::{Counting, RefundKind, Units};
use crate::domain::snapshot::SkuTotal;

const NEW: u128 = 7;

/// Two mugs for 23.80, a spoon for 5.95, 4.90 for shipping: 34.65.
fn order(agreed: &Snapshot) -> Order {
    let policy = Policy { unpaid_after: std::time::Duration::ZERO, return_window: std::time::Duration::ZERO };
    Order::create(agreed, None, &policy, crate::domain::fixtures::NOON).0
}

fn units(lines: &[(&str, i64)]) -> Units {
    lines.iter().map(|(sku, quantity)| (sku.parse().unwrap(), *quantity)).collect()
}

/// What goes back for these units, which are to be sent anew.
fn exchanged(order: &mut Order, units: &Units) -> Refund {
    let lines = order.price(units, Counting::Taken).unwrap();
    let amount = order.worth(&lines, Counting::Taken);
    let exchange_order_id = Some(order_id(NEW));
    order.request_refund(Wanted { exchange_order_id, ..Wanted::new(RefundKind::Exchange, amount, lines) }, "");
    order.refunds.last().unwrap().clone()
}

#[test]
fn the_new_order_holds_what_came_back_at_the_price_that_it_had() {
    let agreed = snapshot(order_id(5));
    let refund = exchanged(&mut order(&agreed), &units(&[("MUG-BLUE", 1)]));
    let new = agreed.terms().exchanged(&refund).unwrap();
    let terms = new.terms();
    let lines: Vec<_> = terms.lines.iter().map(|line| (line.sku.as_str(), i64::from(line.quantity))).collect();
    assert_eq!((terms.order_id, lines), (order_id(NEW), vec![("MUG-BLUE", 1)]));
    assert_eq!((terms.subtotal, terms.tax, terms.shipping), (euro(1_000), euro(190), euro(0)));
    let exchange =
        Exchange { order_id: order_id(5), refund_number: 1, charged_order_id: Some(agreed.terms().order_id) };
    assert_eq!(terms.payment_method, PaymentMethod::Exchange(exchange));
    let of_before = agreed.terms();
    assert_eq!((terms.checkout_id, &terms.ship_to), (of_before.checkout_id, &of_before.ship_to));
    assert_ne!(new.hash(), agreed.hash());
}

#[test]
fn with_the_last_unit_the_shipping_goes_along() {
    let agreed = snapshot(order_id(5));
    let refund = exchanged(&mut order(&agreed), &units(&[("MUG-BLUE", 2), ("SPOON", 1)]));
    let new = agreed.terms().exchanged(&refund).unwrap();
    assert_eq!((new.terms().shipping, new.terms().total), (euro(490), euro(3_465)));
    assert_eq!(new.terms().sku_totals(), agreed.terms().sku_totals());
}

#[test]
fn what_goes_back_of_it_goes_to_the_card_that_was_charged_at_first_or_to_none() {
    let charged = |agreed: &Snapshot| {
        let refund = exchanged(&mut order(agreed), &units(&[("SPOON", 1)]));
        let new = agreed.terms().exchanged(&refund).unwrap();
        (new.terms().payment_method.exchange().unwrap().charged_order_id, new)
    };
    let (by_card, once) = charged(&snapshot(order_id(5)));
    assert_eq!(by_card, Some(order_id(5)));
    let (again, _) = charged(&once);
    assert_eq!(again, Some(order_id(5)), "not the one in between");
    assert_eq!(charged(&cash_on_delivery(order_id(5))).0, None);
}

#[test]
fn a_refund_that_is_no_exchange_or_is_worth_too_little_makes_no_order() {
    let agreed = snapshot(order_id(5));
    let refund = exchanged(&mut order(&agreed), &units(&[("MUG-BLUE", 1)]));
    assert_eq!(agreed.terms().exchanged(&Refund { exchange_order_id: None, ..refund }), None);
    let mut after_goodwill = order(&agreed);
    after_goodwill.request_refund(Wanted::new(RefundKind::Goodwill, euro(3_000), Vec::new()), "");
    let refund = exchanged(&mut after_goodwill, &units(&[("MUG-BLUE", 1)]));
    assert_eq!(agreed.terms().exchanged(&refund), None, "4.65 is left, and a mug is 11.90");
}

fn sum(totals: &[SkuTotal]) -> i64 {
    totals.iter().map(|total| total.amount.minor()).sum()
}

proptest! {
    /// In whichever groups the units of an order come back, the orders that send them anew hold them all, and cost together what it did.
    #[test]
    fn exchanges_conserve_units_and_money(groups in prop::collection::vec(0..3_usize, 3), by_cash in any::<bool>()) {
        let agreed = if by_cash { cash_on_delivery(order_id(5)) } else { snapshot(order_id(5)) };
        let mut order = order(&agreed);
        let (mut money, mut anew) = (0, Units::new());
        for group in 0..3 {
            let mut units = Units::new();
            for (sku, _) in ["MUG-BLUE", "MUG-BLUE", "SPOON"].iter().zip(&groups).filter(|(_, of)| **of == group) {
                *units.entry(sku.parse().unwrap()).or_default() += 1;
            }
            if units.is_empty() {
                continue;
            }
            let refund = exchanged(&mut order, &units);
            let new = agreed.terms().exchanged(&refund).expect("nothing but exchanges, so all is covered");
            prop_assert_eq!(new.terms().total, refund.amount);
            prop_assert_eq!(sum(&new.terms().sku_totals()) + new.terms().shipping.minor(), refund.amount.minor());
            money += refund.amount.minor();
            for line in &new.terms().lines {
                *anew.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
            }
        }
        prop_assert_eq!(money, agreed.terms().total.minor());
        prop_assert_eq!(anew, self::units(&[("MUG-BLUE", 2), ("SPOON", 1)]));
    }
}
