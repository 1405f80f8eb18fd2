//! What is held for one order.
//!
//! ```text
//!             reserve            commit
//!   (nothing) ───────► ACTIVE ──────────► COMMITTED
//!       │  │             │ │                  │ order ended, or its parcels stopped
//!       │  │ too little  │ └ order ended ─────┴──► RELEASED
//!       │  └─► REJECTED  └── time passed ────────► EXPIRED
//!       └ order ended ─► TOMBSTONE
//!
//!             wait                 there is enough
//!   (nothing) ───────► BACKORDERED ───────────────► ACTIVE
//!                          │ └ time passed ───────► REJECTED
//!                          └ order ended ─────────► RELEASED
//! ```
//!
//! Expiry is final: a payment that comes later is refused, and nothing is reserved again.
//!
//! Goods of a committed reservation leave in parcels, and parts of them may be stopped before and are given back. Each allocation remembers
//! how many of its units have left, and how many were given back so; the reservation stays committed when all of them have left that were to,
//! whatever comes afterwards. What comes back from then on is remembered there too, by its
//! condition: it is no more the order's.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Mutant, Sku, Timestamp};

use super::address::Place;
use super::allocation::{Allocation, Returned};
use super::error::Error;
use super::fact::{Dispatch, PartStop, Receipt};
use super::ids::{OrderId, SellerId};

/// The stock held for one order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reservation {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: Status,
    /// What is, or was, held where.
    pub allocations: Vec<Allocation>,
    /// Until when it holds; none if nothing was ever held.
    pub expires_at: Option<Timestamp>,
    /// What it waits for, while it does.
    pub backorder: Option<Backorder>,
    /// The version of what was agreed that it is for.
    pub terms_version: TermsVersion,
}

/// Which version of what was agreed about an order: 1, and one more with every modification.
pub type TermsVersion = i32;

/// What an order waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Backorder {
    /// From whom.
    pub seller_id: SellerId,
    /// All that it wants: it is given all of it or nothing.
    pub demand: BTreeMap<Sku, i64>,
    /// Of which of that there was too little, so that it stands in line for it.
    pub short: BTreeSet<Sku>,
    /// Where it goes.
    pub ship_to: Place,
    /// How long it waits.
    pub until: Timestamp,
}

impl Backorder {
    /// The units for which it stands in line.
    pub fn awaited(&self) -> impl Iterator<Item = (&Sku, i64)> {
        self.demand.iter().filter(|(sku, _)| self.short.contains(*sku)).map(|(sku, units)| (sku, *units))
    }
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// There is too little stock; nothing is promised, and the order waits for more.
    Backordered,
    /// Stock is promised until the reservation expires.
    Active,
    /// The stock belongs to the order.
    Committed,
    /// The stock was given back because the order ended or all of its parcels were stopped; or it ended while it waited for stock. Final.
    Released,
    /// Its time passed and the stock went back on sale. Final.
    Expired,
    /// Expired, and a payment that came too late was told so. Final.
    CommitRefused,
    /// There was not enough stock. Final.
    Rejected,
    /// The order ended before anything was reserved: refuses a late reserve. Final.
    Tombstone,
}

impl Reservation {
    /// A reservation that never held anything.
    pub fn without_stock(order_id: OrderId, status: Status) -> Self {
        Self { order_id, status, allocations: Vec::new(), expires_at: None, backorder: None, terms_version: 1 }
    }

    /// Whether its time has passed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// What of it is still the order's, and in the warehouses.
    pub fn remaining(&self) -> Vec<Allocation> {
        let units = |allocation: &Allocation| allocation.with_quantity(allocation.remaining());
        self.allocations.iter().map(units).filter(|allocation| allocation.quantity > 0).collect()
    }

    /// Takes these units out of what it holds, of which nothing has left: of each SKU those last that were allocated last. Answers what was held of
    /// them, and where.
    pub(crate) fn take_out(&mut self, units: &BTreeMap<Sku, i64>) -> Vec<Allocation> {
        let mut wanted = units.clone();
        let mut taken = Vec::new();
        for allocation in self.allocations.iter_mut().rev() {
            let Some(wanted) = wanted.get_mut(&allocation.sku) else { continue };
            let units = allocation.remaining().min(*wanted);
            *wanted -= units;
            allocation.quantity -= units;
            taken.push(allocation.with_quantity(units));
        }
        self.allocations.retain(|allocation| allocation.quantity > 0);
        taken.retain(|allocation| allocation.quantity > 0);
        taken
    }

    /// What of it has left.
    pub fn dispatched(&self) -> Vec<Allocation> {
        let units = |allocation: &Allocation| allocation.with_quantity(allocation.dispatched);
        self.allocations.iter().map(units).filter(|allocation| allocation.quantity > 0).collect()
    }

    /// What of it was given back part by part.
    pub fn released(&self) -> Vec<Allocation> {
        let units = |allocation: &Allocation| allocation.with_quantity(allocation.released);
        self.allocations.iter().map(units).filter(|allocation| allocation.quantity > 0).collect()
    }

