//! Whose cart it is, and who may open it.

use super::{BuyerId, GuestToken, GuestTokenHash};

/// Whose a cart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A buyer's.
    Buyer(BuyerId),
    /// A guest's: whoever holds the token with this hash.
    Guest(GuestTokenHash),
}

impl Owner {
    /// The buyer, if it is one.
    pub const fn buyer_id(&self) -> Option<BuyerId> {
        match self {
            Self::Buyer(buyer_id) => Some(*buyer_id),
            Self::Guest(_) => None,
        }
    }

    /// Whether a visitor may open this owner's cart.
    pub fn admits(&self, visitor: &Visitor) -> bool {
        match self {
            Self::Buyer(buyer_id) => visitor.buyer_id == Some(*buyer_id),
            Self::Guest(hash) => visitor.guest_token.as_ref().is_some_and(|token| token.hash() == *hash),
        }
    }
}

/// Who wants to open a cart, and what they show. A buyer who logged in may still hold a guest's token.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The buyer, if it is one.
    pub buyer_id: Option<BuyerId>,
    /// The guest's token, if one is shown.
    pub guest_token: Option<GuestToken>,
}

#[cfg(test)]
mod tests {
    use super::super::{CartId, GuestTokenSecret};
    use super::*;

    fn token() -> GuestToken {
        "a".repeat(64).parse::<GuestTokenSecret>().unwrap().token_of(CartId::generate())
    }

    #[test]
    fn a_buyers_cart_opens_for_its_buyer_alone() {
        let (buyer_id, other) = (BuyerId::generate(), BuyerId::generate());
        let owner = Owner::Buyer(buyer_id);
        for (buyer_id, guest_token, is_admitted) in [
            (Some(buyer_id), None, true),
            (Some(buyer_id), Some(token()), true),
            (Some(other), Some(token()), false),
            (None, None, false),
        ] {
            assert_eq!(owner.admits(&Visitor { buyer_id, guest_token }), is_admitted);
        }
    }

    #[test]
    fn a_guests_cart_opens_for_whoever_holds_its_token() {
        let own = token();
        let owner = Owner::Guest(own.hash());
        for (buyer_id, guest_token, is_admitted) in [
            (None, Some(own.clone()), true),
            (Some(BuyerId::generate()), Some(own), true),
            (None, Some(token()), false),
            (Some(BuyerId::generate()), None, false),
            (None, None, false),
        ] {
            assert_eq!(owner.admits(&Visitor { buyer_id, guest_token }), is_admitted);
        }
    }
}
