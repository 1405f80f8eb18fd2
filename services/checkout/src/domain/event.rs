//! What checkout says became true.

use super::checkout::Checkout;
use super::payment_method::PaymentMethod;
use super::quote::Quote;

/// An event of a checkout.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A buyer accepted a quote. Starts the checkout saga.
    CheckoutSubmitted {
        /// The checkout.
        checkout: &'a Checkout,
        /// The quote that it accepts, with all that was agreed.
        quote: &'a Quote,
        /// How it is paid.
        payment_method: &'a PaymentMethod,
    },
}
