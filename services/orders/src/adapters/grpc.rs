//! The RPCs: from the wire to a command or a query, and back.

use std::fmt::Write as _;
use std::sync::Arc;

use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use chassis::{Caller, Fields, InvalidRequest, caller, status};
use contracts::convert::{InvalidField, id_from_wire, money_to_wire, timestamp_to_wire};
use contracts::orders::v1 as wire;
use contracts::orders::v1::orders_service_server::OrdersService;
use messaging::EventStore;
use messaging::journal::{self, Record};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tonic::{Request, Response, Status};

use super::history::milestones;
use super::postgres::{self, PlacedOrder, Whose};
use super::{wire_refund, wire_terms};
use crate::Orders;
use crate::app::Error;
use crate::app::cancel_order::{CancelOrder, cancel_order};
use crate::app::request_refund::{RequestRefund, request_refund};
use crate::domain::error::OrderError;
use crate::domain::fact::{Canceller, Note};
use crate::domain::ids::OrderId;
use crate::domain::refund::RefundRequest;
use crate::domain::snapshot::Terms;
use crate::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

const ORDERS_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

/// Serves [`OrdersService`].
#[derive(Clone, Debug)]
pub struct Api {
    store: EventStore,
    orders: Arc<Orders>,
}

impl Api {
    /// The RPCs over a store.
    pub fn new(store: EventStore, orders: Arc<Orders>) -> Self {
        Self { store, orders }
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        Ok(self.store.pool().acquire().await?)
    }

    /// The order, if it is the caller's business. Whoever it is not does not learn that it exists.
    async fn find(&self, order_id: OrderId, is_theirs: impl Fn(&Terms) -> bool) -> Result<PlacedOrder, Error> {
        let found = postgres::find(&mut *self.connection().await?, order_id).await?;
        found.filter(|order| is_theirs(order.snapshot.terms())).ok_or(Error::Refused(OrderError::NotFound(order_id)))
    }
}

#[tonic::async_trait]
impl OrdersService for Api {
    async fn get_order(
        &self,
        request: Request<wire::GetOrderRequest>,
    ) -> Result<Response<wire::GetOrderResponse>, Status> {
        let caller = caller(&request);
        let order_id = id_from_wire("order_id", &request.get_ref().order_id).map_err(invalid)?;
        let order = self.find(order_id, |terms| may_read(&caller, terms)).await.map_err(status)?;
        Ok(Response::new(wire::GetOrderResponse { order: Some(order_to_wire(&order)) }))
    }

    async fn list_orders(
        &self,
        request: Request<wire::ListOrdersRequest>,
    ) -> Result<Response<wire::ListOrdersResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let whose = whose(&request, &mut fields);
        let milestone = fields.take(milestone_from_wire(request.status));
        let size = fields.take(ORDERS_PER_PAGE.size(request.page_size));
        let (Some(whose), Some(milestone), Some(size)) = (whose, milestone, size) else {
            return Err(status(fields.refuse()));
        };
        may_list(&caller, whose).map_err(status)?;
        let question = (&request.buyer_id, &request.seller_id, request.status);
        let before = paging::cursor(&request.page_token, &question).map_err(status)?;

