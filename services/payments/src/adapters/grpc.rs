//! The RPCs: from the wire to a command or a query, and back.

use std::sync::Arc;

use chassis::fields::distinct;
use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use chassis::{Fields, InvalidRequest, caller, status};
use contracts::convert::{id_from_wire, money_to_wire, timestamp_to_wire};
use contracts::payments::v1 as wire;
use contracts::payments::v1::payments_service_server::PaymentsService;
use messaging::EventStore;
use tonic::{Request, Response};

use super::postgres::{ledger, operation, payment};
use crate::Payments;
use crate::app::Error;
use crate::app::retry_refund::{RetryRefund, retry_refund};
use crate::app::undo_payment::undo_payment;
use crate::domain::{Method, OperationKind, OrderId, Outcome, SellerId, Status};

const ORDER_IDS_MAX: usize = 200;
const POSTINGS_PER_PAGE: PageSizes = PageSizes { default: 100, max: 500 };

/// Serves [`PaymentsService`].
#[derive(Debug, Clone)]
pub struct Api {
    store: EventStore,
    payments: Arc<Payments>,
}

impl Api {
    /// The RPCs over a store.
    pub fn new(store: EventStore, payments: Arc<Payments>) -> Self {
        Self { store, payments }
    }
}

#[tonic::async_trait]
impl PaymentsService for Api {
    async fn get_payment(
        &self,
        request: Request<wire::GetPaymentRequest>,
    ) -> Result<Response<wire::GetPaymentResponse>, tonic::Status> {
        let caller = caller(&request);
        let order_id: OrderId = id_from_wire("order_id", &request.get_ref().order_id)
            .map_err(|field| status(InvalidRequest::from(field)))?;
        let may_see = |found: &payment::Found| {
            caller.principal().is_ok_and(|principal| {
                principal.is_operator() || principal.is_service() || principal.is_buyer(found.payment.terms.buyer_id)
            })
        };
        let found = payment::find(self.store.pool(), order_id).await.map_err(status)?;
        let found = found.filter(may_see).ok_or_else(|| status(Error::PaymentNotFound))?;
        let operations = operation::of_order(self.store.pool(), order_id).await.map_err(status)?;
        Ok(Response::new(wire::GetPaymentResponse { payment: Some(payment_to_wire(&found, &operations)) }))
    }

    async fn batch_get_payments(
        &self,
        request: Request<wire::BatchGetPaymentsRequest>,
    ) -> Result<Response<wire::BatchGetPaymentsResponse>, tonic::Status> {
        let order_ids = request.into_inner().order_ids;
        let order_ids: Vec<OrderId> = distinct("order_ids", &order_ids, ORDER_IDS_MAX, id_from_wire).map_err(status)?;
        let found = payment::find_many(self.store.pool(), &order_ids).await.map_err(status)?;
        let payments = order_ids.iter().filter_map(|id| found.get(id)).map(|found| payment_to_wire(found, &[]));
        Ok(Response::new(wire::BatchGetPaymentsResponse { payments: payments.collect() }))
    }

