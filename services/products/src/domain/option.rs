//! What the variants of a product differ in.

use std::collections::BTreeSet;

use kernel::Text;

/// The name of an option, such as "Colour".
pub type OptionName = Text<40>;

/// A value of an option, such as "Blue".
pub type OptionValue = Text<40>;

/// An option that a shopper chooses from: a name and 1 to 50 different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductOption {
    name: OptionName,
    values: Vec<OptionValue>,
}

impl ProductOption {
    /// The most values of one option.
    pub const VALUES_MAX: usize = 50;

    /// An option with its values, in the order that shoppers see.
    ///
    /// # Errors
    /// No value, more than [`Self::VALUES_MAX`], or one of them twice.
    pub fn new(name: OptionName, values: Vec<OptionValue>) -> Result<Self, InvalidOption> {
        if !(1..=Self::VALUES_MAX).contains(&values.len()) {
            return Err(InvalidOption::Count { values: values.len() });
        }
        let mut seen = BTreeSet::new();
        match values.iter().find(|value| !seen.insert(*value)) {
            Some(value) => Err(InvalidOption::Repeated(value.clone())),
            None => Ok(Self { name, values }),
        }
    }

    /// The name.
    pub const fn name(&self) -> &OptionName {
        &self.name
    }

    /// The values.
    pub fn values(&self) -> &[OptionValue] {
        &self.values
    }
}

/// Why a name and values are no option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    /// There are too few values, or too many.
    #[error("must have 1 to {max} values, not {values}", max = ProductOption::VALUES_MAX)]
    Count {
        /// How many there are.
        values: usize,
    },
    /// A value is there twice.
    #[error("has the value {:?} twice", .0.as_str())]
    Repeated(OptionValue),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(values: impl IntoIterator<Item = String>) -> Result<ProductOption, InvalidOption> {
        let values = values.into_iter().map(|value| OptionValue::new(value).unwrap()).collect();
        ProductOption::new(OptionName::new("Colour").unwrap(), values)
    }

    #[test]
    fn an_option_has_1_to_50_values() {
        assert_eq!(option([]), Err(InvalidOption::Count { values: 0 }));
        assert!(option((0..50).map(|n| n.to_string())).is_ok());
        assert_eq!(option((0..51).map(|n| n.to_string())), Err(InvalidOption::Count { values: 51 }));
    }

    #[test]
    fn a_value_is_offered_once() {
        let refusal = option(["Blue".to_owned(), "Red".to_owned(), "Blue".to_owned()]).unwrap_err();
        assert_eq!(refusal.to_string(), r#"has the value "Blue" twice"#);
    }
}
