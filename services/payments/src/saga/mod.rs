//! What this service does when it hears of something. Pure.

pub mod checkout;

#[cfg(test)]
mod checkout_properties;
#[cfg(test)]
mod checkout_table;
