//! The offer: built from what the buyer wants and what the market says, in one pure step, and never changed after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Currency, InvalidQuantity, Money, MoneyError, Quantity, Rate, Rounding, Sku, Timestamp};
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::error::Refusal;
use super::ids::{BuyerId, CartId, ProductId, QuoteId, SellerId};
use super::market::{Cart, Market, Price, Title, Variant};
use super::quote_hash::QuoteHash;
use super::shipping::{ServiceName, ShippingChoice, ShippingOffer, check_choices};
use super::tax::TaxRates;

/// An offer with everything that its total is made of. Its serialised form is what the database keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its id.
    pub id: QuoteId,
    /// The cart that it was made from.
    pub cart_id: CartId,
    /// The buyer that it was made for.
    pub buyer_id: BuyerId,
    /// Where the parcels go.
    pub ship_to: Address,
    /// The offer of each seller, in the order of their ids.
    pub sellers: Vec<SellerQuote>,
    /// What it comes to: the sums over the sellers.
    pub amounts: Amounts,
    /// Where it differs from what the cart shows, in the order of the SKUs.
    pub drifts: Vec<Drift>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not bind any more.
    pub expires_at: Timestamp,
}

/// What one seller offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerQuote {
    /// The seller.
    pub seller_id: SellerId,
    /// The lines, in the order of their SKUs; each SKU once, at least one.
    pub lines: Vec<QuoteLine>,
    /// How it sends them.
    pub shipping_service: ServiceName,
    /// How it would, the cheapest first; the service is one of them.
    pub shipping_offers: Vec<ShippingOffer>,
    /// What they come to.
    pub amounts: Amounts,
}

/// One line of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// The variant.
    pub sku: Sku,
    /// Its product.
    pub product_id: ProductId,
    /// The product's title, as it will stand on the order.
    pub title: Title,
    /// How many.
    pub quantity: Quantity,
    /// Price of one unit, before tax.
    pub unit_price: Money,
    /// Version of that price.
    pub price_version: i64,
    /// Unit price times quantity.
    pub line_subtotal: Money,
    /// Tax rate.
    pub tax_rate: Rate,
    /// Tax on the line.
    pub tax: Money,
    /// Weight of the line in grams.
    pub weight_grams: i64,
}

/// What an offer comes to. Made only by sums, so that no total can differ from its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// The lines, before tax.
    pub subtotal: Money,
    /// Shipping, before tax.
    pub shipping: Money,
    /// Tax on the lines.
    pub tax: Money,
    /// All of it.
    pub total: Money,
}

/// How a SKU differs from what the cart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftKind {
    /// Another price than the buyer saw. Submitting the quote accepts it.
    PriceChanged,
    /// Fewer are available than asked for, and an order for them may wait until more are. Submitting the quote accepts that.
    Backordered,
    /// Fewer are available than asked for.
    InsufficientStock,
    /// It is not on sale any more, or has no price in the cart's currency. It has no line in the offer.
    NotOnSale,
}

impl DriftKind {
    /// Whether a quote cannot be submitted because of it.
    pub const fn blocks(self) -> bool {
        match self {
            Self::PriceChanged | Self::Backordered => false,
            Self::InsufficientStock | Self::NotOnSale => true,
        }
    }
}

/// One difference between the cart and the offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The variant.
    pub sku: Sku,
    /// The difference.
    pub kind: DriftKind,
    /// Price of one unit that the buyer saw in the cart.
    pub seen_price: Money,
    /// Price of one unit now, if it has one.
    pub current_price: Option<Money>,
    /// How many the cart holds.
    pub requested: Quantity,
    /// How many can be had now.
    pub available: i64,
}

/// What to make an offer for.
#[derive(Clone, Debug)]
pub struct QuoteRequest {
    /// The id that the quote will have.
    pub id: QuoteId,
    /// For whom.
    pub buyer_id: BuyerId,
    /// Where the parcels go.
    pub ship_to: Address,
    /// What is wanted.
    pub cart: Cart,
    /// How sellers are to send, each seller at most once; whoever is not named takes the cheapest.
    pub shipping_choices: Vec<ShippingChoice>,
}

/// What offers are made on.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Tax on each line.
    pub tax_rates: Arc<dyn TaxRates>,
    /// How long an offer binds, if shipping honours its own as long.
    pub validity: Duration,
}

impl Quote {
    /// Makes an offer. The same arguments make the same offer, down to the order of its lines.
    ///
    /// # Errors
    /// The cart is empty, nothing is shipped to that region or a seller does not send what the cart holds there, the buyer chose what
    /// there is not, or a sum does not fit.
    pub fn make(request: QuoteRequest, market: &Market, terms: &Terms, now: Timestamp) -> Result<Self, Refusal> {
        let QuoteRequest { id, buyer_id, ship_to, cart, shipping_choices } = request;
        let demands = demands(&cart)?;
        if demands.is_empty() {
            return Err(Refusal::CartEmpty);
        }
        let tax_rate = terms.tax_rates.rate(ship_to.region).ok_or(Refusal::RegionNotServed(ship_to.region))?;
        check_choices(&shipping_choices, market)?;

        let mut drifts = Vec::new();
        let mut lines: BTreeMap<SellerId, Vec<QuoteLine>> = BTreeMap::new();
        for (sku, demand) in demands {
            drifts.extend(demand.drifts(&sku, market));
            if let Some((variant, price)) = market.on_sale(&sku) {
                let line = QuoteLine::new(sku, demand.quantity, variant, price, tax_rate)?;
                lines.entry(variant.seller_id).or_default().push(line);
            }
        }
        let mut expires_at = now + terms.validity;
        let mut sellers = Vec::with_capacity(lines.len());
        for (seller_id, lines) in lines {
            let shipping = market.shipping.get(&seller_id).ok_or(Refusal::SellerDoesNotSend(seller_id))?;
            let taken = shipping.offer(seller_id, &shipping_choices)?;
            sellers.push(SellerQuote::new(seller_id, lines, taken, &shipping.offers)?);
            expires_at = expires_at.min(shipping.expires_at);
        }
        let amounts = Amounts::sum(&sellers, cart.currency)?;
        Ok(Self { id, cart_id: cart.id, buyer_id, ship_to, sellers, amounts, drifts, created_at: now, expires_at })
    }

