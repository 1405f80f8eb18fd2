//! Tax rates from a file that a person can edit.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use kernel::{Rate, RegionCode};
use serde::Deserialize;

use crate::domain::tax::TaxRates;

/// One rate for each region that is sold to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxTable {
    rates: BTreeMap<RegionCode, Rate>,
}

impl TaxTable {
    /// The table that ships with the service.
    pub fn built_in() -> Self {
        toml::from_str(include_str!("../../tax_rates.toml")).expect("a test reads the table that ships")
    }

    /// The table in a file, in the form of the one that ships.
    ///
    /// # Errors
    /// The file cannot be read, or is not a table of rates by region.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is no table of tax rates", path.display()))
    }
}

impl TaxRates for TaxTable {
    fn rate(&self, region: RegionCode) -> Option<Rate> {
        self.rates.get(&region).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(table: &TaxTable, region: &str) -> Option<String> {
        table.rate(region.parse().unwrap()).map(|rate| rate.to_string())
    }

    #[test]
    fn the_table_that_ships_can_be_read() {
        let table = TaxTable::built_in();
        assert_eq!(rate(&table, "DE").as_deref(), Some("0.19"));
        assert_eq!(rate(&table, "US").as_deref(), Some("0"));
        assert_eq!(rate(&table, "AQ"), None);
    }

    #[test]
    fn a_table_with_a_mistake_is_refused() {
        for text in
            ["", "[rates]\nde = \"0.19\"", "[rates]\nDE = 0.19", "[rates]\nDE = \"-1\"", "DE = \"0.19\"\n[rates]"]
        {
            assert!(toml::from_str::<TaxTable>(text).is_err(), "{text}");
        }
    }
}
