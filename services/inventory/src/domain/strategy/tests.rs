use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use uuid::Uuid;

use super::super::ids::{SellerId, StockItemId};
use super::super::policy::SkuPolicy;
use super::super::stock::Levels;
use super::Strategy::{FewestSplits, Nearest, Priority};
use super::*;

fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

fn place(postal_code: &str) -> Place {
    match postal_code.split_once(' ') {
        Some((region_code, postal_code)) => Place::new(region_code, postal_code),
        None => Place::default(),
    }
}

/// A warehouse, and how many cups and pots it has.
struct Depot {
    number: u128,
    site: Site,
    items: Vec<StockItem>,
}

fn depot(number: u128, priority: i32, address: &str, stock: &[(&str, i64)]) -> Depot {
    let item = |(code, total): &(&str, i64)| {
        let id = Uuid::from_u128(number * 10 + u128::from(*code == "POT"));
        StockItem::new(
            StockItemId::from_uuid(id),
            sku(code),
            WarehouseId::from_uuid(Uuid::from_u128(number)),
            SellerId::from_uuid(Uuid::nil()),
            Levels { total: *total, ..Levels::default() },
        )
    };
    let site = Site { priority, closed: false, place: place(address) };
    Depot { number, site, items: stock.iter().map(item).collect() }
}

/// Warehouse, SKU and units of what is taken, or SKU and units of what there is too little of.
type Taken = Result<Vec<(u128, String, i64)>, Vec<(String, i64)>>;

fn take_from(depots: &[Depot], strategy: Strategy, ship_to: &str, demand: &[(&str, i64)]) -> Taken {
    take_under(SkuPolicy::default(), depots, strategy, ship_to, demand)
}

fn take_under(policy: SkuPolicy, depots: &[Depot], strategy: Strategy, ship_to: &str, demand: &[(&str, i64)]) -> Taken {
    let demand = demand.iter().map(|(code, units)| (sku(code), *units)).collect();
    let stock_of = |sku: &Sku| {
        let items = depots.iter().flat_map(|depot| depot.items.iter().map(|item| Stocked { item, site: &depot.site }));
        items.filter(|stocked| stocked.item.sku() == sku).collect()
    };
    let number = |id: WarehouseId| depots.iter().find(|depot| id.uuid().as_u128() == depot.number).unwrap().number;
    allocate(strategy, &place(ship_to), &demand, stock_of, |_, available| policy.for_one_order(available, 0))
        .map(|taken| taken.into_iter().map(|a| (number(a.warehouse_id), a.sku.to_string(), a.quantity)).collect())
        .map_err(|short| short.into_iter().map(|s| (s.sku.to_string(), s.available)).collect())
}

/// So many cups from each warehouse.
fn cups(taken: &[(u128, i64)]) -> Vec<(u128, String, i64)> {
    taken.iter().map(|(number, units)| (*number, "CUP".to_owned(), *units)).collect()
}

#[test]
fn no_order_is_given_of_the_safety_stock_nor_more_than_its_limit_whatever_the_strategy() {
    let depots = [depot(1, 0, "DE 22767", &[("CUP", 3)]), depot(2, 1, "DE 20095", &[("CUP", 4)])];
    let policy = |safety_stock, order_limit| SkuPolicy { safety_stock, order_limit, ..SkuPolicy::default() };
    for strategy in [Priority, Nearest, FewestSplits] {
        let take = |policy, units| take_under(policy, &depots, strategy, "DE 22767", &[("CUP", units)]);
        // The safety stock is over all warehouses: none of them is left full for it.
        assert_eq!(take(policy(2, None), 5), Ok(cups(&[(1, 3), (2, 2)])), "{strategy:?}");
        assert_eq!(take(policy(2, None), 6), Err(vec![("CUP".to_owned(), 5)]), "{strategy:?}");
        assert_eq!(take(policy(8, None), 1), Err(vec![("CUP".to_owned(), 0)]), "{strategy:?}");
        assert_eq!(take(policy(0, Some(6)), 6), Ok(cups(&[(1, 3), (2, 3)])), "{strategy:?}");
        assert_eq!(take(policy(2, Some(4)), 5), Err(vec![("CUP".to_owned(), 4)]), "{strategy:?}");
    }
}

