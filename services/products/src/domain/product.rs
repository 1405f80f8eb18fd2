//! The product: its states and what moves it between them.
//!
//! ```text
//! (created) -> Draft -> Published <-> Unpublished
//! ```

use std::fmt;

use kernel::{Decision, Sku, Text, Timestamp};

use super::{Description, Event, Price, ProductId, ProductOption, Refusal, SellerId, UnitPrice, Variant};

/// The title of a product.
pub type Title = Text<200>;

/// A product with all its variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// The seller that offers it.
    pub seller_id: SellerId,
    /// Its title.
    pub title: Title,
    /// Its description.
    pub description: Description,
    /// Whether shoppers can buy it.
    pub status: Status,
    /// The options that its variants differ in.
    pub options: Vec<ProductOption>,
    /// What can be bought.
    pub variants: Vec<Variant>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether shoppers can buy a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Being written.
    Draft,
    /// On sale.
    Published,
    /// Taken off sale; may be published again.
    Unpublished,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Unpublished];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Unpublished => "unpublished",
        }
    }

    /// The status of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Product {
    /// Puts it on sale. One that is on sale stays as it is.
    pub fn publish(&mut self, now: Timestamp) -> Decision<Event, Refusal> {
        match self.status {
            Status::Draft | Status::Unpublished => {
                self.status = Status::Published;
                self.updated_at = now;
                Decision::applied(Event::Published { product_id: self.id, seller_id: self.seller_id })
            }
            Status::Published => Decision::AlreadyApplied,
        }
    }

    /// Takes it off sale. A draft, or one that is off sale already, is refused.
    pub fn unpublish(&mut self, now: Timestamp) -> Decision<Event, Refusal> {
        match self.status {
            Status::Published => {
                self.status = Status::Unpublished;
                self.updated_at = now;
                Decision::applied(Event::Unpublished { product_id: self.id, seller_id: self.seller_id })
            }
            Status::Draft | Status::Unpublished => Decision::Refused(Refusal::ProductNotPublished),
        }
    }

    /// Sets the price of a variant in the currency of `amount`, in any status. `expected_version` is the version that the
    /// caller saw, 0 for none; another one in force refuses the change. The amount in force already stays as it is, so
    /// that carts and quotes do not turn stale for nothing.
    pub fn change_price(
        &mut self,
        sku: &Sku,
        amount: UnitPrice,
        expected_version: i64,
        now: Timestamp,
    ) -> Decision<Event, Refusal> {
        let Some(variant) = self.variants.iter_mut().find(|variant| variant.sku == *sku) else {
            return Decision::Refused(Refusal::VariantNotFound(sku.clone()));
        };
        let previous = variant.prices.get(&amount.currency()).copied();
        let in_force = previous.map_or(0, |price| price.version);
        if in_force != expected_version {
            return Decision::Refused(Refusal::PriceVersionStale { expected: expected_version, in_force });
        }
        let price = match previous {
            Some(previous) if previous.amount == amount => return Decision::AlreadyApplied,
            Some(previous) => previous.followed_by(amount, now),
            None => Price::first(amount, now),
        };
        variant.prices.insert(amount.currency(), price);
        self.updated_at = now;
        Decision::applied(Event::PriceChanged {
            product_id: self.id,
            sku: sku.clone(),
            previous: previous.map(|price| price.amount),
            price,
        })
    }

    /// The variant of that SKU.
    pub fn variant(&self, sku: &Sku) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.sku == *sku)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kernel::{Currency, Money};
    use proptest::prelude::*;

    use super::super::new_product::tests::mug;
    use super::super::{Authority, SellerId};
    use super::*;

    const CREATED: Timestamp = Timestamp::from_unix_micros(1_700_000_000_000_000);

    fn product(status: Status) -> Product {
        Product { status, ..mug().create(ProductId::generate(), CREATED).unwrap() }
    }

    fn later() -> Timestamp {
        CREATED + Duration::from_mins(5)
    }

    fn euro(minor: i64) -> UnitPrice {
        UnitPrice::new(Money::from_minor(minor, Currency::EUR)).unwrap()
    }

    fn sku() -> Sku {
        "MUG-RED-S".parse().unwrap()
    }

    #[test]
    fn publish_answers_every_status() {
        for (status, is_applied) in [(Status::Draft, true), (Status::Published, false), (Status::Unpublished, true)] {
            let mut product = product(status);
            let decision = product.publish(later());
            let event = Event::Published { product_id: product.id, seller_id: product.seller_id };
            let expected = if is_applied { Decision::applied(event) } else { Decision::AlreadyApplied };
            assert_eq!(decision, expected, "{status}");
            assert_eq!(product.status, Status::Published, "{status}");
            assert_eq!(product.updated_at, if is_applied { later() } else { CREATED }, "{status}");
            assert_eq!(product.publish(later()), Decision::AlreadyApplied, "{status}");
        }
    }

    #[test]
    fn unpublish_answers_every_status() {
        for (status, is_applied) in [(Status::Draft, false), (Status::Published, true), (Status::Unpublished, false)] {
            let mut product = product(status);
            let before = product.clone();
            let decision = product.unpublish(later());
            if is_applied {
                let event = Event::Unpublished { product_id: product.id, seller_id: product.seller_id };
                assert_eq!(decision, Decision::applied(event));
                assert_eq!(product.status, Status::Unpublished);
            } else {
                assert_eq!(decision, Decision::Refused(Refusal::ProductNotPublished), "{status}");
                assert_eq!(product, before, "{status}");
            }
        }
    }

    #[test]
    fn a_price_changes_in_every_status_and_gets_the_next_version() {
        for status in Status::ALL {
            let mut product = product(status);
            let price = Price { amount: euro(990), version: 2, effective_at: later() };
            let event = Event::PriceChanged { product_id: product.id, sku: sku(), previous: Some(euro(1_250)), price };
            assert_eq!(product.change_price(&sku(), euro(990), 1, later()), Decision::applied(event), "{status}");
            assert_eq!(product.variant(&sku()).unwrap().prices[&Currency::EUR], price);
            assert_eq!(product.updated_at, later());
        }
    }

    #[test]
    fn a_currency_without_a_price_gets_its_first() {
        let mut product = product(Status::Draft);
        let yen = UnitPrice::new(Money::from_minor(2_000, Currency::JPY)).unwrap();
        let Decision::Applied(events) = product.change_price(&sku(), yen, 0, later()) else {
            panic!("was not applied")
        };
        assert!(matches!(&events[..], [Event::PriceChanged { previous: None, price, .. }] if price.version == 1));
        assert_eq!(product.variant(&sku()).unwrap().prices.len(), 2);
    }

    #[test]
    fn a_price_that_changed_since_it_was_seen_is_not_changed_again() {
        let mut product = product(Status::Draft);
        let before = product.clone();
        for expected in [0, 2] {
            let decision = product.change_price(&sku(), euro(990), expected, later());
            assert_eq!(decision, Decision::Refused(Refusal::PriceVersionStale { expected, in_force: 1 }));
        }
        assert_eq!(product, before);
    }

    #[test]
    fn the_amount_in_force_already_makes_no_new_version() {
        let mut product = product(Status::Published);
        let before = product.clone();
        assert_eq!(product.change_price(&sku(), euro(1_250), 1, later()), Decision::AlreadyApplied);
        assert_eq!(product, before);
    }

    #[test]
    fn only_those_who_act_for_its_seller_see_a_product_that_is_not_on_sale() {
        for status in Status::ALL {
            let product = product(status);
            let is_public = status == Status::Published;
            for (authority, sees) in [
                (Authority::None, is_public),
                (Authority::Seller(SellerId::generate()), is_public),
                (Authority::Seller(product.seller_id), true),
                (Authority::Operator, true),
            ] {
                assert_eq!(authority.sees(&product), sees, "{status} {authority:?}");
            }
        }
    }

    #[test]
    fn names_of_statuses_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_name("deleted"), None);
    }

    proptest! {
        #[test]
        fn versions_of_a_price_count_its_changes(amounts in prop::collection::vec(1_i64..5, 1..20)) {
            let mut product = product(Status::Published);
            let mut expected = Price::first(euro(1_250), CREATED);
            for minor in amounts {
                let is_change = expected.amount != euro(minor);
                let decision = product.change_price(&sku(), euro(minor), expected.version, later());
                prop_assert_eq!(decision != Decision::AlreadyApplied, is_change);
                if is_change {
                    expected = expected.followed_by(euro(minor), later());
                }
                prop_assert_eq!(product.variant(&sku()).unwrap().prices[&Currency::EUR], expected);
            }
        }
    }
}
