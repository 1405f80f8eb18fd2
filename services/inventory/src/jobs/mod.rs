//! What inventory does by itself.

pub mod expire_reservations;
pub mod fill_backorders;