    async fn undo_payment(
        &self,
        request: Request<wire::UndoPaymentRequest>,
    ) -> Result<Response<wire::UndoPaymentResponse>, tonic::Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let (Some(key), Some(order_id)) = (key, order_id) else { return Err(status(fields.refuse())) };
        let answer = key.run(&self.store, async |unit| {
            let found = undo_payment(unit, &self.payments, order_id, caller.actor()).await?;
            let payment = Some(payment_to_wire(&found, &[]));
            Ok::<_, Error>(wire::UndoPaymentResponse { payment })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn retry_refund(
        &self,
        request: Request<wire::RetryRefundRequest>,
    ) -> Result<Response<wire::RetryRefundResponse>, tonic::Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let number = fields.check("refund_number", refund_number(request.refund_number));
        let (Some(key), Some(order_id), Some(number)) = (key, order_id, number) else {
            return Err(status(fields.refuse()));
        };
        let command = RetryRefund { order_id, number, actor: caller.actor() };
        let answer = key.run(&self.store, async |unit| {
            let found = retry_refund(unit, &self.payments, command).await?;
            let operations = operation::of_order(unit.tx(), order_id).await?;
            Ok::<_, Error>(wire::RetryRefundResponse { payment: Some(payment_to_wire(&found, &operations)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn get_seller_balance(
        &self,
        request: Request<wire::GetSellerBalanceRequest>,
    ) -> Result<Response<wire::GetSellerBalanceResponse>, tonic::Status> {
        let caller = caller(&request);
        let seller_id: SellerId = id_from_wire("seller_id", &request.get_ref().seller_id)
            .map_err(|field| status(InvalidRequest::from(field)))?;
        let may_see = caller.principal().is_ok_and(|principal| {
            principal.is_operator() || principal.is_service() || principal.acts_for_seller(seller_id)
        });
        if !may_see {
            return Err(status(Error::NotYours));
        }
        let balances = ledger::balances_of_seller(self.store.pool(), seller_id).await.map_err(status)?;
        let balances = balances.into_iter().map(money_to_wire).collect();
        Ok(Response::new(wire::GetSellerBalanceResponse { balances }))
    }

    async fn list_postings(
        &self,
        request: Request<wire::ListPostingsRequest>,
    ) -> Result<Response<wire::ListPostingsResponse>, tonic::Status> {
        let request = request.into_inner();
        let mut fields = Fields::new();
        let order_id = match request.order_id.as_str() {
            "" => Some(None),
            id => fields.take(id_from_wire::<crate::domain::Order>("order_id", id)).map(Some),
        };
        let size = fields.take(POSTINGS_PER_PAGE.size(request.page_size));
        let (Some(order_id), Some(size)) = (order_id, size) else { return Err(status(fields.refuse())) };
        let question = ("postings", order_id);
        let after = paging::cursor::<i64>(&request.page_token, &question).map_err(status)?.unwrap_or(0);

        let postings = ledger::list(self.store.pool(), order_id, after, i64::from(size) + 1).await.map_err(status)?;
        let (postings, next_page_token) = paging::page(postings, size, &question, |last| last.posting_id);
        let postings = postings.iter().map(posting_to_wire).collect();
        Ok(Response::new(wire::ListPostingsResponse { postings, next_page_token }))
    }
}

fn refund_number(number: i32) -> Result<i32, &'static str> {
    if number < 0 { Err("must not be below 0") } else { Ok(number) }
}

fn payment_to_wire(found: &payment::Found, operations: &[operation::Found]) -> wire::Payment {
    let payment = &found.payment;
    wire::Payment {
        order_id: payment.order_id.to_string(),
        buyer_id: payment.terms.buyer_id.to_string(),
        seller_id: payment.terms.seller_id.to_string(),
        status: status_to_wire(payment.status).into(),
        amount: Some(money_to_wire(payment.due)),
        authorized_amount: payment.authorized.map(money_to_wire),
        captured_amount: Some(money_to_wire(payment.captured)),
        refunded_amount: Some(money_to_wire(payment.refunded)),
        cash_on_delivery: payment.is_cash_on_delivery(),
        exchange: exchange_to_wire(&payment.terms.method),
        reason: payment.reason.clone().unwrap_or_default(),
        operations: operations.iter().map(operation_to_wire).collect(),
        version: found.version,
        create_time: Some(timestamp_to_wire(found.created_at)),
        update_time: Some(timestamp_to_wire(found.updated_at)),
    }
}

fn exchange_to_wire(method: &Method) -> Option<wire::Exchange> {
    match method {
        Method::Exchange(exchange) => Some(wire::Exchange {
            order_id: exchange.order_id.to_string(),
            refund_number: exchange.refund_number,
            charged_order_id: exchange.charged_order_id.map(|id| id.to_string()).unwrap_or_default(),
        }),
        Method::Card(_) | Method::CashOnDelivery => None,
    }
}

fn operation_to_wire(found: &operation::Found) -> wire::ProviderOperation {
    let (status, reason) = match &found.outcome {
        None => (wire::ProviderOperationStatus::Pending, String::new()),
        Some(Outcome::Succeeded) => (wire::ProviderOperationStatus::Succeeded, String::new()),
        Some(Outcome::Declined(reason)) => (wire::ProviderOperationStatus::Declined, reason.clone()),
    };
    wire::ProviderOperation {
        key: found.key.to_string(),
        kind: kind_to_wire(found.key.kind).into(),
        status: status.into(),
        amount: Some(money_to_wire(found.amount)),
        attempts: found.attempts,
        reason,
        create_time: Some(timestamp_to_wire(found.created_at)),
        complete_time: found.completed_at.map(timestamp_to_wire),
    }
}

fn posting_to_wire(found: &ledger::Found) -> wire::Posting {
    wire::Posting {
        transaction_id: found.transaction_id.to_string(),
        order_id: found.order_id.to_string(),
        account: found.account.clone(),
        amount: Some(money_to_wire(found.amount)),
        kind: found.kind.clone(),
        create_time: Some(timestamp_to_wire(found.created_at)),
    }
}

const fn kind_to_wire(kind: OperationKind) -> wire::ProviderOperationKind {
    match kind {
        OperationKind::Authorize => wire::ProviderOperationKind::Authorize,
        OperationKind::Capture => wire::ProviderOperationKind::Capture,
        OperationKind::Void => wire::ProviderOperationKind::Void,
        OperationKind::Refund => wire::ProviderOperationKind::Refund,
    }
}

const fn status_to_wire(status: Status) -> wire::PaymentStatus {
    match status {
        Status::Pending => wire::PaymentStatus::Pending,
        Status::Authorizing => wire::PaymentStatus::Authorizing,
        Status::Authorized => wire::PaymentStatus::Authorized,
        Status::Capturing => wire::PaymentStatus::Capturing,
        Status::Captured => wire::PaymentStatus::Captured,
        Status::CaptureFailed => wire::PaymentStatus::CaptureFailed,
        Status::Declined => wire::PaymentStatus::Declined,
        Status::Voiding => wire::PaymentStatus::Voiding,
        Status::Voided => wire::PaymentStatus::Voided,
        Status::Refunding => wire::PaymentStatus::Refunding,
        Status::Refunded => wire::PaymentStatus::Refunded,
        Status::Closed => wire::PaymentStatus::Closed,
    }
}
