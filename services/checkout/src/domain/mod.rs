//! The rules, without a clock, a wire or a database.

pub mod address;
pub mod checkout;
pub mod error;
pub mod event;
pub mod fact;
pub mod ids;
pub mod market;
pub mod payment_method;
pub mod quote;
pub mod quote_hash;
pub mod shipping;
pub mod tax;
pub mod world;
