//! Where the parcels go.

use std::fmt;
use std::str::FromStr;

use kernel::Text;
use serde::{Deserialize, Serialize};

/// One line of an address.
pub type AddressText = Text<200>;

/// A postal address that a carrier can work with: a region, where in it, and who takes the parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of google.type.PostalAddress, explained there")]
pub struct Address {
    pub region: Region,
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

/// A country or region by its two capital letters, such as DE. Whether anybody delivers there is another question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region([u8; 2]);

impl Region {
    /// The two letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a region is made of ASCII letters")
    }
}

/// The text is not two capital letters. The text is not repeated: what stands in an address is nobody else's business.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the two capital letters of a country or region, such as DE")]
pub struct InvalidRegion;

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(code: &str) -> Result<Self, InvalidRegion> {
        let letters = <[u8; 2]>::try_from(code.as_bytes()).map_err(|_| InvalidRegion)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(InvalidRegion) }
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidRegion;

    fn try_from(code: String) -> Result<Self, InvalidRegion> {
        code.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.code().to_owned()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
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
    fn a_region_is_two_capital_letters() {
        assert_eq!("DE".parse::<Region>().unwrap().to_string(), "DE");
        for wrong in ["", "D", "de", "DEU", "D1", "ß", "276"] {
            assert_eq!(wrong.parse::<Region>(), Err(InvalidRegion), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_one_to_five_lines() {
        let lines = |count| Lines::new(vec![AddressText::new("Hafenstrasse 1").unwrap(); count]);
        assert_eq!(lines(0), Err(InvalidLines { count: 0 }));
        assert_eq!(lines(5).unwrap().iter().len(), 5);
        assert_eq!(lines(6), Err(InvalidLines { count: 6 }));
    }
}