#[test]
fn each_strategy_takes_from_warehouses_in_its_own_order() {
    let depots = [
        depot(1, 2, "DE 22767", &[("CUP", 3)]),
        depot(2, 1, "DE 20095", &[("CUP", 2)]),
        depot(3, 0, "DK 22767", &[("CUP", 4)]),
        depot(4, 3, "", &[("CUP", 9)]),
    ];
    for (strategy, ship_to, units, taken) in [
        (Priority, "DE 22767", 5, Ok(cups(&[(3, 4), (2, 1)]))),
        (Nearest, "DE 22769", 5, Ok(cups(&[(1, 3), (2, 2)]))),
        (Nearest, "DE 20099", 5, Ok(cups(&[(2, 2), (1, 3)]))),
        // In the same country as alike as not at all: by priority.
        (Nearest, "DE 80331", 3, Ok(cups(&[(2, 2), (1, 1)]))),
        (Nearest, "DK 9000", 5, Ok(cups(&[(3, 4), (2, 1)]))),
        // Nothing is near an address in a country without a warehouse, or one that is not known.
        (Nearest, "FR 22767", 5, Ok(cups(&[(3, 4), (2, 1)]))),
        (Nearest, "", 5, Ok(cups(&[(3, 4), (2, 1)]))),
        (FewestSplits, "DE 22767", 4, Ok(cups(&[(3, 4)]))),
        (FewestSplits, "DE 22767", 5, Ok(cups(&[(4, 5)]))),
        (FewestSplits, "DE 22767", 12, Ok(cups(&[(3, 4), (4, 8)]))),
        (FewestSplits, "DE 22767", 18, Ok(cups(&[(3, 4), (2, 2), (1, 3), (4, 9)]))),
        (FewestSplits, "DE 22767", 19, Err(vec![("CUP".to_owned(), 18)])),
    ] {
        assert_eq!(take_from(&depots, strategy, ship_to, &[("CUP", units)]), taken, "{strategy:?} {ship_to} {units}");
    }
}

#[test]
fn one_warehouse_that_holds_every_line_is_better_than_two_that_come_first() {
    let depots =
        [depot(1, 0, "", &[("CUP", 9)]), depot(2, 1, "", &[("POT", 9)]), depot(3, 2, "", &[("CUP", 1), ("POT", 1)])];
    let one_of_each = [("CUP", 1), ("POT", 1)];
    let from = |cup, pot| Ok(vec![(cup, "CUP".to_owned(), 1), (pot, "POT".to_owned(), 1)]);
    assert_eq!(take_from(&depots, FewestSplits, "", &one_of_each), from(3, 3));
    assert_eq!(take_from(&depots, Priority, "", &one_of_each), from(1, 2));
}

#[test]
fn of_sets_of_equal_size_the_one_whose_warehouses_come_first_is_taken() {
    let depots: Vec<_> = (1..=4).map(|number| depot(number, 9 - number as i32, "", &[("CUP", 3)])).collect();
    assert_eq!(take_from(&depots, FewestSplits, "", &[("CUP", 5)]), Ok(cups(&[(4, 3), (3, 2)])));
}

#[test]
fn nothing_is_taken_from_a_warehouse_that_is_closed() {
    let mut depots = [depot(1, 0, "DE 1", &[("CUP", 9)]), depot(2, 1, "DE 2", &[("CUP", 2)])];
    depots[0].site.closed = true;
    for strategy in [Priority, Nearest, FewestSplits] {
        assert_eq!(take_from(&depots, strategy, "DE 1", &[("CUP", 2)]), Ok(cups(&[(2, 2)])));
        assert_eq!(take_from(&depots, strategy, "DE 1", &[("CUP", 3)]), Err(vec![("CUP".to_owned(), 2)]));
    }
}

#[test]
fn every_shortage_is_told_and_a_sku_that_was_never_stocked_is_one() {
    let depots = [depot(1, 0, "", &[("CUP", 2)])];
    for strategy in [Priority, Nearest, FewestSplits] {
        let told = take_from(&depots, strategy, "", &[("CUP", 3), ("POT", 1)]);
        assert_eq!(told, Err(vec![("CUP".to_owned(), 2), ("POT".to_owned(), 0)]));
    }
}

