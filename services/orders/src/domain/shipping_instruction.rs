//! What shipping is told when the goods of an order may leave.

use kernel::{Money, Quantity, Sku};
use serde::{Deserialize, Serialize};

use super::ids::{BuyerId, SellerId, WarehouseId};
use super::snapshot::{Address, ShippingService, SkuTotal};

/// Units of one SKU that are committed in one warehouse: what was reserved there is what ships from there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Allocation {
    /// The variant.
    pub sku: Sku,
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// Units.
    pub quantity: Quantity,
}

/// All that shipping needs, so that it hears of an order once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippingInstruction {
    /// The buyer, who may watch the parcels.
    pub buyer_id: BuyerId,
    /// The seller, who hands them to a carrier.
    pub seller_id: SellerId,
    /// Where they go.
    pub ship_to: Address,
    /// How they are sent.
    pub shipping_service: ShippingService,
    /// What leaves from where; at least one.
    pub allocations: Vec<Allocation>,
    /// What the carrier collects; none for a prepaid order.
    pub cash_to_collect: Option<Money>,
    /// By how much less is collected for units that do not arrive; none for a prepaid order.
    pub sku_totals: Vec<SkuTotal>,
}
