use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_text;

/// One line of text for people to read: 1 to `CHARS_MAX` characters, not blank, without control characters.
///
/// It is kept exactly as given; nothing is trimmed or normalised behind the author's back.
///
/// ```
/// type ProductTitle = kernel::Text<200>;
///
/// assert_eq!(ProductTitle::new("Blue mug").unwrap().as_str(), "Blue mug");
/// assert!(ProductTitle::new("").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const CHARS_MAX: usize>(Box<str>);

impl<const CHARS_MAX: usize> Text<CHARS_MAX> {
    /// Takes a text as it is. Characters are Unicode scalar values.
    ///
    /// # Errors
    /// Blank, longer than `CHARS_MAX`, or with a control character (a line break is one).
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidText> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(InvalidText::Blank);
        }
        let chars = text.chars().count();
        if chars > CHARS_MAX {
            return Err(InvalidText::TooLong { chars, chars_max: CHARS_MAX });
        }
        match text.chars().position(char::is_control) {
            Some(index) => Err(InvalidText::ControlCharacter { position: index + 1 }),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is refused. The field at fault is named by whoever read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// There is nothing but white space.
    #[error("must not be blank")]
    Blank,
    /// The text is longer than its limit.
    #[error("must have at most {chars_max} characters, not {chars}")]
    TooLong {
        /// The length that was given.
        chars: usize,
        /// The length that is allowed.
        chars_max: usize,
    },
    /// The text has a control character.
    #[error("must not have control characters; character {position} is one")]
    ControlCharacter {
        /// Which one, counted in characters from 1.
        position: usize,
    },
}

impl<const CHARS_MAX: usize> FromStr for Text<CHARS_MAX> {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::new(text)
    }
}

impl<const CHARS_MAX: usize> AsRef<str> for Text<CHARS_MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const CHARS_MAX: usize> fmt::Display for Text<CHARS_MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const CHARS_MAX: usize> fmt::Debug for Text<CHARS_MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const CHARS_MAX: usize> Serialize for Text<CHARS_MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const CHARS_MAX: usize> Deserialize<'de> for Text<CHARS_MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Name = Text<5>;

    #[test]
    fn a_text_is_kept_as_it_is() {
        assert_eq!(Name::new(" Åsa ").unwrap().as_str(), " Åsa ");
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        assert!(Name::new("ééééé").is_ok());
        assert_eq!(Name::new("éééééé"), Err(InvalidText::TooLong { chars: 6, chars_max: 5 }));
    }

    #[test]
    fn blank_text_is_refused() {
        for blank in ["", " ", "\u{a0}\u{2003}"] {
            assert_eq!(Name::new(blank), Err(InvalidText::Blank));
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["ab\nc", "ab\0c", "ab\u{1b}c", "ab\u{7f}c"] {
            assert_eq!(Name::new(text), Err(InvalidText::ControlCharacter { position: 3 }));
        }
    }

    #[test]
    fn json_holds_the_text_and_keeps_the_rules() {
        assert_eq!(serde_json::to_string(&Name::new("Åsa").unwrap()).unwrap(), "\"Åsa\"");
        assert!(serde_json::from_str::<Name>("\"a\\nb\"").is_err());
    }
}