    /// What leaves with a parcel: that by which its sums are above those of the parcels that were heard of before. Nothing, if it
    /// was heard of itself, or a later one was. Refused if more is said to have left than the warehouse held for the order and was not stopped.
    pub fn leaving(&self, dispatch: &Dispatch) -> Result<Vec<Allocation>, Error> {
        let mut leaving = Vec::new();
        for (sku, dispatched) in &dispatch.dispatched {
            let dispatched = i64::from(*dispatched);
            let is_meant = |a: &&Allocation| a.warehouse_id == dispatch.warehouse_id && a.sku == *sku;
            let allocation = self.allocations.iter().find(is_meant);
            let held = allocation.map_or(0, |allocation| allocation.quantity - allocation.released);
            if dispatched > held {
                return Err(Error::DispatchedMoreThanHeld {
                    order_id: self.order_id,
                    warehouse_id: dispatch.warehouse_id,
                    sku: sku.clone(),
                    dispatched,
                    held,
                });
            }
            let new = allocation.filter(|allocation| dispatched > allocation.dispatched);
            leaving.extend(new.map(|allocation| allocation.with_quantity(dispatched - allocation.dispatched)));
        }
        Ok(leaving)
    }

    /// What comes back with a receipt: that by which its sums are above those of the receipts that were heard of before. Nothing, if
    /// it was heard of itself, or a later one was. Each allocation is as it is to be remembered. Refused if more is said to have
    /// come back for good than had left the warehouse for the order: what is not accepted goes to the buyer again, and may come once more.
    pub fn coming_back(&self, receipt: &Receipt) -> Result<Vec<(Allocation, Returned)>, Error> {
        let mut coming_back = Vec::new();
        for ((warehouse_id, sku), told) in &receipt.received {
            let is_meant = |a: &&Allocation| a.warehouse_id == *warehouse_id && a.sku == *sku;
            let allocation = self.allocations.iter().find(is_meant);
            let returned = allocation.map_or(*told, |allocation| allocation.returned.max(*told));
            let dispatched = allocation.map_or(0, |allocation| allocation.dispatched);
            let Some(allocation) = allocation.filter(|_| returned.kept() <= dispatched) else {
                return Err(Error::ReturnedMoreThanDispatched {
                    order_id: self.order_id,
                    warehouse_id: *warehouse_id,
                    sku: sku.clone(),
                    returned: returned.kept(),
                    dispatched,
                });
            };
            let new = if Mutant::RestockWithoutSums.is_active() { *told } else { returned.since(allocation.returned) };
            if new != Returned::default() {
                coming_back.push((Allocation { returned, ..allocation.clone() }, new));
            }
        }
        Ok(coming_back)
    }

    /// What is given back with a part that is stopped: that by which its sums are above those of the parts that were heard of before. Nothing,
    /// if it was heard of itself, or a later one was. Refused if more is said to be stopped than the warehouse held for the order and has
    /// not left.
    pub fn stopping(&self, stop: &PartStop) -> Result<Vec<Allocation>, Error> {
        let mut stopping = Vec::new();
        for ((warehouse_id, sku), stopped) in &stop.stopped {
            let stopped = i64::from(*stopped);
            let is_meant = |a: &&Allocation| a.warehouse_id == *warehouse_id && a.sku == *sku;
            let allocation = self.allocations.iter().find(is_meant);
            let held = allocation.map_or(0, |allocation| allocation.quantity - allocation.dispatched);
            let Some(allocation) = allocation.filter(|_| stopped <= held) else {
                let (order_id, warehouse_id, sku) = (self.order_id, *warehouse_id, sku.clone());
                return Err(Error::StoppedMoreThanHeld { order_id, warehouse_id, sku, stopped, held });
            };
            let before = if Mutant::ReleasePartsWithoutSums.is_active() { 0 } else { allocation.released };
            stopping.extend((stopped > before).then(|| allocation.with_quantity(stopped - before)));
        }
        Ok(stopping)
    }

    /// Remembers that this was given back, while the rest is the order's.
    pub(crate) fn note_released(&mut self, stopping: &[Allocation]) {
        for allocation in &mut self.allocations {
            let same = stopping.iter().filter(|stopped| stopped.stock_item_id == allocation.stock_item_id);
            allocation.released += same.map(|stopped| stopped.quantity).sum::<i64>();
        }
    }

    /// Remembers that this has come back.
    pub(crate) fn note_returned(&mut self, coming_back: &[(Allocation, Returned)]) {
        for allocation in &mut self.allocations {
            let same = coming_back.iter().find(|(back, _)| back.stock_item_id == allocation.stock_item_id);
            allocation.returned = same.map_or(allocation.returned, |(back, _)| back.returned);
        }
    }

    /// Remembers that this has left.
    pub(crate) fn note_dispatched(&mut self, leaving: &[Allocation]) {
        for allocation in &mut self.allocations {
            let same = leaving.iter().filter(|left| left.stock_item_id == allocation.stock_item_id);
            allocation.dispatched += same.map(|left| left.quantity).sum::<i64>();
        }
    }
}
