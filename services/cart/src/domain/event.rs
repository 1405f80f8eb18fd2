//! What became true.

use kernel::{Currency, Sku};

use super::{BuyerId, CartId, Line};

/// What became true of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was opened.
    Created {
        /// The cart.
        cart_id: CartId,
        /// Its buyer; none for a guest's.
        buyer_id: Option<BuyerId>,
        /// Its currency.
        currency: Currency,
    },
    /// Units of a SKU were added.
    LineAdded {
        /// The cart.
        cart_id: CartId,
        /// The line as it stands now.
        line: Line,
    },
    /// The quantity of a line was set.
    LineQuantitySet {
        /// The cart.
        cart_id: CartId,
        /// The line as it stands now.
        line: Line,
    },
    /// A line was taken out.
    LineRemoved {
        /// The cart.
        cart_id: CartId,
        /// The variant.
        sku: Sku,
    },
    /// Every line was taken out.
    Cleared {
        /// The cart.
        cart_id: CartId,
    },
}
