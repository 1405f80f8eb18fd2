//! What an offer is made of: what the buyer put into the cart, and what the market says about it now.

use std::collections::BTreeMap;

use kernel::{Currency, Money, Quantity, Sku, Text};

use super::ids::{BuyerId, CartId, ProductId, SellerId};
use super::shipping::ShippingQuote;

/// A product's title.
pub type Title = Text<200>;

/// A cart, as far as an offer needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// The buyer that owns it; none for a guest's.
    pub buyer_id: Option<BuyerId>,
    /// The currency to make an offer in.
    pub currency: Currency,
    /// What is in it.
    pub lines: Vec<CartLine>,
}

/// One line of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// The variant.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// Price of one unit that the buyer saw.
    pub seen_price: Money,
}

/// What can be had now. A SKU that is missing was never offered or never stocked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// What is known of each variant.
    pub variants: BTreeMap<Sku, Variant>,
    /// Units that one order can be promised of each SKU.
    pub available: BTreeMap<Sku, i64>,
    /// Units of each SKU for which an order may wait, where it asks for more than it can be promised.
    pub backorder_available: BTreeMap<Sku, i64>,
    /// What each seller charges for sending what is on sale.
    pub shipping: BTreeMap<SellerId, ShippingQuote>,
}

/// A variant, as far as an offer in one currency needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its product.
    pub product_id: ProductId,
    /// Who sells it.
    pub seller_id: SellerId,
    /// The product's title.
    pub title: Title,
    /// Whether the product is on sale.
    pub is_on_sale: bool,
    /// The price in the offer's currency; none if it is not sold in it.
    pub price: Option<Price>,
    /// Weight of one unit in grams.
    pub weight_grams: u32,
}

/// A price and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Price of one unit, before tax.
    pub amount: Money,
    /// One more with each change.
    pub version: i64,
}

impl Variant {
    /// The price that it can be bought at now, with itself; none if it is not on sale in the offer's currency.
    pub fn on_sale(&self) -> Option<(&Self, Price)> {
        let price = self.price.filter(|_| self.is_on_sale)?;
        Some((self, price))
    }

    /// Weight of so many units in grams.
    pub fn weight_grams_of(&self, quantity: Quantity) -> i64 {
        i64::from(self.weight_grams) * i64::from(quantity)
    }
}

impl Market {
    /// The price that a SKU can be bought at now, with its variant; none if it is not on sale in the offer's currency.
    pub fn on_sale(&self, sku: &Sku) -> Option<(&Variant, Price)> {
        self.variants.get(sku).and_then(Variant::on_sale)
    }

    /// Units that can be promised.
    pub fn available(&self, sku: &Sku) -> i64 {
        self.available.get(sku).copied().unwrap_or(0)
    }

    /// Units for which an order may wait.
    pub fn backorder_available(&self, sku: &Sku) -> i64 {
        self.backorder_available.get(sku).copied().unwrap_or(0)
    }
}
