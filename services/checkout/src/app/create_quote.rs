//! A buyer asks what the cart would cost, delivered.

use chassis::Caller;
use kernel::{Id, Timestamp};

use super::Error;
use crate::adapters::peers::Peers;
use crate::domain::address::Address;
use crate::domain::error::Refusal;
use crate::domain::ids::{BuyerId, CartId};
use crate::domain::quote::{Quote, QuoteRequest, Terms};
use crate::domain::shipping::ShippingChoice;

/// An offer to make.
#[derive(Debug, Clone)]
pub struct CreateQuote {
    /// Who asks, and in whose name the cart is read.
    pub buyer_id: BuyerId,
    /// The buyer's cart.
    pub cart_id: CartId,
    /// Where the parcels go.
    pub ship_to: Address,
    /// How sellers are to send.
    pub shipping_choices: Vec<ShippingChoice>,
}

/// Makes the offer. Asks other services, so it comes before the transaction that keeps it.
pub async fn make_quote(
    peers: &Peers,
    terms: &Terms,
    caller: &Caller,
    command: CreateQuote,
    now: Timestamp,
) -> Result<Quote, Error> {
    let CreateQuote { buyer_id, cart_id, ship_to, shipping_choices } = command;
    let cart = peers.cart(caller, cart_id).await?;
    if cart.buyer_id != Some(buyer_id) {
        return Err(Refusal::CartNotFound.into());
    }
    let market = peers.market(&cart, &ship_to).await?;
    let request = QuoteRequest { id: Id::generate(), buyer_id, ship_to, cart, shipping_choices };
    Ok(Quote::make(request, &market, terms, now)?)
}
