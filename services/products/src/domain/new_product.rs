//! What a new product is made of, and the rules that its parts must keep between them.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, FieldViolation, Sku, Timestamp};

use super::{
    Description, OptionName, OptionValue, Price, Product, ProductId, ProductOption, Refusal, SellerId, Status, Title,
    UnitPrice, Variant, Weight,
};

/// The most options of a product.
pub const OPTIONS_MAX: usize = 3;

/// The most variants of a product.
pub const VARIANTS_MAX: usize = 100;

/// Enough to correct any product that a person wrote; a bound because violations travel in a header of a few KiB.
const VIOLATIONS_MAX: usize = 20;

/// What a new product is made of. Each part is valid by itself.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// The seller that offers it.
    pub seller_id: SellerId,
    /// Its title.
    pub title: Title,
    /// Its description.
    pub description: Description,
    /// The options that its variants differ in.
    pub options: Vec<ProductOption>,
    /// Its variants.
    pub variants: Vec<NewVariant>,
}

/// A variant to create.
#[derive(Clone, Debug)]
pub struct NewVariant {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its value for each of the product's options, in any order.
    pub option_values: Vec<(OptionName, OptionValue)>,
    /// Its price in each currency.
    pub prices: Vec<UnitPrice>,
    /// Its weight.
    pub weight: Weight,
}

impl NewProduct {
    /// The product, a draft.
    ///
    /// # Errors
    /// [`Refusal::InvalidProduct`], naming every field at fault: more than [`OPTIONS_MAX`] options or two of one name; no
    /// variant or more than [`VARIANTS_MAX`]; a variant that lacks a value for an option or has one that the option does
    /// not offer; two variants with one SKU or with the same values; a variant with no price or two in one currency.
    pub fn create(self, id: ProductId, now: Timestamp) -> Result<Product, Refusal> {
        let violations = self.violations();
        if !violations.is_empty() {
            return Err(Refusal::InvalidProduct(violations));
        }
        let variants = self
            .variants
            .into_iter()
            .map(|variant| Variant {
                option_values: arrange(&self.options, &variant.option_values).expect("checked above"),
                sku: variant.sku,
                weight: variant.weight,
                prices: first_prices(&variant.prices, now).expect("checked above"),
            })
            .collect();
        Ok(Product {
            id,
            seller_id: self.seller_id,
            title: self.title,
            description: self.description,
            status: Status::Draft,
            options: self.options,
            variants,
            created_at: now,
            updated_at: now,
        })
    }

    fn violations(&self) -> Vec<FieldViolation> {
        let mut violations = self.option_violations();
        violations.extend(self.variant_violations());
        violations.truncate(VIOLATIONS_MAX);
        violations
    }

    fn option_violations(&self) -> Vec<FieldViolation> {
        let mut violations = Vec::new();
        if self.options.len() > OPTIONS_MAX {
            let problem = format!("must be at most {OPTIONS_MAX}, not {}", self.options.len());
            violations.push(FieldViolation::new("options", problem));
        }
        let mut names = BTreeSet::new();
        for (index, option) in self.options.iter().enumerate() {
            if !names.insert(option.name()) {
                violations.push(FieldViolation::new(format!("options[{index}].name"), "another option has this name"));
            }
        }
        violations
    }

    fn variant_violations(&self) -> Vec<FieldViolation> {
        if !(1..=VARIANTS_MAX).contains(&self.variants.len()) {
            let problem = format!("must be 1 to {VARIANTS_MAX}, not {}", self.variants.len());
            return vec![FieldViolation::new("variants", problem)];
        }
        let mut violations = Vec::new();
        let mut skus = BTreeSet::new();
        let mut combinations = BTreeSet::new();
        for (index, variant) in self.variants.iter().enumerate() {
            let mut note = |field, problem: String| {
                violations.push(FieldViolation::new(format!("variants[{index}].{field}"), problem));
            };
            if !skus.insert(&variant.sku) {
                note("sku", "another variant has this SKU".to_owned());
            }
            match arrange(&self.options, &variant.option_values) {
                Err(problem) => note("option_values", problem),
                Ok(values) => {
                    if !combinations.insert(values) {
                        note("option_values", "another variant has the same values".to_owned());
                    }
                }
            }
            if let Err(problem) = first_prices(&variant.prices, Timestamp::MIN) {
                note("prices", problem);
            }
        }
        violations
    }
}

/// The values in the order of the options: exactly one for each, and one that the option offers.
fn arrange(options: &[ProductOption], given: &[(OptionName, OptionValue)]) -> Result<Vec<OptionValue>, String> {
    let mut by_name = BTreeMap::new();
    for (name, value) in given {
        if by_name.insert(name, value).is_some() {
            return Err(format!("has two values for {:?}", name.as_str()));
        }
    }
    let mut arranged = Vec::with_capacity(options.len());
    for option in options {
        let name = option.name().as_str();
        let value = by_name.remove(option.name()).ok_or_else(|| format!("has no value for {name:?}"))?;
        if !option.values().contains(value) {
            return Err(format!("{name:?} does not offer {:?}", value.as_str()));
        }
        arranged.push(value.clone());
    }
    match by_name.keys().next() {
        Some(name) => Err(format!("the product has no option {:?}", name.as_str())),
        None => Ok(arranged),
    }
}

/// The first price in each currency: at least one, each currency once.
fn first_prices(amounts: &[UnitPrice], now: Timestamp) -> Result<BTreeMap<Currency, Price>, String> {
    if amounts.is_empty() {
        return Err("must have at least one price".to_owned());
    }
    let mut prices = BTreeMap::new();
    for amount in amounts {
        if prices.insert(amount.currency(), Price::first(*amount, now)).is_some() {
            return Err(format!("has two prices in {}", amount.currency()));
        }
    }
    Ok(prices)
}

