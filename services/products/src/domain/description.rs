//! What a seller writes about a product.

/// A text of several lines: up to 5,000 characters, possibly none, without control characters other than line breaks and
/// tabs. It is kept exactly as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(Box<str>);

impl Description {
    /// The longest description, in characters (Unicode scalar values).
    pub const CHARS_MAX: usize = 5_000;

    /// Takes a text as it is.
    ///
    /// # Errors
    /// Too long, or with a control character that is neither a line break nor a tab.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidDescription> {
        let text = text.into();
        let chars = text.chars().count();
        if chars > Self::CHARS_MAX {
            return Err(InvalidDescription::TooLong { chars });
        }
        let is_forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        match text.chars().position(is_forbidden) {
            Some(index) => Err(InvalidDescription::ControlCharacter { position: index + 1 }),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDescription {
    /// The text is longer than [`Description::CHARS_MAX`].
    #[error("must have at most {max} characters, not {chars}", max = Description::CHARS_MAX)]
    TooLong {
        /// The length that was given.
        chars: usize,
    },
    /// The text has a control character that is neither a line break nor a tab.
    #[error("must not have control characters other than line breaks and tabs; character {position} is one")]
    ControlCharacter {
        /// Which one, counted in characters from 1.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_are_kept_as_they_are_and_none_is_a_description_too() {
        let text = "Holds 0.3 l.\r\n\tDishwasher-safe.\n";
        assert_eq!(Description::new(text).unwrap().as_str(), text);
        assert_eq!(Description::new("").unwrap(), Description::default());
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        assert!(Description::new("é".repeat(5_000)).is_ok());
        assert_eq!(Description::new("é".repeat(5_001)), Err(InvalidDescription::TooLong { chars: 5_001 }));
    }

    #[test]
    fn other_control_characters_are_refused() {
        for text in ["a\0", "a\u{1b}[31m", "a\u{7f}"] {
            assert_eq!(Description::new(text), Err(InvalidDescription::ControlCharacter { position: 2 }));
        }
    }
}
