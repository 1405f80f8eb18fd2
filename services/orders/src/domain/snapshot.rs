//! What a buyer and a seller agreed on, frozen, and the hash that proves it.
//!
//! The hash is SHA-256 over a canonical encoding that is defined by [`Terms::hash`] and never changes: orders live longer
//! than code. New terms need a new encoding with a tag of its own beside this one.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use kernel::{Money, MoneyError, Quantity, Rate, Sku, Text};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::{BuyerId, CheckoutId, OrderId, ProductId, SellerId};

/// Begins the encoding, so that nothing else that is hashed somewhere can be taken for an order's terms.
const ENCODING_TAG: &[u8] = b"tradewind.orders.snapshot.1";

/// How an order is sent, such as "express": one of the services that the seller offered.
pub type ShippingService = Text<50>;

/// The provider's token for a card.
pub type CardToken = Text<200>;

/// Which version of what was agreed: 1, and one more with every modification.
pub type TermsVersion = i32;

/// What was agreed, as plain data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields say what order.proto says of them")]
pub struct Terms {
    pub order_id: OrderId,
    pub checkout_id: CheckoutId,
    pub buyer_id: BuyerId,
    pub seller_id: SellerId,
    pub lines: Vec<Line>,
    pub ship_to: Address,
    pub subtotal: Money,
    pub shipping: Money,
    pub tax: Money,
    pub total: Money,
    pub payment_method: PaymentMethod,
    pub shipping_service: ShippingService,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields say what order.proto says of them")]
pub struct Line {
    pub sku: Sku,
    pub product_id: ProductId,
    pub title: String,
    pub quantity: Quantity,
    pub unit_price: Money,
    pub price_version: i64,
    pub line_subtotal: Money,
    pub tax_rate: Rate,
    pub tax: Money,
}

/// What all units of one SKU in an order cost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SkuTotal {
    /// The variant.
    pub sku: Sku,
    /// Units.
    pub quantity: i64,
    /// What the buyer pays for them, with tax and without shipping.
    pub amount: Money,
}

/// Where the parcels go: the fields of `google.type.PostalAddress`, as the buyer gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields say what postal_address.proto says of them")]
pub struct Address {
    pub region_code: String,
    pub language_code: String,
    pub postal_code: String,
    pub sorting_code: String,
    pub administrative_area: String,
    pub locality: String,
    pub sublocality: String,
    pub address_lines: Vec<String>,
    pub recipients: Vec<String>,
    pub organization: String,
}

/// How the buyer pays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PaymentMethod {
    /// By card, as the provider's token for it.
    Card(CardToken),
    /// In cash, handed to the carrier.
    CashOnDelivery,
    /// By what goes back of another order.
    Exchange(Exchange),
}

/// What goes back of an order whose goods came back, and pays for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exchange {
    /// The order whose goods came back.
    pub order_id: OrderId,
    /// Which of its refunds it is.
    pub refund_number: i32,
    /// The order whose card was charged; none if it was paid in cash.
    pub charged_order_id: Option<OrderId>,
}

impl PaymentMethod {
    /// Whether it is cash on delivery.
    pub const fn is_cash_on_delivery(&self) -> bool {
        matches!(self, Self::CashOnDelivery)
    }

    /// What pays for it, if that is what goes back of another order.
    pub const fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::Card(_) | Self::CashOnDelivery => None,
        }
    }
}

