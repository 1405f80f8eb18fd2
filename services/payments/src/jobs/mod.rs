//! What payments does by itself.

pub mod ask_provider;
pub mod expire_authorizations;
