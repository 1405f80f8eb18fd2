//! What shipping keeps.

use std::collections::BTreeMap;

use inventory::domain::allocation::Returned;
use shipping::Shipping;
use shipping::domain::consignment::Consignment;
use shipping::domain::goods_return::{Received, ReturnCondition};
use shipping::domain::ids::OrderId;
use shipping::domain::parcel::Parcel;
use shipping::domain::shipment::Shipment;
use shipping::domain::world::World;

use super::Store;

/// The consignments that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShippingStore {
    consignments: BTreeMap<OrderId, Consignment>,
}

impl ShippingStore {
    /// The consignment of an order.
    pub fn consignment(&self, order_id: OrderId) -> Option<&Consignment> {
        self.consignments.get(&order_id)
    }

    /// Every consignment.
    pub fn consignments(&self) -> impl Iterator<Item = &Consignment> {
        self.consignments.values()
    }

    /// Grows with everything that warehouses and carriers do.
    pub fn progress(&self) -> usize {
        let shipments = self.consignments().flat_map(|consignment| consignment.shipments.values());
        let parcels = shipments.flat_map(|shipment| shipment.parcels.values());
        // A parcel that failed and arrives all the same has moved on: a mutant does that.
        let moves = parcels.map(|parcel| 1 + usize::from(parcel.has_failed()) + 2 * usize::from(parcel.is_delivered()));
        let returns = self.consignments().flat_map(|consignment| consignment.returns.values());
        moves.sum::<usize>()
            + returns.map(|goods_return| goods_return.receipts.len()).sum::<usize>()
            + self.consignments().filter(|consignment| consignment.remittance.is_some()).count()
    }
}

/// Every parcel of a consignment.
pub fn parcels(consignment: &Consignment) -> impl Iterator<Item = &Parcel> {
    consignment.shipments.values().flat_map(|shipment| shipment.parcels.values())
}

/// Units in all parcels of a consignment.
pub fn units_dispatched(consignment: &Consignment) -> i64 {
    parcels(consignment).map(units).sum()
}

/// Units in a parcel.
pub fn units(parcel: &Parcel) -> i64 {
    parcel.contents.lines().map(|(_, units)| units).sum()
}

/// What came back, in inventory's words.
pub fn received(received: &Received) -> Returned {
    let units = |condition| received.lines().filter(|line| line.1 == condition).map(|line| line.3).sum();
    Returned {
        resalable: units(ReturnCondition::Resalable),
        damaged: units(ReturnCondition::Damaged),
        not_accepted: units(ReturnCondition::NotAccepted),
    }
}

/// The shipments that have not left as a whole.
pub fn waiting(consignment: &Consignment) -> impl Iterator<Item = &Shipment> {
    consignment.shipments.values().filter(|shipment| !shipment.is_dispatched())
}

impl Store for ShippingStore {
    type Participant = Shipping;

    fn load(&self) -> World {
        World::new(self.consignments.values().cloned())
    }

    fn save(&mut self, world: World) -> Result<(), String> {
        let changes = world.changes();
        for order_id in &changes.created {
            if self.consignments.contains_key(order_id) {
                return Err(format!("the consignment of {order_id} is there already"));
            }
        }
        let changed = changes.created.iter().chain(&changes.changed);
        let consignments = changed.filter_map(|order_id| Some((*order_id, world.consignment(*order_id)?.clone())));
        self.consignments.extend(consignments);
        Ok(())
    }
}
