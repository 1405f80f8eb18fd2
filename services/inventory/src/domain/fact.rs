//! What inventory reacts to: events of other services, commands of sellers, deadlines.

use kernel::{Quantity, Sku};

use super::ids::{MovementId, OrderId, SellerId, StockItemId, WarehouseId};

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// An order was created: its stock is to be reserved.
    OrderCreated {
        /// The order.
        order_id: OrderId,
        /// Whose stock it is taken from.
        seller_id: SellerId,
        /// What it asks for.
        lines: Vec<(Sku, Quantity)>,
    },
    /// The order's payment is authorized: its stock is to be committed.
    PaymentAuthorized(OrderId),
    /// The order failed or was cancelled: its stock is to be given back.
    OrderEnded(OrderId),
    /// The sweeper found the reservation past its time.
    ReservationDue(OrderId),
    /// A seller changes what is on hand.
    StockChange(StockChange),
}

/// A seller's change of what is on hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockChange {
    /// Id of the stock item if this is the first stock of the SKU in the warehouse.
    pub new_stock_item_id: StockItemId,
    /// Id of the movement.
    pub movement_id: MovementId,
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// Its seller.
    pub seller_id: SellerId,
    /// The variant.
    pub sku: Sku,
    /// What changes.
    pub kind: StockChangeKind,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChangeKind {
    /// Goods come in.
    Add(Quantity),
    /// A count is put right by so many units, up or down.
    Adjust(i64),
}

impl Fact {
    /// The order that it is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::OrderCreated { order_id, .. }
            | Self::PaymentAuthorized(order_id)
            | Self::OrderEnded(order_id)
            | Self::ReservationDue(order_id) => Some(*order_id),
            Self::StockChange(_) => None,
        }
    }
}
