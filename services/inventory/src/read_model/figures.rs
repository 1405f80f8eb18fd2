//! Figures of stock, in units.

use std::ops::{AddAssign, SubAssign};

use messaging::Error;
use messaging::read_model::Generation;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Where stock is: one SKU in one warehouse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Place {
    pub warehouse_id: Uuid,
    pub sku: String,
}

/// Figures, or by how much they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Figures {
    #[serde(skip_serializing_if = "is_none")]
    pub total: i64,
    #[serde(skip_serializing_if = "is_none")]
    pub reserved: i64,
    #[serde(skip_serializing_if = "is_none")]
    pub committed: i64,
    #[serde(skip_serializing_if = "is_none")]
    pub in_transit: i64,
}

impl Figures {
    /// Those that every view has; what is in transit is left out.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Error> {
        let (total, reserved) = (row.try_get("total")?, row.try_get("reserved")?);
        Ok(Self { total, reserved, committed: row.try_get("committed")?, in_transit: 0 })
    }

    /// Those that come from a view which has all.
    pub(super) fn all_from_row(row: &PgRow) -> Result<Self, Error> {
        Ok(Self { in_transit: row.try_get("in_transit")?, ..Self::from_row(row)? })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(units: &i64) -> bool {
    *units == 0
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.reserved += other.reserved;
        self.committed += other.committed;
        self.in_transit += other.in_transit;
    }
}

impl SubAssign for Figures {
    fn sub_assign(&mut self, other: Self) {
        self.total -= other.total;
        self.reserved -= other.reserved;
        self.committed -= other.committed;
        self.in_transit -= other.in_transit;
    }
}

/// A seller's SKU in a generation. Sorted, so that two who save at once never wait for each other in a circle; so are places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct SellerSku {
    pub generation: Generation,
    pub seller_id: Uuid,
    pub sku: String,
}

/// What a seller has of a SKU over all places, or by how much it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Sums {
    pub places: i64,
    pub warehouses: i64,
    pub figures: Figures,
}

impl Sums {
    /// What a place adds, once it is known whose it is.
    pub fn of(figures: Figures) -> Self {
        Self { places: 1, warehouses: i64::from(figures.total > 0), figures }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.places += other.places;
        self.warehouses += other.warehouses;
        self.figures += other.figures;
    }
}

impl SubAssign for Sums {
    fn sub_assign(&mut self, other: Self) {
        self.places -= other.places;
        self.warehouses -= other.warehouses;
        self.figures -= other.figures;
    }
}
