//! From which warehouses an order's demand is taken: by the warehouses' priority, all lines or none.

use std::collections::BTreeMap;

use kernel::{Quantity, Sku};

use super::ids::{StockItemId, WarehouseId};
use super::stock::StockItem;

/// Units of one SKU held in one warehouse. Pinned when reserved: what was reserved is what ships.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Allocation {
    /// The stock item.
    pub stock_item_id: StockItemId,
    /// Its variant.
    pub sku: Sku,
    /// Its warehouse.
    pub warehouse_id: WarehouseId,
    /// Units.
    pub quantity: i64,
    /// Units of these that have left the warehouse.
    pub dispatched: i64,
}

impl Allocation {
    /// So many units of the same, none of which has left.
    #[must_use]
    pub fn with_quantity(&self, quantity: i64) -> Self {
        Self { quantity, dispatched: 0, ..self.clone() }
    }

    /// Units that are still in the warehouse.
    pub fn remaining(&self) -> i64 {
        self.quantity - self.dispatched
    }
}

/// A SKU of which there is not enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The variant.
    pub sku: Sku,
    /// Units asked for, summed over the order's lines.
    pub requested: i64,
    /// Units that could be had.
    pub available: i64,
}

/// The demand of an order, summed per SKU: two lines that name the same SKU compete for the same stock.
pub fn sum_demand(lines: &[(Sku, Quantity)]) -> BTreeMap<Sku, i64> {
    let mut demand = BTreeMap::new();
    for (sku, quantity) in lines {
        *demand.entry(sku.clone()).or_insert(0) += i64::from(*quantity);
    }
    demand
}

/// Takes the whole demand from the stock items, those of a SKU in the order given; or tells every shortage and takes nothing.
pub fn allocate<'a>(
    demand: &BTreeMap<Sku, i64>,
    stock_of: impl Fn(&Sku) -> Vec<&'a StockItem>,
) -> Result<Vec<Allocation>, Vec<Shortage>> {
    let mut allocations = Vec::new();
    let mut shortages = Vec::new();
    for (sku, &requested) in demand {
        let mut missing = requested;
        for item in stock_of(sku) {
            let quantity = missing.min(item.available());
            if quantity > 0 {
                missing -= quantity;
                allocations.push(Allocation {
                    stock_item_id: item.id(),
                    sku: sku.clone(),
                    warehouse_id: item.warehouse_id(),
                    quantity,
                    dispatched: 0,
                });
            }
        }
        if missing > 0 {
            shortages.push(Shortage { sku: sku.clone(), requested, available: requested - missing });
        }
    }
    if shortages.is_empty() { Ok(allocations) } else { Err(shortages) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::ids::SellerId;
    use super::super::stock::Levels;
    use super::*;

    fn sku(name: &str) -> Sku {
        Sku::new(name).unwrap()
    }

    fn item(number: u128, name: &str, total: i64) -> StockItem {
        let id = Uuid::from_u128(number);
        StockItem::new(
            StockItemId::from_uuid(id),
            sku(name),
            WarehouseId::from_uuid(id),
            SellerId::from_uuid(Uuid::nil()),
            Levels { total, ..Levels::default() },
        )
    }

    #[test]
    fn two_lines_of_one_sku_are_added_up_before_anything_is_taken() {
        let lines = [(sku("CUP"), Quantity::new(2).unwrap()), (sku("CUP"), Quantity::new(2).unwrap())];
        let stock = [item(1, "CUP", 3)];
        let shortages = allocate(&sum_demand(&lines), |_| stock.iter().collect()).unwrap_err();
        assert_eq!(shortages, [Shortage { sku: sku("CUP"), requested: 4, available: 3 }]);
    }

    #[test]
    fn the_first_warehouse_is_emptied_before_the_second_is_touched() {
        let demand = BTreeMap::from([(sku("CUP"), 5)]);
        let stock = [item(1, "CUP", 3), item(2, "CUP", 9)];
        let taken = allocate(&demand, |_| stock.iter().collect()).unwrap();
        assert_eq!(taken.iter().map(|a| a.quantity).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn a_sku_that_was_never_stocked_is_a_shortage() {
        let demand = BTreeMap::from([(sku("CUP"), 1)]);
        assert_eq!(allocate(&demand, |_| Vec::new()).unwrap_err()[0].available, 0);
    }

    proptest! {
        #[test]
        fn the_whole_demand_is_taken_or_nothing(
            totals in prop::collection::vec(0..20_i64, 0..5), requested in 1..60_i64
        ) {
            let stock: Vec<_> = totals.iter().enumerate().map(|(n, total)| item(n as u128, "CUP", *total)).collect();
            let demand = BTreeMap::from([(sku("CUP"), requested)]);
            match allocate(&demand, |_| stock.iter().collect()) {
                Ok(taken) => {
                    prop_assert_eq!(taken.iter().map(|a| a.quantity).sum::<i64>(), requested);
                    for allocation in taken {
                        let item = stock.iter().find(|item| item.id() == allocation.stock_item_id).unwrap();
                        prop_assert!(allocation.quantity > 0 && allocation.quantity <= item.available());
                    }
                }
                Err(shortages) => {
                    prop_assert_eq!(shortages[0].available, totals.iter().sum::<i64>());
                    prop_assert!(shortages[0].available < requested);
                }
            }
        }
    }
}
