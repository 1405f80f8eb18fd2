//! What an order asks for, and what it is given where.

use std::collections::BTreeMap;

use kernel::{Quantity, Sku};

use super::ids::{StockItemId, WarehouseId};

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
    /// Units of these that were given back while the rest was the order's: they will not leave.
    pub released: i64,
    /// Units of those that have come back to it.
    pub returned: Returned,
}

/// Units that came back, by the condition in which they did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Returned {
    /// As good as new: on sale again.
    pub resalable: i64,
    /// Damaged: written off.
    pub damaged: i64,
    /// Not what was sent, or spoilt by the buyer: none of ours any more. It goes to the buyer again, and so may come several times.
    pub not_accepted: i64,
}

impl Returned {
    /// In whatever condition.
    pub fn units(self) -> i64 {
        self.kept() + self.not_accepted
    }

    /// What does not go to the buyer again.
    pub fn kept(self) -> i64 {
        self.resalable + self.damaged
    }

    /// The greater of both, condition by condition: of two sums that only grow, the later.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            resalable: self.resalable.max(other.resalable),
            damaged: self.damaged.max(other.damaged),
            not_accepted: self.not_accepted.max(other.not_accepted),
        }
    }

    /// What came since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            resalable: self.resalable - before.resalable,
            damaged: self.damaged - before.damaged,
            not_accepted: self.not_accepted - before.not_accepted,
        }
    }
}

impl Allocation {
    /// So many units of the same, none of which has left or was given back.
    #[must_use]
    pub fn with_quantity(&self, quantity: i64) -> Self {
        Self { quantity, dispatched: 0, released: 0, returned: Returned::default(), ..self.clone() }
    }

    /// Units that are still the order's, and in the warehouse.
    pub fn remaining(&self) -> i64 {
        self.quantity - self.dispatched - self.released
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_of_one_sku_are_added_up() {
        let (cup, pot) = (Sku::new("CUP").unwrap(), Sku::new("POT").unwrap());
        let lines = [(cup.clone(), 2), (pot.clone(), 1), (cup.clone(), 3)];
        let lines = lines.map(|(sku, units)| (sku, Quantity::new(units).unwrap()));
        assert_eq!(sum_demand(&lines), BTreeMap::from([(cup, 5), (pot, 1)]));
    }

    #[test]
    fn of_two_sums_of_what_came_back_the_later_is_greater_in_every_condition() {
        let sum = |resalable, damaged, not_accepted| Returned { resalable, damaged, not_accepted };
        let (earlier, later) = (sum(1, 0, 2), sum(2, 1, 2));
        assert_eq!((earlier.max(later), later.max(earlier)), (later, later));
        assert_eq!((later.since(earlier), later.since(earlier).units()), (sum(1, 1, 0), 2));
    }
}
