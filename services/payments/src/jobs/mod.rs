//! What payments does by itself.

pub mod ask_provider;
