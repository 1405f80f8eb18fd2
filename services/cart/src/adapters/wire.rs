//! From the domain to messages of the contract.

use contracts::cart::v1 as wire;
use contracts::convert::{money_to_wire, timestamp_to_wire};

use super::postgres::cart::Stored;
use crate::domain::{BuyerId, Line};

/// A cart as it is stored.
pub fn stored_cart(stored: &Stored) -> wire::Cart {
    let cart = &stored.cart;
    wire::Cart {
        cart_id: cart.id().to_string(),
        buyer_id: buyer_id(cart.owner().buyer_id()),
        currency_code: cart.currency().to_string(),
        lines: cart.lines().iter().map(line).collect(),
        subtotal: Some(money_to_wire(cart.subtotal())),
        version: stored.head.version,
        create_time: Some(timestamp_to_wire(cart.created_at())),
        update_time: Some(timestamp_to_wire(cart.updated_at())),
    }
}

/// A line.
pub fn line(line: &Line) -> wire::CartLine {
    wire::CartLine {
        sku: line.item().sku.to_string(),
        product_id: line.item().product_id.to_string(),
        seller_id: line.item().seller_id.to_string(),
        title: line.item().title.to_string(),
        quantity: line.quantity().units().into(),
        unit_price: Some(money_to_wire(line.price().unit_price)),
        price_version: line.price().version,
        line_total: Some(money_to_wire(line.total())),
    }
}

/// The buyer; nothing for a guest.
pub fn buyer_id(buyer_id: Option<BuyerId>) -> String {
    buyer_id.map(|buyer_id| buyer_id.to_string()).unwrap_or_default()
}
