//! What products says of a SKU.

use std::collections::BTreeMap;

use kernel::Currency;

use super::{Item, SeenPrice};

/// What products says of a SKU at the moment of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it is.
    pub item: Item,
    /// Whether it is on sale.
    pub is_on_sale: bool,
    /// The price in force in each currency that it is offered in.
    pub prices: BTreeMap<Currency, SeenPrice>,
}
