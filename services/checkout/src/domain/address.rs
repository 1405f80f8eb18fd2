//! Where the parcels go.

use kernel::{RegionCode, Text};
use serde::{Deserialize, Serialize};

/// One line of an address.
pub type AddressText = Text<200>;

/// A postal address that a carrier can work with: a region, where in it, and who takes the parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of google.type.PostalAddress, explained there")]
pub struct Address {
    pub region: RegionCode,
    pub language_code: Option<AddressText>,
    pub postal_code: Option<AddressText>,
    pub sorting_code: Option<AddressText>,
    pub administrative_area: Option<AddressText>,
    pub locality: Option<AddressText>,
    pub sublocality: Option<AddressText>,
    pub address_lines: Lines,
    pub recipients: Lines,
    pub organization: Option<AddressText>,
}

/// One to [`Lines::MAX`] lines of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<AddressText>", into = "Vec<AddressText>")]
pub struct Lines(Vec<AddressText>);

impl Lines {
    /// The most lines that fit on a label.
    pub const MAX: usize = 5;

    /// Takes the lines as they are.
    ///
    /// # Errors
    /// None, or more than [`Self::MAX`].
    pub fn new(lines: Vec<AddressText>) -> Result<Self, InvalidLines> {
        Self::check_count(lines.len())?;
        Ok(Self(lines))
    }

    /// Whether there may be so many lines.
    ///
    /// # Errors
    /// None, or more than [`Self::MAX`].
    pub fn check_count(count: usize) -> Result<(), InvalidLines> {
        if (1..=Self::MAX).contains(&count) { Ok(()) } else { Err(InvalidLines { count }) }
    }

    /// The lines, top to bottom.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(AddressText::as_str)
    }
}

/// There are too few lines or too many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("needs 1 to {max} entries, not {count}", max = Lines::MAX)]
pub struct InvalidLines {
    /// How many were given.
    pub count: usize,
}

impl TryFrom<Vec<AddressText>> for Lines {
    type Error = InvalidLines;

    fn try_from(lines: Vec<AddressText>) -> Result<Self, InvalidLines> {
        Self::new(lines)
    }
}

impl From<Lines> for Vec<AddressText> {
    fn from(lines: Lines) -> Self {
        lines.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_to_five_lines() {
        let lines = |count| Lines::new(vec![AddressText::new("Hafenstrasse 1").unwrap(); count]);
        assert_eq!(lines(0), Err(InvalidLines { count: 0 }));
        assert_eq!(lines(5).unwrap().iter().len(), 5);
        assert_eq!(lines(6), Err(InvalidLines { count: 6 }));
    }
}
