//! The RPCs: from the wire to a command or a query, and back.

use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use chassis::{Caller, Fields, InvalidRequest, caller, status};
use contracts::convert::{InvalidField, id_from_wire, money_from_wire, timestamp_to_wire};
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::shipping_service_server::ShippingService;
use messaging::EventStore;
use tonic::{Request, Response, Status};

use super::postgres::{self, Found, Parties, Whose};
use super::wire_terms::{address_to_wire, line_from_wire, lines_to_wire};
use crate::Shipping;
use crate::app::Error;
use crate::app::dispatch_parcel::{DispatchParcel, dispatch_parcel};
use crate::app::record_delivery::{RecordDelivery, record_delivery};
use crate::app::record_remittance::{RecordRemittance, record_remittance};
use crate::domain::consignment::RemittanceReference;
use crate::domain::contents::Contents;
use crate::domain::error::ShippingError;
use crate::domain::ids::{OrderId, ShipmentId};
use crate::domain::parcel::{Carrier, Parcel, TrackingNumber};
use crate::domain::shipment::ShipmentStatus;

const SHIPMENTS_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

/// More than any shipment holds of different SKUs.
const LINES_MAX: usize = 200;

/// Serves [`ShippingService`].
#[derive(Clone, Debug)]
pub struct Api {
    store: EventStore,
    shipping: Shipping,
}

impl Api {
    /// The RPCs over a store.
    pub fn new(store: EventStore, shipping: Shipping) -> Self {
        Self { store, shipping }
    }

    /// The shipment, if it is the caller's business. Whoever it is not does not learn that it exists.
    async fn find(&self, id: ShipmentId, is_theirs: impl Fn(Parties) -> bool) -> Result<Found, Error> {
        let found = postgres::find(&mut *postgres::snapshot(self.store.pool()).await?, id).await?;
        found.filter(|found| is_theirs(found.parties)).ok_or(Error::Refused(ShippingError::ShipmentNotFound(id)))
    }
}

#[tonic::async_trait]
impl ShippingService for Api {
    async fn get_shipment(
        &self,
        request: Request<wire::GetShipmentRequest>,
    ) -> Result<Response<wire::GetShipmentResponse>, Status> {
        let caller = caller(&request);
        let shipment_id = id_from_wire("shipment_id", &request.get_ref().shipment_id).map_err(invalid)?;
        let found = self.find(shipment_id, |parties| may_read(&caller, parties)).await.map_err(status)?;
        Ok(Response::new(wire::GetShipmentResponse { shipment: Some(shipment_to_wire(&found)) }))
    }

    async fn list_shipments(
        &self,
        request: Request<wire::ListShipmentsRequest>,
    ) -> Result<Response<wire::ListShipmentsResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let whose = whose(&request, &mut fields);
        let only = fields.take(status_from_wire(request.status));
        let size = fields.take(SHIPMENTS_PER_PAGE.size(request.page_size));
        let (Some(whose), Some(only), Some(size)) = (whose, only, size) else {
            return Err(status(fields.refuse()));
        };
        let question = (&request.order_id, &request.seller_id, request.status);
        let before = paging::cursor::<(OrderId, ShipmentId)>(&request.page_token, &question).map_err(status)?;