#[cfg(test)]
pub(crate) mod tests {
    use kernel::Money;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_700_000_000_000_000);

    fn option(name: &str, values: &[&str]) -> ProductOption {
        let values = values.iter().map(|value| OptionValue::new(*value).unwrap()).collect();
        ProductOption::new(OptionName::new(name).unwrap(), values).unwrap()
    }

    fn price(minor: i64, currency: Currency) -> UnitPrice {
        UnitPrice::new(Money::from_minor(minor, currency)).unwrap()
    }

    fn variant(sku: &str, values: &[(&str, &str)]) -> NewVariant {
        NewVariant {
            sku: sku.parse().unwrap(),
            option_values: values.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
            prices: vec![price(1_250, Currency::EUR)],
            weight: Weight::from_grams(350).unwrap(),
        }
    }

    /// A mug in two colours and two sizes, of which three combinations are made.
    pub(crate) fn mug() -> NewProduct {
        NewProduct {
            seller_id: SellerId::generate(),
            title: Title::new("Mug").unwrap(),
            description: Description::default(),
            options: vec![option("Colour", &["Blue", "Red"]), option("Size", &["S", "L"])],
            variants: vec![
                variant("MUG-BLUE-S", &[("Colour", "Blue"), ("Size", "S")]),
                variant("MUG-BLUE-L", &[("Size", "L"), ("Colour", "Blue")]),
                variant("MUG-RED-S", &[("Colour", "Red"), ("Size", "S")]),
            ],
        }
    }

    fn refused_fields(new: NewProduct) -> Vec<String> {
        match new.create(ProductId::generate(), NOW) {
            Err(Refusal::InvalidProduct(violations)) => violations.into_iter().map(|v| v.field).collect(),
            other => panic!("expected an invalid product, got {other:?}"),
        }
    }

    #[test]
    fn a_new_product_is_a_draft_with_first_prices_and_values_in_the_order_of_its_options() {
        let product = mug().create(ProductId::generate(), NOW).unwrap();
        assert_eq!(product.status, Status::Draft);
        let large = &product.variants[1];
        assert_eq!(large.option_values.iter().map(OptionValue::as_str).collect::<Vec<_>>(), ["Blue", "L"]);
        assert_eq!(large.prices[&Currency::EUR], Price::first(price(1_250, Currency::EUR), NOW));
    }

    #[test]
    fn a_product_without_options_has_one_variant() {
        let single = NewProduct { options: vec![], variants: vec![variant("MUG", &[])], ..mug() };
        assert!(single.clone().create(ProductId::generate(), NOW).is_ok());
        let double = NewProduct { variants: vec![variant("MUG", &[]), variant("MUG-2", &[])], ..single };
        assert_eq!(refused_fields(double), ["variants[1].option_values"]);
    }

    #[test]
    fn a_product_has_at_most_3_options_of_different_names() {
        let mut new = mug();
        new.options.push(option("Colour", &["Green"]));
        assert!(refused_fields(new.clone()).contains(&"options[2].name".to_owned()));
        new.options.push(option("Handle", &["Left"]));
        assert_eq!(refused_fields(new)[0], "options");
    }

    #[test]
    fn a_product_has_1_to_100_variants() {
        let numbered = |count: usize| {
            let names: Vec<_> = (0..50).map(|n| n.to_string()).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let of = |n: usize| variant(&format!("MUG-{n}"), &[("A", names[n / 50]), ("B", names[n % 50])]);
            let variants = (0..count).map(of).collect();
            NewProduct { options: vec![option("A", &names), option("B", &names)], variants, ..mug() }
        };
        assert_eq!(refused_fields(numbered(0)), ["variants"]);
        assert!(numbered(100).create(ProductId::generate(), NOW).is_ok());
        assert_eq!(refused_fields(numbered(101)), ["variants"]);
    }

    #[test]
    fn each_variant_has_exactly_one_offered_value_for_each_option() {
        for values in [
            &[("Colour", "Red")][..],
            &[("Colour", "Red"), ("Size", "XL")],
            &[("Colour", "Red"), ("Size", "L"), ("Size", "S")],
            &[("Colour", "Red"), ("Size", "L"), ("Handle", "Left")],
        ] {
            let mut new = mug();
            new.variants[2] = variant("MUG-RED-S", values);
            assert_eq!(refused_fields(new), ["variants[2].option_values"], "{values:?}");
        }
    }

    #[test]
    fn two_variants_differ_in_sku_and_in_values() {
        let mut new = mug();
        new.variants[1] = variant("MUG-BLUE-S", &[("Size", "S"), ("Colour", "Blue")]);
        assert_eq!(refused_fields(new), ["variants[1].sku", "variants[1].option_values"]);
    }

    #[test]
    fn a_variant_has_a_price_and_one_in_each_currency() {
        let mut new = mug();
        new.variants[0].prices.clear();
        new.variants[2].prices = vec![price(1, Currency::EUR), price(1, Currency::JPY), price(2, Currency::EUR)];
        assert_eq!(refused_fields(new), ["variants[0].prices", "variants[2].prices"]);
    }

    #[test]
    fn a_product_with_a_hundred_faults_hears_of_the_first_twenty() {
        let mut new = mug();
        new.variants = vec![variant("MUG", &[]); 100];
        assert_eq!(refused_fields(new).len(), VIOLATIONS_MAX);
    }
}
