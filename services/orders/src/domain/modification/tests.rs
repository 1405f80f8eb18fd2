use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::fixtures::{euro, order_id, snapshot, terms};

fn units(lines: &[(&str, i64)]) -> Units {
    lines.iter().map(|(sku, quantity)| (sku.parse().unwrap(), *quantity)).collect()
}

fn units_of(terms: &Terms) -> Units {
    let mut units = Units::new();
    for line in &terms.lines {
        *units.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
    }
    units
}

#[test]
fn an_order_of_which_units_are_taken_away_costs_what_is_left_at_the_prices_that_were_agreed() {
    let left = terms(order_id(5)).with_units_left(&units(&[("MUG-BLUE", 1)])).unwrap();
    let left = left.terms();
    assert_eq!(units_of(left), units(&[("MUG-BLUE", 1), ("SPOON", 1)]));
    assert_eq!((left.subtotal, left.tax, left.shipping), (euro(1_500), euro(285), euro(490)));
    assert_eq!(left.total, euro(2_275));
    let without_spoon = left.with_units_left(&units(&[("SPOON", 0)])).unwrap();
    assert_eq!(without_spoon.terms().total, euro(1_000 + 190 + 490));
}

#[test]
fn an_order_is_split_into_orders_that_cost_the_same_together() {
    let (rest, parts) = terms(order_id(5)).split_off(&[(order_id(6), units(&[("MUG-BLUE", 1)]))]).unwrap();
    let [part] = &parts[..] else { panic!("{parts:?}") };
    let (rest, part) = (rest.terms(), part.terms());
    assert_eq!(units_of(rest), units(&[("MUG-BLUE", 1), ("SPOON", 1)]));
    assert_eq!(units_of(part), units(&[("MUG-BLUE", 1)]));
    // 4.90 for three units: 3.266... and 1.633...
    assert_eq!((rest.shipping, part.shipping), (euro(327), euro(163)));
    assert_eq!((rest.total, part.total), (euro(1_500 + 285 + 327), euro(1_000 + 190 + 163)));
    assert_eq!((part.order_id, part.checkout_id), (order_id(6), rest.checkout_id));
}

#[test]
fn what_is_not_there_cannot_be_left_or_split_off_and_something_always_stays() {
    let agreed = terms(order_id(5));
    let left = |lines: &[(&str, i64)]| agreed.with_units_left(&units(lines)).unwrap_err().to_string();
    assert!(left(&[("PLATE", 0)]).contains("there is no PLATE"));
    assert!(left(&[("SPOON", 2)]).contains("has 1 of SPOON, fewer than 2"));
    assert!(left(&[("SPOON", 0), ("MUG-BLUE", 0)]).contains("nothing of order"));
    let split = |parts: &[&[(&str, i64)]]| {
        let parts: Vec<_> = (6..).map(order_id).zip(parts.iter().map(|lines| units(lines))).collect();
        agreed.split_off(&parts).unwrap_err().to_string()
    };
    assert!(split(&[&[("PLATE", 1)]]).contains("there is no PLATE"));
    assert!(split(&[&[("MUG-BLUE", 1)], &[("MUG-BLUE", 2)]]).contains("has 2 of MUG-BLUE"));
    assert!(split(&[&[("MUG-BLUE", 2)], &[("SPOON", 1)]]).contains("nothing of order"));
}

#[test]
fn an_order_that_costs_nothing_is_none() {
    let mut agreed = terms(order_id(5));
    agreed.lines[1].unit_price = euro(0);
    agreed.lines[1].line_subtotal = euro(0);
    agreed.lines[1].tax = euro(0);
    agreed.shipping = euro(0);
    let split = agreed.split_off(&[(order_id(6), units(&[("SPOON", 1)]))]);
    assert_eq!(split, Err(OrderError::NothingToPay(order_id(5))));
    assert_eq!(agreed.with_units_left(&units(&[("MUG-BLUE", 0)])), Err(OrderError::NothingToPay(order_id(5))));
}