/// Why terms are not an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTerms {
    /// There is nothing to buy.
    #[error("there are no lines")]
    NoLines,
    /// An amount is below zero.
    #[error("an amount is below zero")]
    NegativeAmount,
    /// A line's subtotal is not its unit price times its quantity.
    #[error("line {0} is not its unit price times its quantity")]
    LineSubtotal(usize),
    /// The subtotal is not the sum of the lines.
    #[error("the subtotal is not the sum of the lines")]
    Subtotal,
    /// The tax is not the sum of the lines' tax.
    #[error("the tax is not the sum of the lines' tax")]
    Tax,
    /// The total is not subtotal, shipping and tax.
    #[error("the total is not subtotal, shipping and tax")]
    Total,
    /// Two currencies, or an overflow.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Terms {
    /// SHA-256 over the tag and every field in the order of its declaration, each preceded by its length in bytes (64 bits,
    /// big-endian), each list by the number of its elements. Numbers are 64 bits, big-endian; amounts are minor units, then
    /// the currency's code; rates are decimal text without trailing zeros. So no two different terms encode alike.
    pub fn hash(&self) -> SnapshotHash {
        let mut encoder = Encoder(Sha256::new());
        encoder.bytes(ENCODING_TAG);
        for id in [self.order_id.uuid(), self.checkout_id.uuid(), self.buyer_id.uuid(), self.seller_id.uuid()] {
            encoder.bytes(id.as_bytes());
        }
        encoder.count(self.lines.len());
        for line in &self.lines {
            line.encode(&mut encoder);
        }
        self.ship_to.encode(&mut encoder);
        for amount in [self.subtotal, self.shipping, self.tax, self.total] {
            encoder.money(amount);
        }
        match &self.payment_method {
            PaymentMethod::Card(token) => {
                encoder.text("card");
                encoder.text(token.as_str());
            }
            PaymentMethod::CashOnDelivery => encoder.text("cash_on_delivery"),
            PaymentMethod::Exchange(exchange) => {
                encoder.text("exchange");
                encoder.bytes(exchange.order_id.uuid().as_bytes());
                encoder.number(exchange.refund_number.into());
                encoder.bytes(exchange.charged_order_id.map(|id| id.uuid().into_bytes()).as_ref().map_or(&[], |id| id));
            }
        }
        encoder.text(self.shipping_service.as_str());
        SnapshotHash(encoder.0.finalize().into())
    }

    /// What each SKU costs in all, in the order of the SKUs: several lines may name one.
    pub fn sku_totals(&self) -> Vec<SkuTotal> {
        let mut totals: BTreeMap<&Sku, (i64, i64)> = BTreeMap::new();
        for line in &self.lines {
            let (quantity, minor) = totals.entry(&line.sku).or_default();
            *quantity += i64::from(line.quantity);
            *minor += line.line_subtotal.minor() + line.tax.minor();
        }
        let currency = self.total.currency();
        let total = |(sku, (quantity, minor)): (&Sku, (i64, i64))| SkuTotal {
            sku: sku.clone(),
            quantity,
            amount: Money::from_minor(minor, currency),
        };
        totals.into_iter().map(total).collect()
    }

    fn check(&self) -> Result<(), InvalidTerms> {
        if self.lines.is_empty() {
            return Err(InvalidTerms::NoLines);
        }
        let amounts = self.lines.iter().flat_map(|line| [line.unit_price, line.line_subtotal, line.tax]);
        if amounts.chain([self.subtotal, self.shipping, self.tax, self.total]).any(Money::is_negative) {
            return Err(InvalidTerms::NegativeAmount);
        }
        for (index, line) in self.lines.iter().enumerate() {
            if line.unit_price.checked_mul(line.quantity)? != line.line_subtotal {
                return Err(InvalidTerms::LineSubtotal(index));
            }
        }
        let currency = self.total.currency();
        if Money::sum(self.lines.iter().map(|line| line.line_subtotal), currency)? != self.subtotal {
            return Err(InvalidTerms::Subtotal);
        }
        if Money::sum(self.lines.iter().map(|line| line.tax), currency)? != self.tax {
            return Err(InvalidTerms::Tax);
        }
        if Money::sum([self.subtotal, self.shipping, self.tax], currency)? != self.total {
            return Err(InvalidTerms::Total);
        }
        Ok(())
    }
}

impl Line {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.text(self.sku.as_str());
        encoder.bytes(self.product_id.uuid().as_bytes());
        encoder.text(&self.title);
        encoder.number(self.quantity.into());
        encoder.money(self.unit_price);
        encoder.number(self.price_version);
        encoder.money(self.line_subtotal);
        encoder.text(&self.tax_rate.to_string());
        encoder.money(self.tax);
    }
}

impl Address {
    fn encode(&self, encoder: &mut Encoder) {
        for text in [
            &self.region_code,
            &self.language_code,
            &self.postal_code,
            &self.sorting_code,
            &self.administrative_area,
            &self.locality,
            &self.sublocality,
        ] {
            encoder.text(text);
        }
        for texts in [&self.address_lines, &self.recipients] {
            encoder.count(texts.len());
            for text in texts {
                encoder.text(text);
            }
        }
        encoder.text(&self.organization);
    }
}

struct Encoder(Sha256);

impl Encoder {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.bytes(&number.to_be_bytes());
    }

    fn count(&mut self, elements: usize) {
        self.number(elements as i64);
    }

    fn money(&mut self, money: Money) {
        self.number(money.minor());
        self.text(money.currency().code());
    }
}

/// Terms that add up, with their hash. They never change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    terms: Terms,
    hash: SnapshotHash,
}

impl Snapshot {
    /// Freezes what was agreed.
    ///
    /// # Errors
    /// The terms do not add up: whoever submitted them is at fault.
    pub fn freeze(terms: Terms) -> Result<Self, InvalidTerms> {
        terms.check()?;
        let hash = terms.hash();
        Ok(Self { terms, hash })
    }

    /// What was frozen before, with the hash of that time. That both still belong together is `verify-history`'s to say.
    pub const fn restore(terms: Terms, hash: SnapshotHash) -> Self {
        Self { terms, hash }
    }

    /// What was agreed.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The hash of what was agreed, taken when it was frozen.
    pub const fn hash(&self) -> SnapshotHash {
        self.hash
    }
}

/// The hash of an order's terms.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotHash([u8; 32]);

impl SnapshotHash {
    /// Takes over a hash that was computed before.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bare bytes, for columns.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for SnapshotHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SnapshotHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('#')?;
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
