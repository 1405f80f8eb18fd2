//! The RPCs through the real server.

mod retry_refund;
mod seller_balance;
mod undo;

use std::fmt::Debug;
use std::time::Duration;

use chassis::Settings;
use chassis::auth::Verifier;
use chassis::grpc::{Peer, Server};
use contracts::access::Role;
use contracts::convert::money_to_wire;
use contracts::payments::v1 as wire;
use contracts::payments::v1::payments_service_client::PaymentsServiceClient;
use contracts::payments::v1::payments_service_server::PaymentsServiceServer;
use kernel::Id;
use payments::adapters::grpc::Api;
use testkit::{Bearer, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::till::{Order, Replica, Till, euros, payments};

const TIMEOUT: Duration = Duration::from_secs(20);

/// A till with a server in front.
struct Rpc {
    till: Till,
    client: PaymentsServiceClient<Peer>,
    tokens: Tokens,
    _replica: Replica,
    _stop: DropGuard,
}

impl Rpc {
    async fn open() -> Self {
        let (till, replica) = Till::open().await;
        let settings: Settings = testkit::settings(&till.database, &till.kafka);
        let server = Server::bind(&settings, Verifier::new(&settings).await.unwrap()).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let stop = CancellationToken::new();
        let service = PaymentsServiceServer::new(Api::new(till.store.clone(), payments()));
        tokio::spawn(server.add(service).serve(stop.clone()));
        let client = PaymentsServiceClient::new(Peer::new(&url, TIMEOUT).unwrap());
        Self { till, client, tokens: Tokens::new(), _replica: replica, _stop: stop.drop_guard() }
    }

    async fn get_payment(&self, bearer: &Bearer, order_id: &str) -> Result<wire::Payment, Status> {
        let request = bearer.request(wire::GetPaymentRequest { order_id: order_id.to_owned() });
        Ok(self.client.clone().get_payment(request).await?.into_inner().payment.unwrap())
    }

    async fn list_postings(
        &self,
        bearer: &Bearer,
        request: wire::ListPostingsRequest,
    ) -> Result<wire::ListPostingsResponse, Status> {
        Ok(self.client.clone().list_postings(bearer.request(request)).await?.into_inner())
    }

    async fn captured(&self) -> Order {
        let order = Order::by_card("tok_approved");
        self.till.publish(&[&order.created(), &order.reserved(&self.till)]).await;
        self.till.told(&order, &["PaymentAuthorized"]).await;
        self.till.publish(&[&order.confirmed()]).await;
        self.till.told(&order, &["PaymentAuthorized", "PaymentCaptured"]).await;
        order
    }
}

/// Code, reason and the fields at fault.
fn refusal<T: Debug>(answer: Result<T, Status>) -> (Code, String, Vec<String>) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|request| request.field_violations.clone()).unwrap_or_default();
    (status.code(), reason, violations.into_iter().map(|violation| violation.field).collect())
}

