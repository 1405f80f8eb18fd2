use std::fmt;

use serde::{Deserialize, Serialize};

/// How many pieces of something: 1 to 1,000,000. "None" is the absence of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(1);

    /// 1,000,000 pieces.
    pub const MAX: Self = Self(1_000_000);

    /// Takes a number of pieces.
    ///
    /// # Errors
    /// Below 1 or above [`Self::MAX`].
    pub fn new(pieces: i64) -> Result<Self, InvalidQuantity> {
        match u32::try_from(pieces) {
            Ok(pieces) if (1..=Self::MAX.0).contains(&pieces) => Ok(Self(pieces)),
            _ => Err(InvalidQuantity { pieces }),
        }
    }

    /// The number of pieces.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Both together.
    ///
    /// # Errors
    /// The sum is above [`Self::MAX`].
    pub fn checked_add(self, other: Self) -> Result<Self, InvalidQuantity> {
        Self::new(i64::from(self) + i64::from(other))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of pieces is below 1 or above [`Quantity::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quantity must be from 1 to {max}, not {pieces}", max = Quantity::MAX)]
pub struct InvalidQuantity {
    /// What was asked for.
    pub pieces: i64,
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(pieces: i64) -> Result<Self, InvalidQuantity> {
        Self::new(pieces)
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        Self::from(quantity.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_a_million_are_quantities() {
        assert_eq!(Quantity::new(1), Ok(Quantity::ONE));
        assert_eq!(Quantity::new(1_000_000), Ok(Quantity::MAX));
    }

    #[test]
    fn zero_negative_and_beyond_the_limit_are_refused() {
        for pieces in [0, -1, 1_000_001, i64::from(u32::MAX) + 2, i64::MIN, i64::MAX] {
            assert_eq!(Quantity::new(pieces), Err(InvalidQuantity { pieces }));
        }
        assert_eq!(Quantity::new(0).unwrap_err().to_string(), "quantity must be from 1 to 1000000, not 0");
    }

    #[test]
    fn a_sum_keeps_the_limit() {
        let most = Quantity::new(999_999).unwrap();
        assert_eq!(most.checked_add(Quantity::ONE), Ok(Quantity::MAX));
        assert_eq!(Quantity::MAX.checked_add(Quantity::ONE), Err(InvalidQuantity { pieces: 1_000_001 }));
    }

    #[test]
    fn json_holds_the_number_and_keeps_the_limit() {
        assert_eq!(serde_json::to_string(&Quantity::MAX).unwrap(), "1000000");
        assert_eq!(serde_json::from_str::<Quantity>("7").unwrap().get(), 7);
        assert!(serde_json::from_str::<Quantity>("0").is_err());
    }
}
