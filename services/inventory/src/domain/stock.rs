//! The stock of one SKU in one warehouse. Invariant I2: total = available + reserved + committed, none below zero.

use kernel::Sku;

use super::error::Error;
use super::ids::{MovementId, SellerId, StockItemId, WarehouseId};

/// Most units that one warehouse may hold of one SKU.
pub const TOTAL_MAX: i64 = 1_000_000_000;

/// What is on hand, and what of it is promised. All figures are in units.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StockItem {
    id: StockItemId,
    sku: Sku,
    warehouse_id: WarehouseId,
    seller_id: SellerId,
    total: i64,
    reserved: i64,
    committed: i64,
}

/// The figures of a stock item, as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Levels {
    /// On hand.
    pub total: i64,
    /// Promised until a reservation expires.
    pub reserved: i64,
    /// Belongs to confirmed orders.
    pub committed: i64,
}

impl StockItem {
    /// A stock item with the figures given, which the database's CHECK holds to the invariant.
    pub fn new(id: StockItemId, sku: Sku, warehouse_id: WarehouseId, seller_id: SellerId, levels: Levels) -> Self {
        let Levels { total, reserved, committed } = levels;
        Self { id, sku, warehouse_id, seller_id, total, reserved, committed }
    }

    /// Its id.
    pub fn id(&self) -> StockItemId {
        self.id
    }

    /// The variant.
    pub fn sku(&self) -> &Sku {
        &self.sku
    }

    /// The warehouse.
    pub fn warehouse_id(&self) -> WarehouseId {
        self.warehouse_id
    }

    /// The seller whose stock it is.
    pub fn seller_id(&self) -> SellerId {
        self.seller_id
    }

    /// The figures.
    pub fn levels(&self) -> Levels {
        Levels { total: self.total, reserved: self.reserved, committed: self.committed }
    }

    /// What can still be promised.
    pub fn available(&self) -> i64 {
        self.total - self.reserved - self.committed
    }

    /// Changes what is on hand by `delta` units. Refused where less than what is promised would be left, or more than a
    /// warehouse holds.
    pub(super) fn change_total(&mut self, delta: i64) -> Result<(), Error> {
        let total = self.total.saturating_add(delta);
        let promised = self.reserved + self.committed;
        if total < promised {
            return Err(Error::StockBelowPromised { sku: self.sku.clone(), left: total, promised });
        }
        if total > TOTAL_MAX {
            return Err(Error::StockLimit { sku: self.sku.clone() });
        }
        self.total = total;
        Ok(())
    }

    /// Promises `quantity` units, of which [`Self::available`] has at least as many.
    pub(crate) fn reserve(&mut self, quantity: i64) {
        debug_assert!(quantity <= self.available(), "allocation never takes more than is available");
        self.reserved += quantity;
    }

    /// Makes promised units the order's own.
    pub(crate) fn commit(&mut self, quantity: i64) {
        self.reserved -= quantity;
        self.committed += quantity;
    }

    /// Puts promised units back on sale.
    pub(crate) fn release_reserved(&mut self, quantity: i64) {
        self.reserved -= quantity;
    }

    /// Puts committed units back on sale.
    pub(crate) fn release_committed(&mut self, quantity: i64) {
        self.committed -= quantity;
    }

    /// Lets committed units go: they are neither on hand nor committed from then on, in one.
    pub(crate) fn remove(&mut self, quantity: i64) {
        debug_assert!(quantity <= self.committed, "no more leaves than is committed");
        self.total -= quantity;
        self.committed -= quantity;
    }
}

/// Why stock moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementType {
    /// Goods came in.
    Add,
    /// Goods left.
    Remove,
    /// A count was put right.
    Adjust,
    /// Goods came back from an order.
    Return,
    /// Goods cannot be sold any more.
    WriteOff,
    /// Goods left for another warehouse.
    TransferOut,
    /// Goods came from another warehouse.
    TransferIn,
}

/// One change of what is on hand. The sum of a stock item's movements is its total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Its id.
    pub id: MovementId,
    /// The stock item.
    pub stock_item_id: StockItemId,
    /// Why.
    pub movement_type: MovementType,
    /// Units, with their sign.
    pub quantity: i64,
    /// The reason that was given.
    pub reason: String,
    /// Who did it.
    pub actor: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(total: i64, reserved: i64, committed: i64) -> StockItem {
        let id = kernel::Id::generate();
        let levels = Levels { total, reserved, committed };
        StockItem::new(id, Sku::new("CUP").unwrap(), kernel::Id::generate(), kernel::Id::generate(), levels)
    }

    #[test]
    fn units_go_from_available_to_reserved_to_committed_and_back() {
        let mut item = item(10, 0, 0);
        for (change, levels) in [
            (StockItem::reserve as fn(&mut StockItem, i64), (4, 0)),
            (StockItem::commit, (0, 4)),
            (StockItem::release_committed, (0, 0)),
            (StockItem::reserve, (4, 0)),
            (StockItem::release_reserved, (0, 0)),
        ] {
            change(&mut item, 4);
            assert_eq!((item.reserved, item.committed), levels);
            assert_eq!(item.available(), item.total - item.reserved - item.committed);
        }
    }

    #[test]
    fn units_that_leave_are_off_the_total_and_the_committed_and_leave_what_is_available_as_it_is() {
        let mut item = item(10, 2, 4);
        let available = item.available();
        item.remove(3);
        assert_eq!(item.levels(), Levels { total: 7, reserved: 2, committed: 1 });
        assert_eq!(item.available(), available);
    }

    #[test]
    fn a_total_lies_between_what_is_promised_and_the_limit() {
        let mut at_the_floor = item(3, 1, 2);
        let below = Error::StockBelowPromised { sku: at_the_floor.sku.clone(), left: 2, promised: 3 };
        assert_eq!(at_the_floor.change_total(-1), Err(below));
        assert!(matches!(at_the_floor.change_total(i64::MIN), Err(Error::StockBelowPromised { .. })));
        let mut at_the_limit = item(TOTAL_MAX, 0, 0);
        for delta in [1, i64::MAX] {
            assert_eq!(at_the_limit.change_total(delta), Err(Error::StockLimit { sku: at_the_limit.sku.clone() }));
        }
        assert_eq!((at_the_floor.total, at_the_limit.total), (3, TOTAL_MAX));
        assert_eq!(at_the_limit.change_total(-TOTAL_MAX), Ok(()));
    }
}
