//! The fingerprint of an offer: what a buyer sends back to say "this, and nothing else".
//!
//! SHA-256 over the fields below, in this order. Each field is preceded by its length in bytes and each list by its number
//! of entries, both as 64-bit big-endian integers, so that no two different offers are the same bytes. Texts are UTF-8, ids
//! are their 16 bytes, integers are 64-bit big-endian; money is its currency code and its minor units; a rate is its shortest
//! decimal text; an optional text is a list of at most one; an instant is microseconds since 1970.
//!
//! 1. the text `tradewind.checkout.quote.2`
//! 2. quote id, cart id, buyer id
//! 3. the address: region, language, postal code, sorting code, administrative area, locality, sublocality, address lines,
//!    recipients, organization
//! 4. each seller: id, each line (SKU, product id, title, quantity, unit price, price version, subtotal, tax rate, tax,
//!    weight in grams), the kind of sending, each offer of one (kind, price, days at the earliest and at the latest), then
//!    subtotal, shipping, tax, total
//! 5. subtotal, shipping, tax, total of the whole
//! 6. when it was made, and when it expires
//!
//! Drifts are left out: they tell how the cart differs from the offer, and are no part of what is accepted.

use std::fmt;
use std::str::FromStr;

use kernel::{Id, Money};
use sha2::{Digest, Sha256};

use super::address::{Address, AddressText, Lines};
use super::quote::{Amounts, Quote, QuoteLine, SellerQuote};
use super::shipping::ShippingOffer;

/// The fingerprint; its text is 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QuoteHash([u8; 32]);

impl Quote {
    /// The fingerprint of what the buyer accepts. Computed from the offer whenever it is needed and stored nowhere, so an
    /// offer that was tampered with in the database is not the one that the buyer accepted.
    pub fn hash(&self) -> QuoteHash {
        let mut canonical = Canonical(Sha256::new());
        canonical.text("tradewind.checkout.quote.2");
        canonical.id(self.id);
        canonical.id(self.cart_id);
        canonical.id(self.buyer_id);
        canonical.address(&self.ship_to);
        canonical.list(&self.sellers, Canonical::seller);
        canonical.amounts(&self.amounts);
        canonical.integer(self.created_at.unix_micros());
        canonical.integer(self.expires_at.unix_micros());
        QuoteHash(canonical.0.finalize().into())
    }
}

/// Feeds fields to the hash in the form that the module describes.
struct Canonical(Sha256);

impl Canonical {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn integer(&mut self, integer: i64) {
        self.bytes(&integer.to_be_bytes());
    }

    fn id<T>(&mut self, id: Id<T>) {
        self.bytes(id.uuid().as_bytes());
    }

    fn money(&mut self, money: Money) {
        self.text(money.currency().code());
        self.integer(money.minor());
    }

    fn list<T>(&mut self, entries: &[T], entry: impl Fn(&mut Self, &T)) {
        self.0.update((entries.len() as u64).to_be_bytes());
        for each in entries {
            entry(self, each);
        }
    }

    fn optional(&mut self, text: Option<&AddressText>) {
        self.list(text.as_slice(), |canonical, text| canonical.text(text.as_str()));
    }

    fn lines(&mut self, lines: &Lines) {
        let lines: Vec<_> = lines.iter().collect();
        self.list(&lines, |canonical, line| canonical.text(line));
    }

    fn address(&mut self, address: &Address) {
        self.text(address.region.as_str());
        self.optional(address.language_code.as_ref());
        self.optional(address.postal_code.as_ref());
        self.optional(address.sorting_code.as_ref());
        self.optional(address.administrative_area.as_ref());
        self.optional(address.locality.as_ref());
        self.optional(address.sublocality.as_ref());
        self.lines(&address.address_lines);
        self.lines(&address.recipients);
        self.optional(address.organization.as_ref());
    }

    fn seller(&mut self, seller: &SellerQuote) {
        self.id(seller.seller_id);
        self.list(&seller.lines, Self::line);
        self.text(seller.shipping_service.as_str());
        self.list(&seller.shipping_offers, Self::offer);
        self.amounts(&seller.amounts);
    }

    fn line(&mut self, line: &QuoteLine) {
        self.text(line.sku.as_str());
        self.id(line.product_id);
        self.text(line.title.as_str());
        self.integer(line.quantity.into());
        self.money(line.unit_price);
        self.integer(line.price_version);
        self.money(line.line_subtotal);
        self.text(&line.tax_rate.to_string());
        self.money(line.tax);
        self.integer(line.weight_grams);
    }

    fn offer(&mut self, offer: &ShippingOffer) {
        self.text(offer.service.as_str());
        self.money(offer.price);
        self.integer(offer.days_min.into());
        self.integer(offer.days_max.into());
    }

    fn amounts(&mut self, amounts: &Amounts) {
        self.money(amounts.subtotal);
        self.money(amounts.shipping);
        self.money(amounts.tax);
        self.money(amounts.total);
    }
}

impl fmt::Display for QuoteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for QuoteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lower-case hexadecimal digits")]
pub struct InvalidQuoteHash;

impl FromStr for QuoteHash {
    type Err = InvalidQuoteHash;

    fn from_str(text: &str) -> Result<Self, InvalidQuoteHash> {
        let digits: Vec<u8> = text.bytes().map(hex_digit).collect::<Option<_>>().ok_or(InvalidQuoteHash)?;
        let digits = <[u8; 64]>::try_from(digits).map_err(|_| InvalidQuoteHash)?;
        let (pairs, _) = digits.as_chunks::<2>();
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = high << 4 | low;
        }
        Ok(Self(hash))
    }
}

const fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
