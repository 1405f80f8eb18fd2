//! Events as they go on the wire, on topic `tradewind.cart.v1`. This service reacts to none.

use contracts::cart::v1 as wire;
use messaging::Outgoing;

use super::wire::{buyer_id, line};
use crate::domain::{CartId, Event};

/// The kind of aggregate that every event here is about.
const CART: &str = "cart";

/// An event as it goes on the wire.
pub fn encode(event: &Event) -> Outgoing {
    match event {
        Event::Created { cart_id, buyer_id: buyer, currency } => {
            let message = wire::CartCreated {
                cart_id: cart_id.to_string(),
                buyer_id: buyer_id(*buyer),
                currency_code: currency.to_string(),
            };
            outgoing(*cart_id, &message)
        }
        Event::LineAdded { cart_id, line: added } => {
            outgoing(*cart_id, &wire::CartLineAdded { cart_id: cart_id.to_string(), line: Some(line(added)) })
        }
        Event::LineQuantitySet { cart_id, line: changed } => {
            outgoing(*cart_id, &wire::CartLineQuantitySet { cart_id: cart_id.to_string(), line: Some(line(changed)) })
        }
        Event::LineRemoved { cart_id, sku } => {
            outgoing(*cart_id, &wire::CartLineRemoved { cart_id: cart_id.to_string(), sku: sku.to_string() })
        }
        Event::Cleared { cart_id } => outgoing(*cart_id, &wire::CartCleared { cart_id: cart_id.to_string() }),
    }
}

fn outgoing<E: prost::Message + prost::Name>(cart_id: CartId, message: &E) -> Outgoing {
    Outgoing::new(CART, cart_id.uuid(), message)
}
