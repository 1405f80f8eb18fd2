//! How the buyer pays.

use std::fmt;

use kernel::{InvalidText, Text};

/// How the buyer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentMethod {
    /// By a card that the payment provider knows.
    Card(CardToken),
    /// In cash, handed to the carrier.
    CashOnDelivery,
}

/// The payment provider's name for a card. Never a card number: those enter no message, no log and no table.
#[derive(Clone, PartialEq, Eq)]
pub struct CardToken(Text<200>);

impl CardToken {
    /// Takes a token as it is.
    ///
    /// # Errors
    /// Not a line of 1 to 200 characters, or a card number. The error never repeats the text.
    pub fn new(token: impl Into<Box<str>>) -> Result<Self, InvalidCardToken> {
        let token = Text::new(token)?;
        if is_card_number(token.as_str()) { Err(InvalidCardToken::CardNumber) } else { Ok(Self(token)) }
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardToken(***)")
    }
}

/// Why a text is not a card token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCardToken {
    /// It is no line of text, or too long.
    #[error("{0}")]
    Text(#[from] InvalidText),
    /// It is a card's number.
    #[error("must be the payment provider's token for the card, never a card number")]
    CardNumber,
}

/// Whether a text could be the number printed on a card: 13 to 19 digits, grouped by spaces or dashes, whose last is the
/// check digit of the others (Luhn).
fn is_card_number(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_digit(10)).collect();
    digits.is_some_and(|digits| (13..=19).contains(&digits.len()) && luhn_sum(&digits).is_multiple_of(10))
}

/// Every second digit, counted from the right, is doubled, and a double above 9 counts as the sum of its digits.
fn luhn_sum(digits: &[u32]) -> u32 {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    digits.iter().rev().enumerate().map(|(place, &digit)| if place % 2 == 1 { double(digit) } else { digit }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_refused_however_it_is_grouped() {
        for number in
            ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "4222222222222"]
        {
            assert_eq!(CardToken::new(number), Err(InvalidCardToken::CardNumber));
            assert!(!CardToken::new(number).unwrap_err().to_string().contains("11"));
        }
    }

    #[test]
    fn digits_that_no_card_carries_are_a_token() {
        for token in
            ["4111111111111112", "411111111111", "41111111111111111111", "tok_4111111111111111", "tok_approved"]
        {
            assert_eq!(CardToken::new(token).unwrap().as_str(), token);
        }
    }

    #[test]
    fn a_token_is_one_line_of_at_most_200_characters() {
        assert!(CardToken::new("").is_err());
        assert!(CardToken::new("x".repeat(200)).is_ok());
        assert!(CardToken::new("x".repeat(201)).is_err());
    }

    #[test]
    fn a_token_does_not_show_in_debug_output() {
        let method = PaymentMethod::Card(CardToken::new("tok_secret").unwrap());
        assert!(!format!("{method:?}").contains("secret"));
    }
}
