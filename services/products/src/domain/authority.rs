//! For whom a caller may act.

use super::{Product, SellerId, Status};

/// For whom a caller may act, and so what they may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// For nobody: a shopper.
    None,
    /// For one seller: a shop's employee.
    Seller(SellerId),
    /// For every seller: an employee of the marketplace.
    Operator,
}

impl Authority {
    /// Whether the caller may act for that seller.
    pub fn covers(self, seller_id: SellerId) -> bool {
        match self {
            Self::None => false,
            Self::Seller(own) => own == seller_id,
            Self::Operator => true,
        }
    }

    /// Whether the caller may see a product: one on sale is everybody's to see, any other only those's who act for its seller.
    pub fn sees(self, product: &Product) -> bool {
        match product.status {
            Status::Published => true,
            Status::Draft | Status::Unpublished => self.covers(product.seller_id),
        }
    }
}
