//! What is held for one order.
//!
//! ```text
//!             reserve            commit
//!   (nothing) ───────► ACTIVE ──────────► COMMITTED
//!       │  │             │ │                  │ order ended
//!       │  │ too little  │ └ order ended ─────┴──► RELEASED
//!       │  └─► REJECTED  └── time passed ────────► EXPIRED
//!       └ order ended ─► TOMBSTONE
//! ```
//!
//! Expiry is final: a payment that comes later is refused, and nothing is reserved again.

use kernel::Timestamp;

use super::allocation::Allocation;
use super::ids::OrderId;

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
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Stock is promised until the reservation expires.
    Active,
    /// The stock belongs to the order.
    Committed,
    /// The stock was given back because the order ended. Final.
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
        Self { order_id, status, allocations: Vec::new(), expires_at: None }
    }

    /// Whether its time has passed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}
