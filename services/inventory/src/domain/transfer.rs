//! Units of one SKU on their way from one warehouse of a seller to another. On the way they are in no warehouse's total: the totals of
//! both, what is on its way and what was lost add up to the same, whatever happens.

use kernel::{Sku, Timestamp};

use super::error::Error;
use super::fact::{TransferDispatch, TransferReceipt};
use super::ids::{SellerId, TransferId, WarehouseId};

/// A transfer. Figures are in units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The seller of both warehouses.
    pub seller_id: SellerId,
    /// The variant.
    pub sku: Sku,
    /// The warehouse that they left.
    pub from_warehouse_id: WarehouseId,
    /// The warehouse that they go to.
    pub to_warehouse_id: WarehouseId,
    /// What left.
    pub quantity: i64,
    /// What arrived so far.
    pub received: i64,
    /// What will not arrive.
    pub lost: i64,
    /// When it left.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where a transfer stands. It goes one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Something is still on its way.
    InTransit,
    /// Everything that arrives has arrived. Final.
    Received,
}

impl Transfer {
    /// The transfer of what has just left.
    pub fn dispatched(dispatch: &TransferDispatch, now: Timestamp) -> Self {
        Self {
            id: dispatch.transfer_id,
            seller_id: dispatch.seller_id,
            sku: dispatch.sku.clone(),
            from_warehouse_id: dispatch.from_warehouse_id,
            to_warehouse_id: dispatch.to_warehouse_id,
            quantity: i64::from(dispatch.quantity),
            received: 0,
            lost: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// What is still on its way.
    pub fn in_transit(&self) -> i64 {
        self.quantity - self.received - self.lost
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        if self.in_transit() > 0 { Status::InTransit } else { Status::Received }
    }

    /// The transfer after a receipt. Once nothing more is awaited, what has not arrived is lost.
    pub fn after(&self, receipt: &TransferReceipt, now: Timestamp) -> Result<Self, Error> {
        match self.status() {
            Status::Received => return Err(Error::TransferReceived(self.id)),
            Status::InTransit => {}
        }
        let quantity = receipt.quantity.map_or(0, i64::from);
        let in_transit = self.in_transit();
        if quantity > in_transit {
            return Err(Error::MoreThanInTransit { transfer_id: self.id, quantity, in_transit });
        }
        let lost = if receipt.complete { in_transit - quantity } else { 0 };
        Ok(Self { received: self.received + quantity, lost, updated_at: now, ..self.clone() })
    }
}
