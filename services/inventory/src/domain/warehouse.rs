//! Where stock is kept.

use kernel::{Text, Timestamp};

use super::address::Address;
use super::ids::{SellerId, WarehouseId};

/// Most warehouses that a seller may have.
pub const PER_SELLER_MAX: i64 = 100;

/// A place that a seller keeps stock in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warehouse {
    /// Its id.
    pub id: WarehouseId,
    /// The seller whose stock is in it.
    pub seller_id: SellerId,
    /// Short code, unique for its seller.
    pub code: WarehouseCode,
    /// Name.
    pub name: Text<100>,
    /// Which warehouse stock is taken from first: the lowest.
    pub priority: Priority,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it is closed: nothing is promised from it any more. What was promised still leaves, and goods can be put in.
    pub closed: bool,
    /// Where it is, if its seller said so.
    pub address: Option<Address>,
}

/// Short code of a warehouse: 1 to 20 of A-Z, 0-9 and '-'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseCode(String);

impl WarehouseCode {
    /// The code, if it is one.
    pub fn new(code: &str) -> Result<Self, &'static str> {
        let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
        if code.is_empty() || code.len() > 20 || !code.chars().all(allowed) {
            return Err("is 1 to 20 of A-Z, 0-9 and '-'");
        }
        Ok(Self(code.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Rank of a warehouse, 0 to 1,000; the lowest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(i32);

impl Priority {
    /// The rank, if it is one.
    pub fn new(rank: i32) -> Result<Self, &'static str> {
        if (0..=1000).contains(&rank) { Ok(Self(rank)) } else { Err("is from 0 to 1,000") }
    }

    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}
