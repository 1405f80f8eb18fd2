use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_text;

/// A country or region by its two capital letters, such as DE: the `region_code` of a postal address. Whether there is such a country, and
/// whether anybody delivers there, is another question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionCode([u8; 2]);

impl RegionCode {
    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a region code is made of ASCII letters")
    }
}

/// The text is not two capital letters. The text is not repeated: what stands in an address is nobody else's business.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the two capital letters of a country or region, such as DE")]
pub struct InvalidRegionCode;

impl FromStr for RegionCode {
    type Err = InvalidRegionCode;

    fn from_str(code: &str) -> Result<Self, InvalidRegionCode> {
        let letters = <[u8; 2]>::try_from(code.as_bytes()).map_err(|_| InvalidRegionCode)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(InvalidRegionCode) }
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RegionCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RegionCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_code_is_two_capital_letters() {
        assert_eq!("DE".parse::<RegionCode>().unwrap().as_str(), "DE");
        for wrong in ["", "D", "de", "DEU", "D1", "ß", "276", "*"] {
            assert_eq!(wrong.parse::<RegionCode>(), Err(InvalidRegionCode), "{wrong}");
        }
    }

    #[test]
    fn it_is_written_and_read_as_its_letters() {
        let code: RegionCode = serde_json::from_str("\"DE\"").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"DE\"");
        assert!(serde_json::from_str::<RegionCode>("\"de\"").is_err());
    }
}
