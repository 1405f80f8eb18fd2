//! The consignments that a batch of facts touches, and the only operations on them.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;

use super::consignment::{Cancellation, Consignment, PartStop, RemittanceReference};
use super::contents::Contents;
use super::goods_return::{Received, Return, ReturnStatus};
use super::ids::{OrderId, ParcelId, ReceiptId, RefundNumber, ReturnId, ShipmentId, WarehouseId, shipment_id};
use super::parcel::{Parcel, ParcelFailure, ParcelState};
use super::return_label::{ReturnLabel, ReturnParcelStatus};
use super::shipment::Shipment;

/// The consignments that a batch of facts touches, by order. One that is absent does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    consignments: BTreeMap<OrderId, Consignment>,
    changes: Changes,
}

/// What has to be saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Consignments that this batch created, and all that is in them but the parcels.
    pub created: BTreeSet<OrderId>,
    /// Consignments that were there before and changed.
    pub changed: BTreeSet<OrderId>,
    /// Shipments that were there before and changed.
    pub shipments: BTreeSet<(OrderId, ShipmentId)>,
    /// Parcels that left.
    pub dispatched: BTreeSet<Place>,
    /// Parcels that had left before and were delivered or failed.
    pub ended: BTreeSet<Place>,
    /// Wishes to stop a part that were answered.
    pub part_stops: BTreeSet<(OrderId, RefundNumber)>,
    /// Returns that were opened.
    pub opened: BTreeSet<(OrderId, ReturnId)>,
    /// Returns that were open before and changed.
    pub returns: BTreeSet<(OrderId, ReturnId)>,
    /// What came back.
    pub receipts: BTreeSet<(OrderId, ReturnId, ReceiptId)>,
    /// Labels that were bought.
    pub labelled: BTreeSet<LabelPlace>,
    /// Labels that were there before, and whose parcels moved or are awaited no more.
    pub labels: BTreeSet<LabelPlace>,
}

/// Where a parcel is found.
pub type Place = (OrderId, ShipmentId, ParcelId);

/// Where a label for the way back is found.
pub type LabelPlace = (OrderId, ReturnId, WarehouseId);

/// What a carrier's number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// A parcel to a buyer.
    Parcel(Place),
    /// What a buyer sends back by a label.
    Return(LabelPlace),
}

impl World {
    /// The consignments that exist.
    pub fn new(consignments: impl IntoIterator<Item = Consignment>) -> Self {
        let consignments = consignments.into_iter().map(|consignment| (consignment.order_id, consignment)).collect();
        Self { consignments, changes: Changes::default() }
    }

    /// The consignment of an order, if there is one.
    pub fn consignment(&self, order_id: OrderId) -> Option<&Consignment> {
        self.consignments.get(&order_id)
    }

    /// What has to be saved.
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Adds a new consignment.
    pub(crate) fn create(&mut self, consignment: Consignment) {
        self.changes.created.insert(consignment.order_id);
        self.consignments.insert(consignment.order_id, consignment);
    }

    /// Lets a parcel leave a shipment that has its contents. Answers the consignment after it.
    pub(crate) fn dispatch(&mut self, order_id: OrderId, shipment_id: ShipmentId, parcel: Parcel) -> &Consignment {
        self.changes.dispatched.insert((order_id, shipment_id, parcel.id));
        self.shipment(order_id, shipment_id).parcels.insert(parcel.id, parcel);
        &self.consignments[&order_id]
    }

    /// Notes that a parcel was delivered. Answers the consignment after it.
    pub(crate) fn deliver(&mut self, place: Place, at: Timestamp) -> &Consignment {
        self.end(place, ParcelState::Delivered { at })
    }

    /// Notes that a parcel failed. Answers the consignment after it.
    pub(crate) fn fail(&mut self, place: Place, failure: ParcelFailure, at: Timestamp) -> &Consignment {
        self.end(place, ParcelState::Failed { failure, at })
    }

    /// Goods are on their way back.
    pub(crate) fn open(&mut self, order_id: OrderId, goods_return: Return) {
        self.changes.opened.insert((order_id, goods_return.id));
        self.change(order_id).returns.insert(goods_return.id, goods_return);
    }

    /// Takes in what came back, which is awaited. Answers the consignment after it.
    pub(crate) fn receive(
        &mut self,
        order_id: OrderId,
        return_id: ReturnId,
        receipt_id: ReceiptId,
        received: Received,
        complete: bool,
    ) -> &Consignment {
        self.changes.receipts.insert((order_id, return_id, receipt_id));
        let goods_return = self.goods_return(order_id, return_id);
        goods_return.receipts.insert(receipt_id, received);
        if complete || goods_return.is_whole() {
            goods_return.status = ReturnStatus::Received;
            let labels: Vec<WarehouseId> = goods_return.labels.keys().copied().collect();
            for warehouse_id in labels {
                self.note_label((order_id, return_id, warehouse_id));
            }
        }
        &self.consignments[&order_id]
    }

