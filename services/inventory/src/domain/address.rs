//! Where a warehouse is, and how near that is to where parcels go.

use kernel::{RegionCode, Text};
use serde::{Deserialize, Serialize};

/// One line of an address.
pub type AddressText = Text<200>;

/// Where a warehouse is. Only the region has to be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of google.type.PostalAddress, explained there")]
pub struct Address {
    #[serde(rename = "region_code")]
    pub region: RegionCode,
    pub language_code: Option<AddressText>,
    pub postal_code: Option<AddressText>,
    pub sorting_code: Option<AddressText>,
    pub administrative_area: Option<AddressText>,
    pub locality: Option<AddressText>,
    pub sublocality: Option<AddressText>,
    pub address_lines: Vec<AddressText>,
    pub recipients: Vec<AddressText>,
    pub organization: Option<AddressText>,
}

impl Address {
    /// The most address lines, and the most recipients, that fit on a label.
    pub const LINES_MAX: usize = 5;
}

/// What of an address tells how near it is. Empty where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Place {
    region_code: String,
    postal_code: String,
}

impl Place {
    /// Nowhere that is known.
    pub const UNKNOWN: Self = Self { region_code: String::new(), postal_code: String::new() };

    /// The place of an address. Of the postal code only letters and digits count, in whatever case: people write the rest as they like.
    pub fn new(region_code: &str, postal_code: &str) -> Self {
        let postal_code = postal_code.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        Self { region_code: region_code.to_owned(), postal_code }
    }

    /// The country, and of the postal code what counts.
    pub fn parts(&self) -> (&str, &str) {
        (&self.region_code, &self.postal_code)
    }

    /// How near another place is; the greater the nearer. Nothing across a border, however alike the postal codes are; within one country
    /// the number of characters that both postal codes begin with, and one for the country.
    pub fn nearness(&self, other: &Self) -> usize {
        if self.region_code.is_empty() || self.region_code != other.region_code {
            return 0;
        }
        let codes = self.postal_code.chars().zip(other.postal_code.chars());
        1 + codes.take_while(|(one, other)| one == other).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_nearer_the_longer_its_postal_code_begins_alike_within_its_country() {
        let here = Place::new("DE", "22767");
        for (region, postal_code, nearness) in [
            ("DE", "22767", 6),
            ("DE", "22 767", 6),
            ("DE", "22765", 5),
            ("DE", "20095", 2),
            ("DE", "80331", 1),
            ("DE", "", 1),
            ("DK", "22767", 0),
            ("", "22767", 0),
        ] {
            assert_eq!(here.nearness(&Place::new(region, postal_code)), nearness, "{region} {postal_code}");
        }
        assert_eq!(Place::new("GB", "sw1a 1aa").nearness(&Place::new("GB", "SW1A2AA")), 5);
        assert_eq!(Place::default().nearness(&Place::default()), 0);
    }
}
