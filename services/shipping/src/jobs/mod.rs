//! What shipping does by itself, every so often.

pub mod ask_carrier;
pub mod take_webhooks;
