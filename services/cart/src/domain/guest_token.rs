//! The secret that opens a guest's cart.
//!
//! It is not random but derived: HMAC-SHA-256 of the cart's id under a secret of the service, 256 bits that nobody can tell
//! from random without that secret. So a repeated `CreateCart` is answered with the same token, although nothing that is
//! stored gives the token away: the cart's row keeps its SHA-256, and the stored answer leaves it out.
//!
//! A cart is opened by comparing hashes, not by deriving again. So the secret can be changed at any time, and carts that
//! exist stay open to their guests; only a `CreateCart` that is repeated across the change gets a token that opens nothing.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::CartId;

/// Keeps these tokens apart from whatever else may once be derived from the same secret.
const PURPOSE: &[u8] = b"tradewind.cart.guest_token.v1";

const SECRET_BYTES: usize = 32;

/// What guests' tokens are derived from. It never shows in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestTokenSecret([u8; SECRET_BYTES]);

impl GuestTokenSecret {
    /// The token of a cart.
    pub fn token_of(&self, cart_id: CartId) -> GuestToken {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        mac.update(cart_id.uuid().as_bytes());
        GuestToken(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for GuestTokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestTokenSecret(***)")
    }
}

/// A text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {} hexadecimal digits", 2 * SECRET_BYTES)]
pub struct InvalidSecret;

impl FromStr for GuestTokenSecret {
    type Err = InvalidSecret;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() != 2 * SECRET_BYTES || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidSecret);
        }
        let mut secret = [0; SECRET_BYTES];
        for (byte, digits) in secret.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).expect("hexadecimal digits are ASCII");
            *byte = u8::from_str_radix(digits, 16).expect("checked above");
        }
        Ok(Self(secret))
    }
}

/// The secret that opens one guest's cart. Its text is 43 characters of base64url. It never shows in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestToken([u8; 32]);

impl GuestToken {
    /// What is kept of it. A plain hash serves: there is nothing to guess in 256 bits.
    pub fn hash(&self) -> GuestTokenHash {
        GuestTokenHash(Sha256::digest(self.0).into())
    }

    /// The token as its guest holds it.
    pub fn reveal(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for GuestToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestToken(***)")
    }
}

/// A text is no guest token. It is not echoed: it may be one with a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a token that CreateCart answered")]
pub struct InvalidGuestToken;

impl FromStr for GuestToken {
    type Err = InvalidGuestToken;

    fn from_str(text: &str) -> Result<Self, InvalidGuestToken> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidGuestToken)?;
        Ok(Self(bytes.try_into().map_err(|_| InvalidGuestToken)?))
    }
}

/// What is kept of a [`GuestToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestTokenHash(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(digit: char) -> GuestTokenSecret {
        digit.to_string().repeat(64).parse().unwrap()
    }

    #[test]
    fn a_cart_has_one_token_and_every_cart_another() {
        let (cart, other) = (CartId::generate(), CartId::generate());
        assert_eq!(secret('a').token_of(cart), secret('a').token_of(cart));
        assert_ne!(secret('a').token_of(cart), secret('a').token_of(other));
        assert_ne!(secret('a').token_of(cart), secret('b').token_of(cart));
    }

    #[test]
    fn a_token_reads_back_as_its_guest_holds_it() {
        let token = secret('a').token_of(CartId::generate());
        assert_eq!(token.reveal().len(), 43);
        assert_eq!(token.reveal().parse(), Ok(token));
        for text in ["", "guest", &"A".repeat(42), &"A".repeat(44), &"=".repeat(43)] {
            assert_eq!(text.parse::<GuestToken>(), Err(InvalidGuestToken), "{text}");
        }
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_secret() {
        for text in ["", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(text.parse::<GuestTokenSecret>(), Err(InvalidSecret), "{text}");
        }
        assert_eq!("0A".repeat(32).parse(), Ok(GuestTokenSecret([10; 32])));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let (secret, cart) = (secret('a'), CartId::generate());
        assert_eq!(format!("{secret:?} {:?}", secret.token_of(cart)), "GuestTokenSecret(***) GuestToken(***)");
    }
}