#[test]
fn among_more_warehouses_than_are_tried_in_every_way_the_fullest_are_taken() {
    let count = EXACT_MAX as i64 + 1;
    let depots: Vec<_> = (1..=count).map(|n| depot(n as u128, 0, "", &[("CUP", n), ("POT", 1)])).collect();
    let taken = take_from(&depots, FewestSplits, "", &[("CUP", count + count - 1), ("POT", 1)]).unwrap();
    let from: BTreeSet<_> = taken.iter().map(|(number, ..)| *number as i64).collect();
    assert_eq!(from, [count - 1, count].into());
}

/// The fewest warehouses that hold the demand, found by trying every set.
fn fewest_of_all(depots: &[Depot], demand: &[(&str, i64)]) -> u32 {
    let holds = |set: &u32| {
        demand.iter().all(|(code, requested)| {
            let open = depots.iter().enumerate().filter(|(index, depot)| set >> index & 1 == 1 && !depot.site.closed);
            let items = open.flat_map(|(_, depot)| &depot.items).filter(|item| item.sku().as_str() == *code);
            items.map(StockItem::available).sum::<i64>() >= *requested
        })
    };
    (0..1_u32 << depots.len()).filter(holds).map(u32::count_ones).min().unwrap()
}

proptest! {
    #[test]
    fn whatever_the_strategy_the_whole_demand_is_taken_or_nothing_and_never_more_than_an_order_may_have(
        stock in prop::collection::vec((0..6_i64, 0..6_i64, 0..3_i32, any::<bool>(), "(DE|DK) [0-2]{0,3}"), 1..14),
        requested in (1..20_i64, 1..20_i64),
        ship_to in "(DE|DK) [0-2]{3}",
        strategy in prop::sample::select(vec![Priority, Nearest, FewestSplits]),
        safety_stock in 0..6_i64,
        order_limit in prop::option::of(1..20_i64),
    ) {
        let policy = SkuPolicy { safety_stock, order_limit, ..SkuPolicy::default() };
        let depots: Vec<_> = stock.iter().zip(1..).map(|((cups, pots, priority, closed, address), number)| {
            let mut depot = depot(number, *priority, address, &[("CUP", *cups), ("POT", *pots)]);
            depot.site.closed = *closed && *cups > 2;
            depot
        }).collect();
        let demand = [("CUP", requested.0), ("POT", requested.1)];
        let open = || depots.iter().filter(|depot| !depot.site.closed).flat_map(|depot| &depot.items);
        let there_are = |code: &str| -> i64 {
            open().filter(|item| item.sku().as_str() == code).map(StockItem::available).sum()
        };
        let may_have = |code: &str| (there_are(code) - safety_stock).max(0).min(order_limit.unwrap_or(i64::MAX));
        match take_under(policy, &depots, strategy, &ship_to, &demand) {
            Ok(taken) => {
                for (code, units) in demand {
                    prop_assert!(units <= may_have(code));
                    let of_sku = taken.iter().filter(|(_, sku, _)| sku == code);
                    prop_assert_eq!(of_sku.map(|(.., units)| *units).sum::<i64>(), units);
                }
                for (number, code, units) in &taken {
                    let depot = depots.iter().find(|depot| depot.number == *number).unwrap();
                    let item = depot.items.iter().find(|item| item.sku().as_str() == code).unwrap();
                    prop_assert!(!depot.site.closed && *units > 0 && *units <= item.available());
                }
                let from: BTreeSet<_> = taken.iter().map(|(number, ..)| *number).collect();
                prop_assert!(from.len() <= depots.len());
                let holders = depots.iter().filter(|depot| depot.items.iter().any(|item| item.available() > 0));
                if strategy == FewestSplits && holders.filter(|depot| !depot.site.closed).count() <= EXACT_MAX {
                    prop_assert_eq!(from.len() as u32, fewest_of_all(&depots, &demand));
                }
            }
            Err(shortages) => {
                prop_assert!(!shortages.is_empty());
                for (code, available) in shortages {
                    prop_assert_eq!(available, may_have(&code));
                    prop_assert!(available < demand.iter().find(|(sku, _)| *sku == code).unwrap().1);
                }
            }
        }
    }
}
