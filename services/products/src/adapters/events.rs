//! Events as they go on the wire, on topic `tradewind.products.v1`. This service reacts to none.

use contracts::convert::money_to_wire;
use contracts::products::v1 as wire;
use messaging::Outgoing;

use super::wire::{price, product};
use crate::domain::{Event, ProductId};

/// The kind of aggregate that every event here is about.
const PRODUCT: &str = "product";

/// A creation is the first event of its product.
const FIRST_VERSION: i64 = 1;

/// An event as it goes on the wire.
pub fn encode(event: &Event) -> Outgoing {
    match event {
        Event::Created(created) => {
            let message = wire::ProductCreated { product: Some(product(created, FIRST_VERSION)) };
            outgoing(created.id, &message)
        }
        Event::PriceChanged { product_id, sku, previous, price: changed } => {
            let message = wire::PriceChanged {
                product_id: product_id.to_string(),
                sku: sku.to_string(),
                previous_amount: previous.map(|previous| money_to_wire(previous.money())),
                price: Some(price(changed)),
            };
            outgoing(*product_id, &message)
        }
        Event::Published { product_id, seller_id } => {
            let message =
                wire::ProductPublished { product_id: product_id.to_string(), seller_id: seller_id.to_string() };
            outgoing(*product_id, &message)
        }
        Event::Unpublished { product_id, seller_id } => {
            let message =
                wire::ProductUnpublished { product_id: product_id.to_string(), seller_id: seller_id.to_string() };
            outgoing(*product_id, &message)
        }
    }
}

fn outgoing<E: prost::Message + prost::Name>(product_id: ProductId, message: &E) -> Outgoing {
    Outgoing::new(PRODUCT, product_id.uuid(), message)
}
