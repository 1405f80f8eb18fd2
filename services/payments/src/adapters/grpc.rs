//! The RPCs: from the wire to a query, and back. Nothing here changes anything.

use chassis::paging::{self, PageSizes};
use chassis::{Fields, InvalidRequest, caller, status};
use contracts::convert::{id_from_wire, money_to_wire, timestamp_to_wire};
use contracts::payments::v1 as wire;
use contracts::payments::v1::payments_service_server::PaymentsService;
use kernel::{Classified, ErrorKind, FieldViolation};
use messaging::EventStore;
use tonic::{Request, Response};

use super::postgres::{ledger, operation, payment};
use crate::domain::{OperationKind, OrderId, Outcome, Status};

const POSTINGS_PER_PAGE: PageSizes = PageSizes { default: 100, max: 500 };

/// Serves [`PaymentsService`].
#[derive(Debug, Clone)]
pub struct Api {
    store: EventStore,
}

impl Api {
    /// The RPCs over a store.
    pub fn new(store: EventStore) -> Self {
        Self { store }
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
        let found = found.filter(may_see).ok_or_else(|| status(PaymentNotFound))?;
        let operations = operation::of_order(self.store.pool(), order_id).await.map_err(status)?;
        Ok(Response::new(wire::GetPaymentResponse { payment: Some(payment_to_wire(&found, &operations)) }))
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

        let mut postings =
            ledger::list(self.store.pool(), order_id, after, i64::from(size) + 1).await.map_err(status)?;
        let more = postings.len() > size as usize;
        postings.truncate(size as usize);
        let next_page_token = match postings.last() {
            Some(last) if more => paging::next_page_token(&last.posting_id, &question),
            _ => String::new(),
        };
        let postings = postings.iter().map(posting_to_wire).collect();
        Ok(Response::new(wire::ListPostingsResponse { postings, next_page_token }))
    }
}

/// There is no such payment, or it is not the caller's.
#[derive(Debug, thiserror::Error)]
#[error("there is no payment of such an order")]
struct PaymentNotFound;

impl Classified for PaymentNotFound {
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }

    fn reason(&self) -> &'static str {
        "PAYMENT_NOT_FOUND"
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        vec![FieldViolation::new("order_id", self)]
    }
}

fn payment_to_wire(found: &payment::Found, operations: &[operation::Found]) -> wire::Payment {
    let payment = &found.payment;
    wire::Payment {
        order_id: payment.order_id.to_string(),
        buyer_id: payment.terms.buyer_id.to_string(),
        status: status_to_wire(payment.status).into(),
        amount: Some(money_to_wire(payment.amount())),
        captured_amount: Some(money_to_wire(payment.captured)),
        refunded_amount: Some(money_to_wire(payment.refunded)),
        cash_on_delivery: payment.is_cash_on_delivery(),
        reason: payment.reason.clone().unwrap_or_default(),
        operations: operations.iter().map(operation_to_wire).collect(),
        version: found.version,
        create_time: Some(timestamp_to_wire(found.created_at)),
        update_time: Some(timestamp_to_wire(found.updated_at)),
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
