use chassis::grpc::PeerError;
use kernel::{Classified, ErrorKind, FieldViolation, Sku};

use crate::domain;
use crate::domain::warehouse::PER_SELLER_MAX;

use super::set_stock_policy::SKU_POLICIES_MAX;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such warehouse, or one of another seller.
    #[error("there is no such warehouse")]
    WarehouseNotFound,
    /// A seller's employee would act for another seller.
    #[error("you may not act for this seller")]
    NotYourSeller,
    /// Nothing was ever held for the order.
    #[error("there is no reservation for such an order")]
    ReservationNotFound,
    /// The seller offers no such SKU.
    #[error("the warehouse's seller offers no SKU {0}")]
    SkuUnknown(Sku),
    /// The warehouse that goods are to be sent to is none, or one of another seller.
    #[error("there is no such warehouse of the same seller")]
    DestinationNotFound,
    /// The warehouse that goods are to be sent to is closed.
    #[error("the warehouse that they go to is closed")]
    WarehouseClosed,
    /// No such transfer, or one of another seller.
    #[error("there is no such transfer")]
    TransferNotFound,
    /// The seller watches as many SKUs as a seller may watch.
    #[error("a seller has policies of at most {SKU_POLICIES_MAX} SKUs")]
    SkuPolicyLimit,
    /// The seller has a warehouse of that code.
    #[error("the seller has a warehouse of that code")]
    WarehouseCodeTaken,
    /// The seller has as many warehouses as a seller may have.
    #[error("a seller has at most {PER_SELLER_MAX} warehouses")]
    WarehouseLimit,
    /// The domain refuses.
    #[error(transparent)]
    Refused(#[from] domain::error::Error),
    /// The products service does not answer.
    #[error("products cannot be asked")]
    Products(#[from] PeerError),
    /// The database does not answer.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::WarehouseNotFound
            | Self::DestinationNotFound
            | Self::TransferNotFound
            | Self::ReservationNotFound
            | Self::SkuUnknown(_) => ErrorKind::NotFound,
            Self::NotYourSeller => ErrorKind::PermissionDenied,
            Self::WarehouseCodeTaken => ErrorKind::AlreadyExists,
            Self::WarehouseLimit | Self::WarehouseClosed | Self::SkuPolicyLimit => ErrorKind::FailedPrecondition,
            Self::Refused(refusal) => refusal.kind(),
            Self::Products(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::WarehouseNotFound | Self::DestinationNotFound => "WAREHOUSE_NOT_FOUND",
            Self::WarehouseClosed => "WAREHOUSE_CLOSED",
            Self::TransferNotFound => "TRANSFER_NOT_FOUND",
            Self::SkuPolicyLimit => "SKU_POLICY_LIMIT",
            Self::NotYourSeller => "NOT_YOUR_SELLER",
            Self::ReservationNotFound => "RESERVATION_NOT_FOUND",
            Self::SkuUnknown(_) => "SKU_UNKNOWN",
            Self::WarehouseCodeTaken => "WAREHOUSE_CODE_TAKEN",
            Self::WarehouseLimit => "WAREHOUSE_LIMIT",
            Self::Refused(refusal) => refusal.reason(),
            Self::Products(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::WarehouseNotFound => vec![FieldViolation::new("warehouse_id", self)],
            Self::DestinationNotFound | Self::WarehouseClosed => vec![FieldViolation::new("to_warehouse_id", self)],
            Self::TransferNotFound => vec![FieldViolation::new("transfer_id", self)],
            Self::NotYourSeller => vec![FieldViolation::new("seller_id", "is not the seller that you act for")],
            Self::ReservationNotFound => vec![FieldViolation::new("order_id", self)],
            Self::SkuUnknown(_) => vec![FieldViolation::new("sku", self)],
            Self::WarehouseCodeTaken => vec![FieldViolation::new("code", self)],
            Self::WarehouseLimit | Self::SkuPolicyLimit | Self::Refused(_) | Self::Products(_) | Self::Storage(_) => {
                Vec::new()
            }
        }
    }
}