fn refused(code: Code, reason: &str, fields: &[&str]) -> (Code, String, Vec<String>) {
    (code, reason.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
}

fn not_found() -> (Code, String, Vec<String>) {
    refused(Code::NotFound, "PAYMENT_NOT_FOUND", &["order_id"])
}

#[tokio::test]
async fn a_payment_is_read_with_what_was_asked_of_the_provider() {
    let rpc = Rpc::open().await;
    let order = rpc.captured().await;
    let buyer = rpc.tokens.buyer(order.buyer_id.uuid());
    let payment = rpc.get_payment(&buyer, &order.id.to_string()).await.unwrap();
    let amount = Some(money_to_wire(euros(Order::TOTAL_MINOR)));
    assert_eq!((payment.status(), payment.version), (wire::PaymentStatus::Captured, 2));
    assert_eq!((payment.buyer_id.as_str(), payment.cash_on_delivery), (order.buyer_id.to_string().as_str(), false));
    assert_eq!((&payment.amount, &payment.authorized_amount, &payment.captured_amount), (&amount, &amount, &amount));
    assert_eq!(payment.refunded_amount, Some(money_to_wire(euros(0))));
    let operations: Vec<_> =
        payment.operations.iter().map(|operation| (operation.kind(), operation.status())).collect();
    let succeeded = wire::ProviderOperationStatus::Succeeded;
    let expected =
        [(wire::ProviderOperationKind::Authorize, succeeded), (wire::ProviderOperationKind::Capture, succeeded)];
    assert_eq!(operations, expected);
    assert_eq!(payment.operations[1].key, format!("{}:capture:1", order.id));
    assert!(payment.operations.iter().all(|operation| operation.complete_time.is_some()));
}

#[tokio::test]
async fn a_modified_payment_states_what_is_due_and_what_is_held() {
    let rpc = Rpc::open().await;
    let order = Order::by_card("tok_approved");
    let operator = rpc.tokens.operator();
    let amounts = async || {
        let payment = rpc.get_payment(&operator, &order.id.to_string()).await.unwrap();
        (payment.amount, payment.authorized_amount)
    };
    let minor = |minor| Some(money_to_wire(euros(minor)));
    rpc.till.publish_and_wait(&[&order.created(), &order.modified(2, euros(3_000))]).await;
    assert_eq!(amounts().await, (minor(3_000), None));
    rpc.till.publish(&[&order.reserved(&rpc.till)]).await;
    rpc.till.told(&order, &["PaymentAuthorized"]).await;
    rpc.till.publish_and_wait(&[&order.modified(3, euros(2_500))]).await;
    assert_eq!(amounts().await, (minor(2_500), minor(3_000)));
}

#[tokio::test]
async fn a_declined_payment_states_its_reason() {
    let rpc = Rpc::open().await;
    let order = Order::by_card("tok_card_expired");
    rpc.till.publish(&[&order.created(), &order.reserved(&rpc.till)]).await;
    rpc.till.told(&order, &["PaymentDeclined"]).await;
    let payment = rpc.get_payment(&rpc.tokens.operator(), &order.id.to_string()).await.unwrap();
    assert_eq!((payment.status(), payment.reason.as_str()), (wire::PaymentStatus::Declined, "CARD_EXPIRED"));
    assert_eq!(payment.authorized_amount, None);
    assert_eq!(payment.operations[0].reason, "CARD_EXPIRED");
}

#[tokio::test]
async fn a_buyer_reads_only_their_own_payment() {
    let rpc = Rpc::open().await;
    let order = Order::by_card("tok_approved");
    rpc.till.publish_and_wait(&[&order.created()]).await;
    let order_id = order.id.to_string();
    let stranger = rpc.tokens.buyer(Id::<Order>::generate().uuid());
    assert_eq!(refusal(rpc.get_payment(&stranger, &order_id).await), not_found());
    for bearer in [rpc.tokens.buyer(order.buyer_id.uuid()), rpc.tokens.operator(), rpc.tokens.service()] {
        let payment = rpc.get_payment(&bearer, &order_id).await.unwrap();
        assert_eq!((payment.status(), payment.version), (wire::PaymentStatus::Pending, 0));
    }
}

#[tokio::test]
async fn an_unknown_order_and_one_that_is_only_held_have_no_payment() {
    let rpc = Rpc::open().await;
    let order = Order::by_card("tok_approved");
    rpc.till.publish_and_wait(&[&order.reserved(&rpc.till)]).await;
    for order_id in [order.id, Id::generate()] {
        assert_eq!(refusal(rpc.get_payment(&rpc.tokens.operator(), &order_id.to_string()).await), not_found());
    }
}

#[tokio::test]
async fn a_malformed_order_id_is_refused() {
    let rpc = Rpc::open().await;
    let operator = rpc.tokens.operator();
    let invalid = |fields: &[&str]| refused(Code::InvalidArgument, "INVALID_REQUEST", fields);
    for order_id in ["", "7", "01890a5d-ac96-774b-bcce-b302099a805"] {
        assert_eq!(refusal(rpc.get_payment(&operator, order_id).await), invalid(&["order_id"]), "{order_id}");
    }
    let request = wire::ListPostingsRequest { order_id: "7".to_owned(), page_size: 501, ..Default::default() };
    assert_eq!(refusal(rpc.list_postings(&operator, request).await), invalid(&["order_id", "page_size"]));
    let request = wire::ListPostingsRequest { page_size: -1, ..Default::default() };
    assert_eq!(refusal(rpc.list_postings(&operator, request).await), invalid(&["page_size"]));
}

#[tokio::test]
async fn nobody_without_the_right_token_is_let_in() {
    let rpc = Rpc::open().await;
    let order_id = Id::<Order>::generate().to_string();
    let subject = Id::<Order>::generate().uuid();
    let question = || wire::GetPaymentRequest { order_id: order_id.clone() };
    let without = rpc.client.clone().get_payment(Request::new(question())).await;
    assert_eq!(refusal(without), refused(Code::Unauthenticated, "TOKEN_MISSING", &[]));
    let expired = rpc.tokens.expired(Role::Buyer, subject);
    assert_eq!(
        refusal(rpc.get_payment(&expired, &order_id).await),
        refused(Code::Unauthenticated, "TOKEN_EXPIRED", &[])
    );
    let forged = Tokens::forger().operator();
    assert_eq!(
        refusal(rpc.get_payment(&forged, &order_id).await),
        refused(Code::Unauthenticated, "TOKEN_INVALID", &[])
    );
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    assert_eq!(refusal(rpc.get_payment(&rpc.tokens.seller(subject), &order_id).await), role_missing);
    for bearer in [rpc.tokens.buyer(subject), rpc.tokens.seller(subject)] {
        let postings = rpc.list_postings(&bearer, wire::ListPostingsRequest::default()).await;
        assert_eq!(refusal(postings), role_missing);
    }
}

#[tokio::test]
async fn postings_are_listed_page_by_page_oldest_first() {
    let rpc = Rpc::open().await;
    let (first, second) = (rpc.captured().await, rpc.captured().await);
    rpc.till.publish(&[&first.cancelled()]).await;
    rpc.till.told(&first, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;

    let service = rpc.tokens.service();
    let mut listed = Vec::new();
    let mut request = wire::ListPostingsRequest { page_size: 4, ..Default::default() };
    loop {
        let page = rpc.list_postings(&service, request.clone()).await.unwrap();
        listed.extend(page.postings);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let orders: Vec<_> = listed.iter().map(|posting| posting.order_id.clone()).collect();
    let (a, b) = (first.id.to_string(), second.id.to_string());
    assert_eq!(orders, [a.clone(), a.clone(), b.clone(), b, a.clone(), a.clone()]);
    assert!(listed.iter().all(|posting| posting.create_time.is_some() && !posting.transaction_id.is_empty()));

    let of_first = wire::ListPostingsRequest { order_id: a, ..Default::default() };
    let page = rpc.list_postings(&service, of_first.clone()).await.unwrap();
    let kinds: Vec<_> = page.postings.iter().map(|posting| (posting.kind.as_str(), posting.account.as_str())).collect();
    let expected = [
        ("capture", "provider_clearing"),
        ("capture", "escrow"),
        ("refund", "escrow"),
        ("refund", "provider_clearing"),
    ];
    assert_eq!(kinds, expected);

    // A token belongs to its question.
    let swapped = wire::ListPostingsRequest { page_token: request.page_token, ..of_first };
    let foreign = refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    assert_eq!(refusal(rpc.list_postings(&service, swapped).await), foreign);
}
