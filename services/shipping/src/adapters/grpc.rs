//! The RPCs: from the wire to a command or a query, and back.

use std::collections::BTreeMap;

use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use chassis::{Caller, Fields, InvalidRequest, caller, status};
use contracts::convert::{InvalidField, id_from_wire, money_from_wire};
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::shipping_service_server::ShippingService;
use messaging::EventStore;
use tonic::{Request, Response, Status};

use super::carriers::{CarrierApi as _, NoLabel, SANDBOX, Sandbox};
use super::postgres::{self, Found, Parties, Whose, carrier};
use super::wire_resources::{return_to_wire, shipment_to_wire, status_from_wire};
use super::wire_terms::{condition_from_wire, failure_from_wire, line_from_wire};
use crate::Shipping;
use crate::app::Error;
use crate::app::buy_return_label::{BuyReturnLabel, buy, buy_return_label};
use crate::app::dispatch_parcel::{DispatchParcel, dispatch_parcel};
use crate::app::receive_return::{ReceiveReturn, receive_return};
use crate::app::record_delivery::{RecordDelivery, record_delivery};
use crate::app::record_failure::{RecordFailure, record_failure};
use crate::app::record_remittance::{RecordRemittance, record_remittance};
use crate::domain::consignment::RemittanceReference;
use crate::domain::contents::Contents;
use crate::domain::error::ShippingError;
use crate::domain::goods_return::Goods;
use crate::domain::ids::{OrderId, ShipmentId};
use crate::domain::parcel::{Carrier, TrackingNumber};

const SHIPMENTS_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

/// More than any shipment holds of different SKUs, or than come back in different conditions.
const LINES_MAX: usize = 200;

/// Serves [`ShippingService`].
#[derive(Clone, Debug)]
pub struct Api {
    store: EventStore,
    shipping: Shipping,
    sandbox: Option<Sandbox>,
}

impl Api {
    /// The RPCs over a store, with the sandbox carrier if there is one.
    pub fn new(store: EventStore, shipping: Shipping, sandbox: Option<Sandbox>) -> Self {
        Self { store, shipping, sandbox }
    }

    /// The carrier's number for a parcel: that which was given, or that of a label that is bought now. Who asks again gets the same label.
    async fn tracking_number(
        &self,
        found: &Found,
        given: Option<TrackingNumber>,
        request_id: &str,
    ) -> Result<TrackingNumber, Error> {
        let (None, Some(sandbox)) = (&given, &self.sandbox) else {
            return given.ok_or(Error::Label(NoLabel::Refused("it sells no labels here".to_owned())));
        };
        let key = format!("{}:{request_id}", found.shipment.id);
        let cash_minor = carrier::cash_to_collect(self.store.pool(), found.order_id).await?;
        Ok(sandbox.buy_label(&key, &found.ship_to, &found.service, cash_minor).await?)
    }

    /// The shipment, if it is the caller's business. Whoever it is not does not learn that it exists.
    async fn find(&self, id: ShipmentId, is_theirs: impl Fn(Parties) -> bool) -> Result<Found, Error> {
        let found = postgres::find(&mut *postgres::snapshot(self.store.pool()).await?, id).await?;
        found.filter(|found| is_theirs(found.parties)).ok_or(Error::Refused(ShippingError::ShipmentNotFound(id)))
    }

