//! Units by SKU: what a shipment holds, what is in a parcel.

use std::collections::BTreeMap;

use kernel::{Quantity, Sku};
use serde::{Deserialize, Serialize};

/// Units by SKU, each above zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contents(BTreeMap<Sku, i64>);

impl Contents {
    /// What these lines ask for together: two that name the same SKU are added up.
    pub fn of(lines: impl IntoIterator<Item = (Sku, Quantity)>) -> Self {
        let mut contents = Self::default();
        for (sku, quantity) in lines {
            contents.put(sku, quantity.into());
        }
        contents
    }

    /// Takes over units that were counted before, such as those of rows; a SKU without any is left out.
    pub fn from_units(units: impl IntoIterator<Item = (Sku, i64)>) -> Self {
        let mut contents = Self::default();
        for (sku, units) in units {
            contents.put(sku, units);
        }
        contents
    }

    /// What is in all of these together.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let lines = all.into_iter().flat_map(Self::lines);
        Self::from_units(lines.map(|(sku, units)| (sku.clone(), units)))
    }

    /// What is left when `taken`, which is in it, is taken out.
    #[must_use]
    pub fn without(&self, taken: &Self) -> Self {
        Self::from_units(self.lines().map(|(sku, units)| (sku.clone(), units - taken.units(sku))))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are of a SKU.
    pub fn units(&self, sku: &Sku) -> i64 {
        self.0.get(sku).copied().unwrap_or_default()
    }

    /// One line for each SKU, in the order of the SKUs.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = (&Sku, i64)> {
        self.0.iter().map(|(sku, units)| (sku, *units))
    }

    fn put(&mut self, sku: Sku, units: i64) {
        if units > 0 {
            *self.0.entry(sku).or_default() += units;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(lines: &[(&str, i64)]) -> Contents {
        Contents::of(lines.iter().map(|(sku, units)| (sku.parse().unwrap(), Quantity::new(*units).unwrap())))
    }

    #[test]
    fn lines_of_one_sku_are_added_up() {
        assert_eq!(contents(&[("POT", 2), ("CUP", 1), ("POT", 3)]), contents(&[("CUP", 1), ("POT", 5)]));
    }

    #[test]
    fn what_is_taken_out_is_gone_and_leaves_no_empty_line() {
        let all = contents(&[("CUP", 1), ("POT", 5)]);
        assert_eq!(all.without(&contents(&[("CUP", 1), ("POT", 2)])), contents(&[("POT", 3)]));
        assert!(all.without(&all).is_empty());
        assert_eq!(all.without(&Contents::default()), all);
    }

    #[test]
    fn a_sum_has_what_each_has() {
        let (one, other) = (contents(&[("CUP", 1)]), contents(&[("CUP", 2), ("POT", 5)]));
        assert_eq!(Contents::sum([&one, &other]), contents(&[("CUP", 3), ("POT", 5)]));
        assert!(Contents::sum([]).is_empty());
    }

    #[test]
    fn json_holds_the_units_by_sku() {
        let json = serde_json::to_string(&contents(&[("POT", 5), ("CUP", 1)])).unwrap();
        assert_eq!(json, r#"{"CUP":1,"POT":5}"#);
        assert_eq!(serde_json::from_str::<Contents>(&json).unwrap(), contents(&[("CUP", 1), ("POT", 5)]));
    }
}
