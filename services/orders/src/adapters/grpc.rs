//! The RPCs: from the wire to a command or a query, and back.

use std::fmt::Write as _;
use std::sync::Arc;

use chassis::idempotency::Key;
use chassis::paging;
use chassis::{Caller, Fields, InvalidRequest, caller, status};
use contracts::convert::{InvalidField, id_from_wire, timestamp_to_wire};
use contracts::orders::v1 as wire;
use contracts::orders::v1::orders_service_server::OrdersService;
use messaging::EventStore;
use messaging::journal::{self, Record};
use prost::Message as _;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tonic::{Request, Response, Status};

use super::history::milestones;
use super::postgres::{self, PlacedOrder};
use super::wire_order::order_to_wire;
use super::wire_status::milestone_to_wire;
use super::{wire_refund, wire_units, wire_views};
use crate::Orders;
use crate::app::Error;
use crate::app::cancel_order::{CancelOrder, cancel_order};
use crate::app::modify_order::{ModifyOrder, modify_order};
use crate::app::request_refund::{RequestRefund, request_refund};
use crate::app::split_order::{SplitOrder, split_order};
use crate::domain::error::OrderError;
use crate::domain::fact::{Canceller, Note};
use crate::domain::ids::{BuyerId, OrderId, SellerId};
use crate::domain::refund::RefundRequest;
use crate::domain::snapshot::{Terms, TermsVersion};
use crate::domain::status::Milestone;
use crate::read_model::order_list::{self, Whose};
use crate::read_model::{order_detail, seller_dashboard};

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
        self.find_version(order_id, None, is_theirs).await
    }

    /// The same, as it was agreed in a version; as it is agreed now, if none is named.
    async fn find_version(
        &self,
        order_id: OrderId,
        version: Option<TermsVersion>,
        is_theirs: impl Fn(&Terms) -> bool,
    ) -> Result<PlacedOrder, Error> {
        let found = postgres::find(&mut *self.connection().await?, order_id, version).await?;
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
        let version = wire_units::version_from_wire(request.get_ref().terms_version).map_err(invalid)?;
        let is_theirs = |terms: &Terms| may_read(&caller, terms.buyer_id, terms.seller_id);
        let order = self.find_version(order_id, version, is_theirs).await.map_err(status)?;
        Ok(Response::new(wire::GetOrderResponse { order: Some(order_to_wire(&order)) }))
    }

    async fn list_orders(
        &self,
        request: Request<wire::ListOrdersRequest>,
    ) -> Result<Response<wire::ListOrdersResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let (question, size) = wire_views::question_from_wire(&request).map_err(status)?;
        may_list(&caller, question.whose).map_err(status)?;
        // Everything but the page itself.
        let filters = wire::ListOrdersRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let filters = filters.encode_to_vec();
        let after = paging::cursor(&request.page_token, &filters).map_err(status)?;

        // One more than asked for tells whether there is a next page.
        let limit = i64::from(size) + 1;
        let rows = order_list::list(self.store.pool(), &question, after, limit).await.map_err(status)?;
        let (rows, next_page_token) = paging::page(rows, size, &filters, |last| question.sort.place(last));
        let orders = rows.iter().map(wire_views::summary_to_wire).collect();
        Ok(Response::new(wire::ListOrdersResponse { orders, next_page_token }))
    }

    async fn get_order_detail(
        &self,
        request: Request<wire::GetOrderDetailRequest>,
    ) -> Result<Response<wire::GetOrderDetailResponse>, Status> {
        let caller = caller(&request);
        let order_id: OrderId = id_from_wire("order_id", &request.get_ref().order_id).map_err(invalid)?;
        let not_found = || status(Error::Refused(OrderError::NotFound(order_id)));
        let order = order_detail::find(self.store.pool(), order_id).await.map_err(status)?.ok_or_else(not_found)?;
        let (buyer_id, seller_id) = order_detail::parties(&order).map_err(status)?;
        if !may_read(&caller, buyer_id, seller_id) {
            return Err(not_found());
        }
        Ok(Response::new(wire::GetOrderDetailResponse { order: Some(order) }))
    }

    async fn get_seller_dashboard(
        &self,
        request: Request<wire::GetSellerDashboardRequest>,
    ) -> Result<Response<wire::GetSellerDashboardResponse>, Status> {
        let caller = caller(&request);
        let (seller_id, days) = wire_views::days_from_wire(request.get_ref(), self.store.now()).map_err(status)?;
        may_list(&caller, Whose::Seller(seller_id)).map_err(status)?;
        let dashboard = seller_dashboard::read(self.store.pool(), seller_id, days).await.map_err(status)?;
        let dashboard = Some(wire_views::dashboard_to_wire(seller_id, &dashboard));
        Ok(Response::new(wire::GetSellerDashboardResponse { dashboard }))
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

    async fn modify_order(
        &self,
        request: Request<wire::ModifyOrderRequest>,
    ) -> Result<Response<wire::ModifyOrderResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let left = fields.take(wire_units::units_left_from_wire(&request.lines));
        let note = fields.check("note", note(&request.note));
        let (Some(key), Some(order_id), Some(left), Some(note)) = (key, order_id, left, note) else {
            return Err(status(fields.refuse()));
        };
        self.find(order_id, |terms| may_cancel(&caller, terms)).await.map_err(status)?;
        let command = ModifyOrder { order_id, left, note, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let order = modify_order(unit, &self.orders, command).await?;
            Ok::<_, Error>(wire::ModifyOrderResponse { order: Some(order_to_wire(&order)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn split_order(
        &self,
        request: Request<wire::SplitOrderRequest>,
    ) -> Result<Response<wire::SplitOrderResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let parts = fields.take(wire_units::parts_from_wire(&request.parts));
        let (Some(key), Some(order_id), Some(parts)) = (key, order_id, parts) else {
            return Err(status(fields.refuse()));
        };
        let is_theirs = |terms: &Terms| may_cancel(&caller, terms) || is_seller(&caller, terms);
        self.find(order_id, is_theirs).await.map_err(status)?;
        let parts = parts.into_iter().map(|units| (OrderId::generate(), units)).collect();
        let command = SplitOrder { order_id, parts, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let (order, split_off) = split_order(unit, &self.orders, command).await?;
            let split_off = split_off.iter().map(order_to_wire).collect();
            Ok::<_, Error>(wire::SplitOrderResponse { order: Some(order_to_wire(&order)), split_off })
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
        let order =
            self.find(order_id, |terms| may_read(&caller, terms.buyer_id, terms.seller_id)).await.map_err(status)?;
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

fn may_read(caller: &Caller, buyer_id: BuyerId, seller_id: SellerId) -> bool {
    caller.principal().is_ok_and(|principal| {
        principal.is_operator()
            || principal.is_service()
            || principal.is_buyer(buyer_id)
            || principal.acts_for_seller(seller_id)
    })
}

/// A seller reads orders, and neither cancels nor modifies them.
fn may_cancel(caller: &Caller, terms: &Terms) -> bool {
    caller.principal().is_ok_and(|principal| principal.is_operator() || principal.is_buyer(terms.buyer_id))
}

fn is_seller(caller: &Caller, terms: &Terms) -> bool {
    caller.principal().is_ok_and(|principal| principal.acts_for_seller(terms.seller_id))
}

/// Buyers ask for what they paid for and did not get, or send back; whose money it is may give it back.
fn may_ask(caller: &Caller, wanted: &RefundRequest, terms: &Terms) -> Result<(), Error> {
    let is_theirs = match wanted {
        RefundRequest::BeforeDispatch
        | RefundRequest::PartBeforeDispatch(_)
        | RefundRequest::AfterReturn(_)
        | RefundRequest::Exchange { .. } => may_cancel(caller, terms),
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

fn note(note: &str) -> Result<Option<Note>, kernel::InvalidText> {
    if note.is_empty() { Ok(None) } else { Note::new(note).map(Some) }
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
