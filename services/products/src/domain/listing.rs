//! Which products a caller gets to see in a list.

use serde::Serialize;

use super::{Authority, SellerId};

/// Which products to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Listing {
    /// What is on sale, of every seller.
    OnSale,
    /// What one seller has on sale.
    OnSaleOf(SellerId),
    /// Everything of one seller.
    AllOf(SellerId),
}

impl Listing {
    /// What a caller gets to see of one seller, or of all.
    pub fn visible_to(authority: Authority, seller_id: Option<SellerId>) -> Self {
        match seller_id {
            None => Self::OnSale,
            Some(seller_id) if authority.covers(seller_id) => Self::AllOf(seller_id),
            Some(seller_id) => Self::OnSaleOf(seller_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_act_for_a_seller_list_what_it_has_not_on_sale() {
        let (own, other) = (SellerId::generate(), SellerId::generate());
        for (authority, seller_id, listing) in [
            (Authority::None, None, Listing::OnSale),
            (Authority::None, Some(own), Listing::OnSaleOf(own)),
            (Authority::Seller(own), None, Listing::OnSale),
            (Authority::Seller(own), Some(own), Listing::AllOf(own)),
            (Authority::Seller(own), Some(other), Listing::OnSaleOf(other)),
            (Authority::Operator, None, Listing::OnSale),
            (Authority::Operator, Some(own), Listing::AllOf(own)),
        ] {
            assert_eq!(Listing::visible_to(authority, seller_id), listing, "{authority:?} {seller_id:?}");
        }
    }
}