        let mut tx = postgres::snapshot(self.store.pool()).await.map_err(status)?;
        let is_theirs = match whose {
            Whose::Order(id) => {
                let parties = postgres::parties(&mut tx, id).await.map_err(status)?;
                let not_found = Error::Refused(ShippingError::OrderNotFound(id));
                if parties.is_some_and(|parties| may_read(&caller, parties)) { Ok(()) } else { Err(not_found) }
            }
            Whose::Seller(id) => {
                let acts_for = caller.principal().is_ok_and(|principal| principal.acts_for_seller(id));
                if acts_for || is_staff(&caller) { Ok(()) } else { Err(Error::NotYours { field: "seller_id" }) }
            }
        };
        is_theirs.map_err(status)?;
        // One more than asked for tells whether there is a next page.
        let limit = i64::from(size) + 1;
        let mut shipments = postgres::list(&mut tx, whose, only, before, limit).await.map_err(status)?;
        let is_last = shipments.len() <= size as usize;
        shipments.truncate(size as usize);
        let next_page_token = match shipments.last() {
            Some(last) if !is_last => paging::next_page_token(&(last.order_id, last.shipment.id), &question),
            _ => String::new(),
        };
        let shipments = shipments.iter().map(shipment_to_wire).collect();
        Ok(Response::new(wire::ListShipmentsResponse { shipments, next_page_token }))
    }

    async fn dispatch_parcel(
        &self,
        request: Request<wire::DispatchParcelRequest>,
    ) -> Result<Response<wire::DispatchParcelResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let shipment_id = fields.take(id_from_wire("shipment_id", &request.shipment_id));
        let asked = contents(&request.lines, &mut fields);
        let carrier = fields.check("carrier", Carrier::new(request.carrier));
        let tracking_number = fields.check("tracking_number", TrackingNumber::new(request.tracking_number));
        let (Some(key), Some(shipment_id), Some(asked), Some(carrier), Some(tracking_number)) =
            (key, shipment_id, asked, carrier, tracking_number)
        else {
            return Err(status(fields.refuse()));
        };
        let found = self.find(shipment_id, |parties| may_dispatch(&caller, parties)).await.map_err(status)?;
        let order_id = found.order_id;
        let command = DispatchParcel { order_id, shipment_id, asked, carrier, tracking_number, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let (parcel_id, found) = dispatch_parcel(unit, self.shipping, command).await?;
            let (shipment, parcel_id) = (Some(shipment_to_wire(&found)), parcel_id.to_string());
            Ok::<_, Error>(wire::DispatchParcelResponse { shipment, parcel_id })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn record_delivery(
        &self,
        request: Request<wire::RecordDeliveryRequest>,
    ) -> Result<Response<wire::RecordDeliveryResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let shipment_id = fields.take(id_from_wire("shipment_id", &request.shipment_id));
        let parcel_id = fields.take(id_from_wire("parcel_id", &request.parcel_id));
        let (Some(key), Some(shipment_id), Some(parcel_id)) = (key, shipment_id, parcel_id) else {
            return Err(status(fields.refuse()));
        };
        let found = self.find(shipment_id, |parties| may_read(&caller, parties)).await.map_err(status)?;
        let order_id = found.order_id;
        let command = RecordDelivery { order_id, shipment_id, parcel_id, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let found = record_delivery(unit, self.shipping, command).await?;
            Ok::<_, Error>(wire::RecordDeliveryResponse { shipment: Some(shipment_to_wire(&found)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn record_remittance(
        &self,
        request: Request<wire::RecordRemittanceRequest>,
    ) -> Result<Response<wire::RecordRemittanceResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let amount = fields.take(money_from_wire("amount", request.amount.as_ref()));
        let reference = RemittanceReference::new(request.remittance_reference);
        let reference = fields.check("remittance_reference", reference);
        let (Some(key), Some(order_id), Some(amount), Some(reference)) = (key, order_id, amount, reference) else {
            return Err(status(fields.refuse()));
        };
        let command = RecordRemittance { order_id, amount, reference, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            record_remittance(unit, self.shipping, command).await?;
            Ok::<_, Error>(wire::RecordRemittanceResponse {})
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }
}

fn invalid(field: InvalidField) -> Status {
    status(InvalidRequest::from(field))
}

/// Whether the caller may see anybody's: an operator, or another service.
fn is_staff(caller: &Caller) -> bool {
    caller.principal().is_ok_and(|principal| principal.is_operator() || principal.is_service())
}

fn may_read(caller: &Caller, parties: Parties) -> bool {
    let is_party = caller
        .principal()
        .is_ok_and(|principal| principal.is_buyer(parties.buyer_id) || principal.acts_for_seller(parties.seller_id));
    is_party || is_staff(caller)
}

/// A buyer sees shipments and sends none.
fn may_dispatch(caller: &Caller, parties: Parties) -> bool {
    caller.principal().is_ok_and(|principal| principal.is_operator() || principal.acts_for_seller(parties.seller_id))
}

fn whose(request: &wire::ListShipmentsRequest, fields: &mut Fields) -> Option<Whose> {
    match (request.order_id.as_str(), request.seller_id.as_str()) {
        (order_id, "") => fields.take(id_from_wire("order_id", order_id)).map(Whose::Order),
        ("", seller_id) => fields.take(id_from_wire("seller_id", seller_id)).map(Whose::Seller),
        (_, _) => {
            fields.violation("seller_id", "must be empty when order_id is set");
            None
        }
    }
}

/// What the lines ask for together.
fn contents(lines: &[wire::ShipmentLine], fields: &mut Fields) -> Option<Contents> {
    if lines.len() > LINES_MAX {
        fields.violation("lines", format!("are at most {LINES_MAX}"));
        return None;
    }
    let mut read = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let line = line_from_wire(&line.sku, line.quantity);
        read.push(fields.take(line.map_err(|invalid| invalid.within(&format!("lines[{index}]")))));
    }
    read.into_iter().collect::<Option<Vec<_>>>().map(Contents::of)
}

fn status_from_wire(status: i32) -> Result<Option<ShipmentStatus>, InvalidField> {
    match wire::ShipmentStatus::try_from(status) {
        Ok(wire::ShipmentStatus::Unspecified) => Ok(None),
        Ok(wire::ShipmentStatus::Pending) => Ok(Some(ShipmentStatus::Pending)),
        Ok(wire::ShipmentStatus::PartlyDispatched) => Ok(Some(ShipmentStatus::PartlyDispatched)),
        Ok(wire::ShipmentStatus::Dispatched) => Ok(Some(ShipmentStatus::Dispatched)),
        Ok(wire::ShipmentStatus::Delivered) => Ok(Some(ShipmentStatus::Delivered)),
        Ok(wire::ShipmentStatus::Cancelled) => Ok(Some(ShipmentStatus::Cancelled)),
        Err(_) => Err(InvalidField::new("status", format!("{status} is no status"))),
    }
}

const fn status_to_wire(status: ShipmentStatus) -> wire::ShipmentStatus {
    match status {
        ShipmentStatus::Pending => wire::ShipmentStatus::Pending,
        ShipmentStatus::PartlyDispatched => wire::ShipmentStatus::PartlyDispatched,
        ShipmentStatus::Dispatched => wire::ShipmentStatus::Dispatched,
        ShipmentStatus::Delivered => wire::ShipmentStatus::Delivered,
        ShipmentStatus::Cancelled => wire::ShipmentStatus::Cancelled,
    }
}

fn shipment_to_wire(found: &Found) -> wire::Shipment {
    let shipment = &found.shipment;
    wire::Shipment {
        shipment_id: shipment.id.to_string(),
        order_id: found.order_id.to_string(),
        warehouse_id: shipment.warehouse_id.to_string(),
        seller_id: found.parties.seller_id.to_string(),
        ship_to: Some(address_to_wire(&found.ship_to)),
        status: status_to_wire(found.status).into(),
        lines: lines_to_wire(&shipment.holds),
        parcels: shipment.parcels.values().map(parcel_to_wire).collect(),
        create_time: Some(timestamp_to_wire(found.created_at)),
        update_time: Some(timestamp_to_wire(found.updated_at)),
    }
}

fn parcel_to_wire(parcel: &Parcel) -> wire::Parcel {
    let status = if parcel.is_delivered() { wire::ParcelStatus::Delivered } else { wire::ParcelStatus::Dispatched };
    wire::Parcel {
        parcel_id: parcel.id.to_string(),
        carrier: parcel.carrier.to_string(),
        tracking_number: parcel.tracking_number.to_string(),
        lines: lines_to_wire(&parcel.contents),
        status: status.into(),
        dispatch_time: Some(timestamp_to_wire(parcel.dispatched_at)),
        deliver_time: parcel.delivered_at.map(timestamp_to_wire),
    }
}