    /// Whether it can be submitted: nothing in the cart is missing from it.
    pub fn is_submittable(&self) -> bool {
        !self.drifts.iter().any(|drift| drift.kind.blocks())
    }

    /// Whether a buyer who was shown the offer of that hash may accept this one now.
    ///
    /// # Errors
    /// It is not what the buyer was shown, does not bind any more, or cannot be had.
    pub fn check_acceptance(&self, accepted: QuoteHash, now: Timestamp) -> Result<(), Refusal> {
        if accepted != self.hash() {
            return Err(Refusal::QuoteAltered);
        }
        if now >= self.expires_at {
            return Err(Refusal::QuoteExpired(self.expires_at));
        }
        if self.is_submittable() { Ok(()) } else { Err(Refusal::QuoteNotSubmittable) }
    }
}

impl SellerQuote {
    fn new(
        seller_id: SellerId,
        lines: Vec<QuoteLine>,
        taken: &ShippingOffer,
        offers: &[ShippingOffer],
    ) -> Result<Self, MoneyError> {
        let currency = taken.price.currency();
        let subtotal = Money::sum(lines.iter().map(|line| line.line_subtotal), currency)?;
        let tax = Money::sum(lines.iter().map(|line| line.tax), currency)?;
        let amounts = Amounts::new(subtotal, taken.price, tax)?;
        let (shipping_service, shipping_offers) = (taken.service.clone(), offers.to_vec());
        Ok(Self { seller_id, lines, shipping_service, shipping_offers, amounts })
    }
}

impl QuoteLine {
    fn new(sku: Sku, quantity: Quantity, variant: &Variant, price: Price, tax_rate: Rate) -> Result<Self, MoneyError> {
        let line_subtotal = price.amount.checked_mul(quantity)?;
        Ok(Self {
            sku,
            product_id: variant.product_id,
            title: variant.title.clone(),
            quantity,
            unit_price: price.amount,
            price_version: price.version,
            line_subtotal,
            tax_rate,
            tax: line_subtotal.apply_rate(tax_rate, Rounding::HalfEven)?,
            weight_grams: variant.weight_grams_of(quantity),
        })
    }
}

impl Amounts {
    fn new(subtotal: Money, shipping: Money, tax: Money) -> Result<Self, MoneyError> {
        let total = Money::sum([subtotal, shipping, tax], subtotal.currency())?;
        Ok(Self { subtotal, shipping, tax, total })
    }

    fn sum(sellers: &[SellerQuote], currency: Currency) -> Result<Self, MoneyError> {
        let sum = |part: fn(&Self) -> Money| Money::sum(sellers.iter().map(|seller| part(&seller.amounts)), currency);
        Self::new(sum(|amounts| amounts.subtotal)?, sum(|amounts| amounts.shipping)?, sum(|amounts| amounts.tax)?)
    }
}

/// What the cart asks for of one SKU, over all its lines: two lines that share a SKU draw on the same stock.
pub(super) struct Demand {
    pub(super) quantity: Quantity,
    /// Of each line; never empty.
    seen_prices: Vec<Money>,
}

pub(super) fn demands(cart: &Cart) -> Result<BTreeMap<Sku, Demand>, InvalidQuantity> {
    let mut demands: BTreeMap<Sku, Demand> = BTreeMap::new();
    for line in &cart.lines {
        if let Some(demand) = demands.get_mut(&line.sku) {
            demand.quantity = demand.quantity.checked_add(line.quantity)?;
            demand.seen_prices.push(line.seen_price);
        } else {
            let demand = Demand { quantity: line.quantity, seen_prices: vec![line.seen_price] };
            demands.insert(line.sku.clone(), demand);
        }
    }
    Ok(demands)
}

impl Demand {
    /// Prices are compared by amount, not by version: a price that went up and came back is the one that the buyer saw.
    fn drifts(&self, sku: &Sku, market: &Market) -> Vec<Drift> {
        let available = market.available(sku);
        let current_price = market.variants.get(sku).and_then(|variant| variant.price).map(|price| price.amount);
        let drift = |kind, seen_price| Drift {
            sku: sku.clone(),
            kind,
            seen_price,
            current_price,
            requested: self.quantity,
            available,
        };
        let seen_first = self.seen_prices[0];
        let Some((_, price)) = market.on_sale(sku) else { return vec![drift(DriftKind::NotOnSale, seen_first)] };
        let changed = self.seen_prices.iter().find(|&&seen| seen != price.amount);
        let mut drifts: Vec<_> = changed.map(|&seen| drift(DriftKind::PriceChanged, seen)).into_iter().collect();
        if available < i64::from(self.quantity) {
            let may_wait = market.backorder_available(sku) >= i64::from(self.quantity);
            let kind = if may_wait { DriftKind::Backordered } else { DriftKind::InsufficientStock };
            drifts.push(drift(kind, seen_first));
        }
        drifts
    }
}

#[cfg(test)]
pub(crate) mod tests;
