use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_text;

/// The code of a sellable variant: 1 to 64 of the characters `A-Z 0-9 - _ .`; cheap to clone.
///
/// Lower case is refused rather than raised: two spellings of one stock item are two stock items to a careless reader.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(Arc<str>);

impl Sku {
    /// The longest code, in characters.
    pub const CHARS_MAX: usize = 64;

    /// Takes a code as it is.
    ///
    /// # Errors
    /// Empty, too long, or with a character that is not allowed.
    pub fn new(code: &str) -> Result<Self, InvalidSku> {
        if code.is_empty() {
            return Err(InvalidSku::Empty);
        }
        if let Some(wrong) = code.chars().find(|c| !matches!(c, 'A'..='Z' | '0'..='9' | '-' | '_' | '.')) {
            return Err(if wrong.is_lowercase() { InvalidSku::LowerCase } else { InvalidSku::Character(wrong) });
        }
        if code.len() > Self::CHARS_MAX {
            return Err(InvalidSku::TooLong { chars: code.len() });
        }
        Ok(Self(code.into()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a SKU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSku {
    /// There is no text.
    #[error("a SKU must not be empty")]
    Empty,
    /// The text is longer than [`Sku::CHARS_MAX`].
    #[error("a SKU has at most {max} characters, not {chars}", max = Sku::CHARS_MAX)]
    TooLong {
        /// The length that was given.
        chars: usize,
    },
    /// The text has a lower-case letter.
    #[error("a SKU is written in upper case")]
    LowerCase,
    /// The text has a character that is not allowed; this is the first.
    #[error("a SKU has only the characters A-Z, 0-9, '-', '_' and '.', not {0:?}")]
    Character(char),
}

impl FromStr for Sku {
    type Err = InvalidSku;

    fn from_str(code: &str) -> Result<Self, InvalidSku> {
        Self::new(code)
    }
}

impl AsRef<str> for Sku {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Sku {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sku {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_mistake_has_its_own_message() {
        assert_eq!(Sku::new(""), Err(InvalidSku::Empty));
        assert_eq!(Sku::new("MUG-blue"), Err(InvalidSku::LowerCase));
        assert_eq!(Sku::new("MUG BLUE"), Err(InvalidSku::Character(' ')));
        assert_eq!(Sku::new("MUG\n"), Err(InvalidSku::Character('\n')));
        assert_eq!(Sku::new("MÜG"), Err(InvalidSku::Character('Ü')));
        assert_eq!(Sku::new(&"X".repeat(65)), Err(InvalidSku::TooLong { chars: 65 }));
        assert_eq!(
            Sku::new("A\n").unwrap_err().to_string(),
            r"a SKU has only the characters A-Z, 0-9, '-', '_' and '.', not '\n'"
        );
    }

    #[test]
    fn json_holds_the_code_and_keeps_the_rules() {
        assert_eq!(serde_json::from_str::<Sku>("\"MUG-1\"").unwrap(), Sku::new("MUG-1").unwrap());
        assert!(serde_json::from_str::<Sku>("\"mug\"").is_err());
    }

    proptest! {
        #[test]
        fn every_allowed_code_is_kept_as_it_is(code in "[A-Z0-9_.-]{1,64}") {
            let sku = Sku::new(&code).unwrap();
            prop_assert_eq!(sku.as_str(), code.as_str());
            prop_assert_eq!(sku.to_string().parse(), Ok(sku));
        }
    }
}
