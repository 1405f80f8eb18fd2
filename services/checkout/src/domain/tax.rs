//! The tax on what is sold, as far as an offer needs it.

use std::fmt::Debug;

use kernel::{Rate, RegionCode};

/// Where tax rates come from. A port: today a table, one day a tax service whose answers are fetched before a quote is made.
///
/// A region without a rate is one that nothing can be sold to: a tax is never guessed, and "unknown" is never zero. Whoever
/// wants to sell there untaxed states a rate of 0.
pub trait TaxRates: Debug + Send + Sync {
    /// The rate on goods that are delivered to `region`; `None` if nobody knows it.
    fn rate(&self, region: RegionCode) -> Option<Rate>;
}
