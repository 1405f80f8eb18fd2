//! What sending costs: what shipping is asked, what it offers, and which offer is taken.

use std::collections::BTreeMap;

use kernel::{Money, Sku, Text, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::Refusal;
use super::ids::SellerId;
use super::market::{Cart, Market, Variant};
use super::quote::demands;

/// A kind of sending, such as "standard".
pub type ServiceName = Text<50>;

/// What one seller is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consignment {
    /// The seller.
    pub seller_id: SellerId,
    /// Weight of all of it in grams.
    pub weight_grams: i64,
    /// The sum of its prices, before tax.
    pub subtotal: Money,
}

/// One way to send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingOffer {
    /// The kind of sending.
    pub service: ServiceName,
    /// The price, before tax.
    pub price: Money,
    /// Days until it arrives, at the earliest.
    pub days_min: u16,
    /// At the latest.
    pub days_max: u16,
}

/// What a seller offers for what it is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippingQuote {
    /// The ways to send it, the cheapest first; none if the seller does not.
    pub offers: Vec<ShippingOffer>,
    /// Until when shipping honours it.
    pub expires_at: Timestamp,
}

/// How the buyer wants a seller to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippingChoice {
    /// The seller.
    pub seller_id: SellerId,
    /// One of the kinds of sending that it offers.
    pub service: ServiceName,
}

/// What each seller is to send of a cart, in the order of their ids. What is not on sale is not sent.
///
/// # Errors
/// A sum does not fit.
pub fn consignments(cart: &Cart, variants: &BTreeMap<Sku, Variant>) -> Result<Vec<Consignment>, Refusal> {
    let mut consignments: BTreeMap<SellerId, Consignment> = BTreeMap::new();
    for (sku, demand) in demands(cart)? {
        let Some((variant, price)) = variants.get(&sku).and_then(Variant::on_sale) else { continue };
        let seller_id = variant.seller_id;
        let nothing = Consignment { seller_id, weight_grams: 0, subtotal: Money::zero(cart.currency) };
        let consignment = consignments.entry(seller_id).or_insert(nothing);
        consignment.weight_grams += variant.weight_grams_of(demand.quantity);
        let price = price.amount.checked_mul(demand.quantity)?;
        consignment.subtotal = consignment.subtotal.checked_add(price)?;
    }
    Ok(consignments.into_values().collect())
}

/// Whether each choice is about a seller who sells something in the cart, if only it were on sale.
///
/// # Errors
/// The first that is not.
pub(super) fn check_choices(choices: &[ShippingChoice], market: &Market) -> Result<(), Refusal> {
    let sells = |seller_id| market.variants.values().any(|variant| variant.seller_id == seller_id);
    match choices.iter().position(|choice| !sells(choice.seller_id)) {
        Some(choice) => Err(Refusal::SellerNotInCart { choice }),
        None => Ok(()),
    }
}

impl ShippingQuote {
    /// The offer that is taken: the one that the buyer chose, or the cheapest.
    ///
    /// # Errors
    /// The seller offers nothing, or not what the buyer chose.
    pub(super) fn offer(&self, seller_id: SellerId, choices: &[ShippingChoice]) -> Result<&ShippingOffer, Refusal> {
        let cheapest = self.offers.iter().min_by_key(|offer| offer.price.minor());
        let cheapest = cheapest.ok_or(Refusal::SellerDoesNotSend(seller_id))?;
        match choices.iter().enumerate().find(|(_, choice)| choice.seller_id == seller_id) {
            None => Ok(cheapest),
            Some((index, choice)) => {
                let chosen = self.offers.iter().find(|offer| offer.service == choice.service);
                chosen.ok_or_else(|| Refusal::ServiceUnknown { choice: index, service: choice.service.clone() })
            }
        }
    }
}