        let mut connection = self.connection().await.map_err(status)?;
        // One more than asked for tells whether there is a next page.
        let limit = i64::from(size) + 1;
        let mut orders = postgres::list(&mut connection, whose, milestone, before, limit).await.map_err(status)?;
        let is_last = orders.len() <= size as usize;
        orders.truncate(size as usize);
        let next_page_token = match orders.last() {
            Some(last) if !is_last => paging::next_page_token(&last.snapshot.terms().order_id, &question),
            _ => String::new(),
        };
        let orders = orders.iter().map(order_to_wire).collect();
        Ok(Response::new(wire::ListOrdersResponse { orders, next_page_token }))
    }

    async fn cancel_order(
        &self,
        request: Request<wire::CancelOrderRequest>,
    ) -> Result<Response<wire::CancelOrderResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let note = fields.check("note", note(&request.note));
        let (Some(key), Some(order_id), Some(note)) = (key, order_id, note) else {
            return Err(status(fields.refuse()));
        };
        self.find(order_id, |terms| may_cancel(&caller, terms)).await.map_err(status)?;
        let by = if caller.is_operator() { Canceller::Operator } else { Canceller::Buyer };
        let command = CancelOrder { order_id, by, note, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let order = cancel_order(unit, &self.orders, command).await?;
            Ok::<_, Error>(wire::CancelOrderResponse { order: Some(order_to_wire(&order)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn request_refund(
        &self,
        request: Request<wire::RequestRefundRequest>,
    ) -> Result<Response<wire::RequestRefundResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let wanted = fields.take(wire_refund::request_from_wire(&request));
        let note = fields.check("note", note(&request.note));
        let (Some(key), Some(order_id), Some(wanted), Some(note)) = (key, order_id, wanted, note) else {
            return Err(status(fields.refuse()));
        };
        let order = self.find(order_id, |terms| may_cancel(&caller, terms) || is_seller(&caller, terms));
        may_ask(&caller, &wanted, order.await.map_err(status)?.snapshot.terms()).map_err(status)?;
        let command = RequestRefund { order_id, request: wanted, note, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let order = request_refund(unit, &self.orders, command).await?;
            Ok::<_, Error>(wire::RequestRefundResponse { order: Some(order_to_wire(&order)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn get_order_history(
        &self,
        request: Request<wire::GetOrderHistoryRequest>,
    ) -> Result<Response<wire::GetOrderHistoryResponse>, Status> {
        let caller = caller(&request);
        let order_id: OrderId = id_from_wire("order_id", &request.get_ref().order_id).map_err(invalid)?;
        let order = self.find(order_id, |terms| may_read(&caller, terms)).await.map_err(status)?;
        let may_see_payloads = may_see_payment_method(&caller, order.snapshot.terms());
        let mut connection = self.connection().await.map_err(status)?;
        let history = journal::read(&mut connection, order_id.uuid()).await.map_err(status)?;
        let entries = history.iter().zip(milestones(&history));
        let entries = entries.map(|(record, milestone)| entry_to_wire(record, milestone, may_see_payloads)).collect();
        Ok(Response::new(wire::GetOrderHistoryResponse { entries }))
    }
}

fn invalid(field: InvalidField) -> Status {
    status(InvalidRequest::from(field))
}

fn may_read(caller: &Caller, terms: &Terms) -> bool {
    caller.principal().is_ok_and(|principal| {
        principal.is_operator()
            || principal.is_service()
            || principal.is_buyer(terms.buyer_id)
            || principal.acts_for_seller(terms.seller_id)
    })
}

/// A seller reads orders, and does not cancel them.
fn may_cancel(caller: &Caller, terms: &Terms) -> bool {
    caller.principal().is_ok_and(|principal| principal.is_operator() || principal.is_buyer(terms.buyer_id))
}

fn is_seller(caller: &Caller, terms: &Terms) -> bool {
    caller.principal().is_ok_and(|principal| principal.acts_for_seller(terms.seller_id))
}

/// Buyers ask for what they paid for and did not get, or send back; whose money it is may give it back.
fn may_ask(caller: &Caller, wanted: &RefundRequest, terms: &Terms) -> Result<(), Error> {
    let is_theirs = match wanted {
        RefundRequest::BeforeDispatch | RefundRequest::PartBeforeDispatch(_) | RefundRequest::AfterReturn(_) => {
            may_cancel(caller, terms)
        }
        RefundRequest::Goodwill(_) => caller.is_operator() || is_seller(caller, terms),
    };
    if is_theirs { Ok(()) } else { Err(Error::NotYoursToGrant) }
}

/// How the buyer pays is nothing that a seller must know, and the payload of `OrderCreated` tells it.
fn may_see_payment_method(caller: &Caller, terms: &Terms) -> bool {
    caller.principal().is_ok_and(|principal| principal.is_operator() || principal.is_buyer(terms.buyer_id))
}

fn may_list(caller: &Caller, whose: Whose) -> Result<(), Error> {
    let (is_theirs, field) = match whose {
        Whose::Buyer(id) => (caller.principal().is_ok_and(|principal| principal.is_buyer(id)), "buyer_id"),
        Whose::Seller(id) => (caller.principal().is_ok_and(|principal| principal.acts_for_seller(id)), "seller_id"),
    };
    if is_theirs || caller.is_operator() { Ok(()) } else { Err(Error::NotYours { field }) }
}

fn whose(request: &wire::ListOrdersRequest, fields: &mut Fields) -> Option<Whose> {
    match (request.buyer_id.as_str(), request.seller_id.as_str()) {
        (buyer_id, "") => fields.take(id_from_wire("buyer_id", buyer_id)).map(Whose::Buyer),
        ("", seller_id) => fields.take(id_from_wire("seller_id", seller_id)).map(Whose::Seller),
        (_, _) => {
            fields.violation("seller_id", "must be empty when buyer_id is set");
            None
        }
    }
}

fn note(note: &str) -> Result<Option<Note>, kernel::InvalidText> {
    if note.is_empty() { Ok(None) } else { Note::new(note).map(Some) }
}

fn milestone_from_wire(status: i32) -> Result<Option<Milestone>, InvalidField> {
    match wire::OrderStatus::try_from(status) {
        Ok(wire::OrderStatus::Unspecified) => Ok(None),
        Ok(wire::OrderStatus::Created) => Ok(Some(Milestone::Created)),
        Ok(wire::OrderStatus::Confirmed) => Ok(Some(Milestone::Confirmed)),
        Ok(wire::OrderStatus::Paid) => Ok(Some(Milestone::Paid)),
        Ok(wire::OrderStatus::Failed) => Ok(Some(Milestone::Failed)),
        Ok(wire::OrderStatus::Shipped) => Ok(Some(Milestone::Shipped)),
        Ok(wire::OrderStatus::Delivered) => Ok(Some(Milestone::Delivered)),
        Ok(wire::OrderStatus::Refunded) => Ok(Some(Milestone::Refunded)),
        Ok(wire::OrderStatus::Closed) => Ok(Some(Milestone::Closed)),
        Ok(wire::OrderStatus::Cancelled) => Ok(Some(Milestone::Cancelled)),
        Err(_) => Err(InvalidField::new("status", format!("{status} is no status"))),
    }
}

const fn milestone_to_wire(milestone: Milestone) -> wire::OrderStatus {
    match milestone {
        Milestone::Created => wire::OrderStatus::Created,
        Milestone::Confirmed => wire::OrderStatus::Confirmed,
        Milestone::Paid => wire::OrderStatus::Paid,
        Milestone::Failed => wire::OrderStatus::Failed,
        Milestone::Shipped => wire::OrderStatus::Shipped,
        Milestone::Delivered => wire::OrderStatus::Delivered,
        Milestone::Refunded => wire::OrderStatus::Refunded,
        Milestone::Closed => wire::OrderStatus::Closed,
        Milestone::Cancelled => wire::OrderStatus::Cancelled,
    }
}

const fn payment_to_wire(payment: PaymentStatus) -> wire::OrderPaymentStatus {
    match payment {
        PaymentStatus::Unpaid => wire::OrderPaymentStatus::Unpaid,
        PaymentStatus::Authorized => wire::OrderPaymentStatus::Authorized,
        PaymentStatus::Captured => wire::OrderPaymentStatus::Captured,
        PaymentStatus::Declined => wire::OrderPaymentStatus::Declined,
        PaymentStatus::CaptureFailed => wire::OrderPaymentStatus::CaptureFailed,
        PaymentStatus::Voided => wire::OrderPaymentStatus::Voided,
        PaymentStatus::Refunded => wire::OrderPaymentStatus::Refunded,
    }
}

const fn fulfilment_to_wire(fulfilment: FulfilmentStatus) -> wire::OrderFulfilmentStatus {
    match fulfilment {
        FulfilmentStatus::Unallocated => wire::OrderFulfilmentStatus::Unallocated,
        FulfilmentStatus::Allocated => wire::OrderFulfilmentStatus::Allocated,
        FulfilmentStatus::Released => wire::OrderFulfilmentStatus::Released,
        FulfilmentStatus::PartlyShipped => wire::OrderFulfilmentStatus::PartlyShipped,
        FulfilmentStatus::Shipped => wire::OrderFulfilmentStatus::Shipped,
        FulfilmentStatus::Delivered => wire::OrderFulfilmentStatus::Delivered,
        FulfilmentStatus::Failed => wire::OrderFulfilmentStatus::Failed,
    }
}

fn order_to_wire(order: &PlacedOrder) -> wire::Order {
    let terms = order.snapshot.terms();
    wire::Order {
        order_id: terms.order_id.to_string(),
        checkout_id: terms.checkout_id.to_string(),
        buyer_id: terms.buyer_id.to_string(),
        seller_id: terms.seller_id.to_string(),
        status: milestone_to_wire(order.standing.status.milestone()).into(),
        payment_status: payment_to_wire(order.standing.payment).into(),
        fulfilment_status: fulfilment_to_wire(order.standing.fulfilment).into(),
        lines: terms.lines.iter().map(wire_terms::line_to_wire).collect(),
        ship_to: Some(wire_terms::address_to_wire(&terms.ship_to)),
        subtotal: Some(money_to_wire(terms.subtotal)),
        shipping: Some(money_to_wire(terms.shipping)),
        tax: Some(money_to_wire(terms.tax)),
        total: Some(money_to_wire(terms.total)),
        cash_on_delivery: terms.payment_method.is_cash_on_delivery(),
        reason: order.standing.status.reason().unwrap_or_default().to_owned(),
        snapshot_hash: order.snapshot.hash().to_string(),
        version: order.head.version,
        create_time: Some(timestamp_to_wire(order.created_at)),
        update_time: Some(timestamp_to_wire(order.updated_at)),
        cancellation_requested: order.cancellation_requested,
        refunds: order.refunds.iter().map(wire_refund::refund_to_wire).collect(),
        close_time: order.close_at.map(timestamp_to_wire),
    }
}

fn entry_to_wire(record: &Record, milestone: Option<Milestone>, may_see_payloads: bool) -> wire::OrderHistoryEntry {
    let status = milestone.map_or(wire::OrderStatus::Unspecified, milestone_to_wire);
    wire::OrderHistoryEntry {
        version: record.version,
        event_id: record.event_id.to_string(),
        event_type: record.event_type.clone(),
        status: status.into(),
        actor: record.actor.clone(),
        causation_id: record.causation_id.map(|id| id.to_string()).unwrap_or_default(),
        occur_time: Some(timestamp_to_wire(record.occurred_at)),
        payload: if may_see_payloads { record.payload.clone() } else { Vec::new() },
        hash: hexadecimal(&record.hash),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}