    /// A label was bought for a return.
    pub(crate) fn label(&mut self, place: LabelPlace, label: ReturnLabel) {
        let (order_id, return_id, warehouse_id) = place;
        self.changes.labelled.insert(place);
        self.goods_return(order_id, return_id).labels.insert(warehouse_id, label);
    }

    /// Notes where a parcel is that is on its way back by a label.
    pub(crate) fn move_back(&mut self, place: LabelPlace, status: ReturnParcelStatus, at: Timestamp) {
        let (order_id, return_id, warehouse_id) = place;
        self.note_label(place);
        let label = self.goods_return(order_id, return_id).labels.get_mut(&warehouse_id);
        let label = label.expect("whoever decides has seen the label");
        (label.status, label.moved_at) = (status, Some(at));
    }

    /// Notes what became of the wish to stop an order.
    pub(crate) fn cancel(&mut self, order_id: OrderId, cancellation: Cancellation) {
        let consignment = self.change(order_id);
        consignment.cancellation = Some(cancellation);
        let shipments: Vec<ShipmentId> = consignment.shipments.keys().copied().collect();
        match cancellation {
            Cancellation::Stopped => self.note_changed(order_id, shipments),
            Cancellation::Refused => {}
        }
    }

    /// Notes what became of the wish to stop a part, and stops it where that says. Answers the consignment after it.
    pub(crate) fn stop_part(&mut self, order_id: OrderId, refund_number: RefundNumber, stop: PartStop) -> &Consignment {
        self.changes.part_stops.insert((order_id, refund_number));
        for (warehouse_id, contents) in stop.stopped.iter().flatten() {
            let shipment = self.shipment(order_id, shipment_id(order_id, *warehouse_id));
            shipment.stopped = Contents::sum([&shipment.stopped, contents]);
        }
        let consignment = self.change(order_id);
        consignment.part_stops.insert(refund_number, stop);
        if consignment.is_stopped_in_parts() {
            self.cancel(order_id, Cancellation::Stopped);
        }
        &self.consignments[&order_id]
    }

    /// Notes that the cash was passed on.
    pub(crate) fn remit(&mut self, order_id: OrderId, reference: RemittanceReference) {
        self.change(order_id).remittance = Some(reference);
    }

    fn end(&mut self, place: Place, state: ParcelState) -> &Consignment {
        let (order_id, shipment_id, parcel_id) = place;
        // A parcel that leaves in this batch is inserted as it is at its end.
        if !self.changes.dispatched.contains(&place) {
            self.changes.ended.insert(place);
        }
        let parcel = self.shipment(order_id, shipment_id).parcels.get_mut(&parcel_id);
        parcel.expect("whoever decides has seen the parcel").state = state;
        &self.consignments[&order_id]
    }

    /// A consignment to change.
    fn change(&mut self, order_id: OrderId) -> &mut Consignment {
        if !self.changes.created.contains(&order_id) {
            self.changes.changed.insert(order_id);
        }
        self.consignments.get_mut(&order_id).expect("whoever decides has seen the consignment")
    }

    /// A return to change. One that is opened in this batch is inserted as it is at its end.
    fn goods_return(&mut self, order_id: OrderId, return_id: ReturnId) -> &mut Return {
        if !self.changes.opened.contains(&(order_id, return_id)) {
            self.changes.returns.insert((order_id, return_id));
        }
        let goods_return = self.change(order_id).returns.get_mut(&return_id);
        goods_return.expect("whoever decides has seen the return")
    }

    /// A label that changes. One that is bought in this batch is inserted as it is at its end.
    fn note_label(&mut self, place: LabelPlace) {
        if !self.changes.labelled.contains(&place) {
            self.changes.labels.insert(place);
        }
    }

    /// A shipment to change.
    fn shipment(&mut self, order_id: OrderId, shipment_id: ShipmentId) -> &mut Shipment {
        self.note_changed(order_id, [shipment_id]);
        let shipment = self.change(order_id).shipments.get_mut(&shipment_id);
        shipment.expect("whoever decides has seen the shipment")
    }

    fn note_changed(&mut self, order_id: OrderId, shipments: impl IntoIterator<Item = ShipmentId>) {
        if !self.changes.created.contains(&order_id) {
            self.changes.shipments.extend(shipments.into_iter().map(|shipment_id| (order_id, shipment_id)));
        }
    }
}