    /// Whether an order is sent and is the caller's business. Whoever it is not does not learn that it exists.
    async fn check_order(&self, id: OrderId, is_theirs: impl Fn(Parties) -> bool) -> Result<(), Error> {
        let mut connection = self.store.pool().acquire().await.map_err(messaging::Error::from)?;
        let parties = postgres::parties(&mut connection, id).await?;
        parties
            .filter(|parties| is_theirs(*parties))
            .map(|_| ())
            .ok_or(Error::Refused(ShippingError::OrderNotFound(id)))
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

        let is_theirs = match whose {
            Whose::Order(id) => self.check_order(id, |parties| may_read(&caller, parties)).await,
            Whose::Seller(id) => {
                let acts_for = caller.principal().is_ok_and(|principal| principal.acts_for_seller(id));
                if acts_for || is_staff(&caller) { Ok(()) } else { Err(Error::NotYours { field: "seller_id" }) }
            }
        };
        is_theirs.map_err(status)?;
        let mut tx = postgres::snapshot(self.store.pool()).await.map_err(status)?;
        // One more than asked for tells whether there is a next page.
        let limit = i64::from(size) + 1;
        let shipments = postgres::list(&mut tx, whose, only, before, limit).await.map_err(status)?;
        let (shipments, next_page_token) =
            paging::page(shipments, size, &question, |last| (last.order_id, last.shipment.id));
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
        let sells_labels = carrier.as_ref().is_some_and(|carrier| carrier.as_str() == SANDBOX);
        let number = if request.tracking_number.is_empty() && sells_labels {
            Some(None)
        } else {
            fields.check("tracking_number", TrackingNumber::new(request.tracking_number)).map(Some)
        };
        let (Some(key), Some(shipment_id), Some(asked), Some(carrier), Some(number)) =
            (key, shipment_id, asked, carrier, number)
        else {
            return Err(status(fields.refuse()));
        };
        let found = self.find(shipment_id, |parties| may_handle(&caller, parties)).await.map_err(status)?;
        let tracking_number = self.tracking_number(&found, number, &request.request_id).await.map_err(status)?;
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

    async fn record_failure(
        &self,
        request: Request<wire::RecordFailureRequest>,
    ) -> Result<Response<wire::RecordFailureResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let shipment_id = fields.take(id_from_wire("shipment_id", &request.shipment_id));
        let parcel_id = fields.take(id_from_wire("parcel_id", &request.parcel_id));
        let failure = fields.take(failure_from_wire("failure", request.failure));
        let (Some(key), Some(shipment_id), Some(parcel_id), Some(failure)) = (key, shipment_id, parcel_id, failure)
        else {
            return Err(status(fields.refuse()));
        };
        let found = self.find(shipment_id, |parties| may_read(&caller, parties)).await.map_err(status)?;
        let order_id = found.order_id;
        let command = RecordFailure { order_id, shipment_id, parcel_id, failure, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let found = record_failure(unit, self.shipping, command).await?;
            Ok::<_, Error>(wire::RecordFailureResponse { shipment: Some(shipment_to_wire(&found)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn list_returns(
        &self,
        request: Request<wire::ListReturnsRequest>,
    ) -> Result<Response<wire::ListReturnsResponse>, Status> {
        let caller = caller(&request);
        let order_id = id_from_wire("order_id", &request.get_ref().order_id).map_err(invalid)?;
        self.check_order(order_id, |parties| may_read(&caller, parties)).await.map_err(status)?;
        let mut tx = postgres::snapshot(self.store.pool()).await.map_err(status)?;
        let returns = postgres::returns(&mut tx, order_id).await.map_err(status)?;
        Ok(Response::new(wire::ListReturnsResponse { returns: returns.iter().map(return_to_wire).collect() }))
    }

    async fn buy_return_label(
        &self,
        request: Request<wire::BuyReturnLabelRequest>,
    ) -> Result<Response<wire::BuyReturnLabelResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let return_id = fields.take(id_from_wire("return_id", &request.return_id));
        let warehouse_id = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
        let (Some(key), Some(order_id), Some(return_id), Some(warehouse_id)) = (key, order_id, return_id, warehouse_id)
        else {
            return Err(status(fields.refuse()));
        };
        self.check_order(order_id, |parties| may_read(&caller, parties)).await.map_err(status)?;
        let place = (order_id, return_id, warehouse_id);
        let bought = buy(&self.store, self.sandbox.as_ref(), place).await.map_err(status)?;
        let command = BuyReturnLabel { bought, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let found = buy_return_label(unit, self.shipping, command).await?;
            Ok::<_, Error>(wire::BuyReturnLabelResponse { goods_return: Some(return_to_wire(&found)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn receive_return(
        &self,
        request: Request<wire::ReceiveReturnRequest>,
    ) -> Result<Response<wire::ReceiveReturnResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let return_id = fields.take(id_from_wire("return_id", &request.return_id));
        let goods = goods(&request, &mut fields);
        let (Some(key), Some(order_id), Some(return_id), Some(goods)) = (key, order_id, return_id, goods) else {
            return Err(status(fields.refuse()));
        };
        self.check_order(order_id, |parties| may_handle(&caller, parties)).await.map_err(status)?;
        let complete = request.complete;
        let command = ReceiveReturn { order_id, return_id, goods, complete, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let found = receive_return(unit, self.shipping, command).await?;
            Ok::<_, Error>(wire::ReceiveReturnResponse { goods_return: Some(return_to_wire(&found)) })
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

/// A buyer sees shipments and returns, and asks for labels; what leaves and what came back is in others' hands.
fn may_handle(caller: &Caller, parties: Parties) -> bool {
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

/// What came, by its condition.
fn goods(request: &wire::ReceiveReturnRequest, fields: &mut Fields) -> Option<Goods> {
    let lines = &request.lines;
    if lines.is_empty() && !request.complete {
        fields.violation("lines", "may only be empty when complete is set");
        return None;
    }
    if lines.len() > LINES_MAX {
        fields.violation("lines", format!("are at most {LINES_MAX}"));
        return None;
    }
    let mut read = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let at = format!("lines[{index}]");
        let goods = fields.take(line_from_wire(&line.sku, line.quantity).map_err(|invalid| invalid.within(&at)));
        let condition = fields.take(condition_from_wire(&format!("{at}.condition"), line.condition));
        read.push(condition.zip(goods));
    }
    let mut by_condition: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (condition, line) in read.into_iter().collect::<Option<Vec<_>>>()? {
        by_condition.entry(condition).or_default().push(line);
    }
    Some(by_condition.into_iter().map(|(condition, lines)| (condition, Contents::of(lines))).collect())
}