/// Some lines, of which several may name one SKU, with any tax and shipping.
fn any_terms() -> impl Strategy<Value = Terms> {
    let line = (0..3_usize, 1..20_i64, 1..5_000_i64, 0..3_000_i64);
    (prop::collection::vec(line, 1..5), 0..2_000_i64).prop_map(|(lines, shipping)| {
        let like = snapshot(order_id(5)).terms().lines[0].clone();
        let line = |(sku, quantity, price, tax): (usize, i64, i64, i64)| Line {
            sku: ["MUG-BLUE", "SPOON", "PLATE"][sku].parse().unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
            unit_price: euro(price),
            line_subtotal: euro(price * quantity),
            tax: euro(tax),
            ..like.clone()
        };
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        let [subtotal, tax, total] = sums(&lines, euro(shipping)).unwrap();
        Terms { lines, subtotal, tax, total, shipping: euro(shipping), ..terms(order_id(5)) }
    })
}

/// Up to three parts, each of so many per cent of the units of each SKU that are not in a part before.
fn any_parts() -> impl Strategy<Value = Vec<[i64; 3]>> {
    prop::collection::vec(prop::array::uniform3(0..=100_i64), 1..4)
}

fn parts_of(agreed: &Terms, percents: &[[i64; 3]]) -> Vec<(OrderId, Units)> {
    let mut left: BTreeMap<_, _> = units_of(agreed);
    let mut part = |percents: &[i64; 3]| -> Units {
        let taken = left.iter_mut().zip(percents).map(|((sku, left), percent)| {
            let taken = *left * percent / 100;
            *left -= taken;
            (sku.clone(), taken)
        });
        taken.filter(|(_, taken)| *taken > 0).collect()
    };
    let parts = percents.iter().map(&mut part).filter(|units| !units.is_empty());
    (6..).map(order_id).zip(parts).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_parts_of_an_order_add_up_to_it_in_units_and_to_the_minor_unit(agreed in any_terms(), percents in any_parts()) {
        let parts = parts_of(&agreed, &percents);
        let taken: i64 = parts.iter().flat_map(|(_, units)| units.values()).sum();
        let all: i64 = units_of(&agreed).values().sum();
        let (rest, split_off) = match agreed.split_off(&parts) {
            Ok(split) => split,
            Err(refusal) => {
                prop_assert_eq!(refusal, OrderError::NothingLeft(order_id(5)));
                prop_assert_eq!(taken, all, "it is refused only if nothing is left");
                return Ok(());
            }
        };
        let orders: Vec<&Terms> = split_off.iter().chain([&rest]).map(Snapshot::terms).collect();
        let sum = |amount: fn(&Terms) -> Money| Money::sum(orders.iter().map(|order| amount(order)), agreed.total.currency()).unwrap();
        prop_assert_eq!(sum(|order| order.total), agreed.total);
        prop_assert_eq!(sum(|order| order.subtotal), agreed.subtotal);
        prop_assert_eq!(sum(|order| order.tax), agreed.tax);
        prop_assert_eq!(sum(|order| order.shipping), agreed.shipping);
        for (sku, ordered) in units_of(&agreed) {
            prop_assert_eq!(orders.iter().map(|order| order.units_of(&sku)).sum::<i64>(), ordered);
        }
        for ((_, units), order) in parts.iter().zip(&split_off) {
            prop_assert_eq!(units, &units_of(order.terms()));
        }
    }

    #[test]
    fn what_is_taken_away_makes_an_order_cheaper_by_its_price_and_tax(agreed in any_terms(), percents in prop::array::uniform3(0..=100_i64)) {
        let left: Units = units_of(&agreed).into_iter().zip(percents).map(|((sku, units), percent)| (sku, units * percent / 100)).collect();
        match agreed.with_units_left(&left) {
            Ok(rest) => {
                let rest = rest.terms();
                prop_assert!(rest.total.minor() <= agreed.total.minor() && rest.tax.minor() <= agreed.tax.minor());
                prop_assert_eq!(rest.shipping, agreed.shipping);
                for (sku, left) in left {
                    prop_assert_eq!(rest.units_of(&sku), left);
                }
            }
            Err(refusal) => {
                prop_assert_eq!(refusal, OrderError::NothingLeft(order_id(5)));
                prop_assert!(left.values().all(|left| *left == 0));
            }
        }
    }
}
