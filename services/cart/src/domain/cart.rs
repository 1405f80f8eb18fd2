//! The cart and what may become of it. It has no states: as long as it is there it can be filled and emptied.

use kernel::{Currency, Decision, Money, MoneyError, Sku, Timestamp};

use super::{CartId, Event, Line, LineQuantity, Offer, Owner, Refusal, SeenPrice};

/// The most lines of a cart.
pub const LINES_MAX: usize = 100;

/// What the buyer intends. All its prices are in one currency, and their sum is an amount that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    id: CartId,
    owner: Owner,
    currency: Currency,
    lines: Vec<Line>,
    subtotal: Money,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Units that a buyer wants to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition {
    /// How many.
    pub quantity: LineQuantity,
    /// Version of the price that the buyer saw; `None` takes the price in force as seen.
    pub seen_version: Option<i64>,
    /// Currency of the price that the buyer saw; `None` means the cart's.
    pub seen_currency: Option<Currency>,
}

impl Cart {
    /// Opens an empty cart.
    pub fn open(id: CartId, owner: Owner, currency: Currency, now: Timestamp) -> (Self, Event) {
        let (lines, subtotal) = (Vec::new(), Money::zero(currency));
        let cart = Self { id, owner, currency, lines, subtotal, created_at: now, updated_at: now };
        (cart, Event::Created { cart_id: id, buyer_id: owner.buyer_id(), currency })
    }

    /// A cart as it was stored.
    ///
    /// # Errors
    /// A line is in another currency, or their sum overflows: no cart was ever like that.
    pub fn restore(
        id: CartId,
        owner: Owner,
        currency: Currency,
        lines: Vec<Line>,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Result<Self, MoneyError> {
        let subtotal = subtotal(&lines, currency)?;
        Ok(Self { id, owner, currency, lines, subtotal, created_at, updated_at })
    }

    /// Adds units of what is offered. A SKU that is in the cart gets more units, all at the price that the buyer sees now.
    pub fn add(&mut self, offer: &Offer, addition: Addition, now: Timestamp) -> Decision<Event, Refusal> {
        match self.checked_add(offer, addition) {
            Ok((line, lines, subtotal)) => {
                self.change(lines, subtotal, now);
                Decision::applied(Event::LineAdded { cart_id: self.id, line })
            }
            Err(refusal) => Decision::Refused(refusal),
        }
    }

    fn checked_add(&self, offer: &Offer, addition: Addition) -> Result<(Line, Vec<Line>, Money), Refusal> {
        let price = self.price_to_pay(offer, addition)?;
        let mut lines = self.lines.clone();
        let line = match self.position(&offer.item.sku) {
            Some(position) => {
                let line = &self.lines[position];
                let quantity = line.quantity().checked_add(addition.quantity).ok_or(Refusal::QuantityLimit)?;
                let line = Line::new(line.item().clone(), quantity, price).map_err(overflow)?;
                lines[position] = line.clone();
                line
            }
            None if self.lines.len() >= LINES_MAX => return Err(Refusal::CartFull),
            None => {
                let line = Line::new(offer.item.clone(), addition.quantity, price).map_err(overflow)?;
                lines.push(line.clone());
                line
            }
        };
        let subtotal = subtotal(&lines, self.currency).map_err(overflow)?;
        Ok((line, lines, subtotal))
    }

    /// The price in force, if the buyer may and does agree to it.
    fn price_to_pay(&self, offer: &Offer, addition: Addition) -> Result<SeenPrice, Refusal> {
        let sku = &offer.item.sku;
        if let Some(asked) = addition.seen_currency.filter(|asked| *asked != self.currency) {
            return Err(Refusal::CurrencyMismatch { cart: self.currency, asked });
        }
        if !offer.is_on_sale {
            return Err(Refusal::SkuNotOnSale(sku.clone()));
        }
        let currency = self.currency;
        let unpriced = || Refusal::SkuNotPricedInCurrency { sku: sku.clone(), currency };
        let price = *offer.prices.get(&currency).ok_or_else(unpriced)?;
        match addition.seen_version {
            Some(seen) if seen != price.version => Err(Refusal::PriceVersionStale { seen, in_force: price.version }),
            Some(_) | None => Ok(price),
        }
    }

    /// Sets how many units of a SKU the cart holds, at the price that the buyer saw when they were added.
    pub fn set_quantity(&mut self, sku: &Sku, quantity: LineQuantity, now: Timestamp) -> Decision<Event, Refusal> {
        let Some(position) = self.position(sku) else {
            return Decision::Refused(Refusal::LineNotFound(sku.clone()));
        };
        let line = &self.lines[position];
        if line.quantity() == quantity {
            return Decision::AlreadyApplied;
        }
        let Ok(line) = Line::new(line.item().clone(), quantity, line.price()) else {
            return Decision::Refused(Refusal::SubtotalOverflow);
        };
        let mut lines = self.lines.clone();
        lines[position] = line.clone();
        let Ok(subtotal) = subtotal(&lines, self.currency) else {
            return Decision::Refused(Refusal::SubtotalOverflow);
        };
        self.change(lines, subtotal, now);
        Decision::applied(Event::LineQuantitySet { cart_id: self.id, line })
    }

    /// Takes a SKU out. One that is not in the cart is out already.
    pub fn remove(&mut self, sku: &Sku, now: Timestamp) -> Decision<Event, Refusal> {
        let Some(position) = self.position(sku) else { return Decision::AlreadyApplied };
        let mut lines = self.lines.clone();
        lines.remove(position);
        let subtotal = subtotal(&lines, self.currency).expect("a part of a sum that fits fits");
        self.change(lines, subtotal, now);
        Decision::applied(Event::LineRemoved { cart_id: self.id, sku: sku.clone() })
    }

    /// Takes every line out.
    pub fn clear(&mut self, now: Timestamp) -> Decision<Event, Refusal> {
        if self.lines.is_empty() {
            return Decision::AlreadyApplied;
        }
        self.change(Vec::new(), Money::zero(self.currency), now);
        Decision::applied(Event::Cleared { cart_id: self.id })
    }

    fn position(&self, sku: &Sku) -> Option<usize> {
        self.lines.iter().position(|line| line.item().sku == *sku)
    }

    fn change(&mut self, lines: Vec<Line>, subtotal: Money, now: Timestamp) {
        self.lines = lines;
        self.subtotal = subtotal;
        self.updated_at = now;
    }

    /// Its id.
    pub const fn id(&self) -> CartId {
        self.id
    }

    /// Whose it is.
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The currency of every price in it.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Its lines, in the order they were added.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The sum of its lines.
    pub const fn subtotal(&self) -> Money {
        self.subtotal
    }

    /// When it was opened.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it last changed.
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

fn subtotal(lines: &[Line], currency: Currency) -> Result<Money, MoneyError> {
    Money::sum(lines.iter().map(Line::total), currency)
}

fn overflow(_: MoneyError) -> Refusal {
    Refusal::SubtotalOverflow
}

#[cfg(test)]
mod tests;
