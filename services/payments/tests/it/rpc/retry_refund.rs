//! RetryRefund: an operator has a refund asked for again that the provider refused.

use payments::domain::Status;

use super::*;

impl Rpc {
    async fn retry(
        &self,
        bearer: &Bearer,
        request_id: &str,
        order_id: &str,
        refund_number: i32,
    ) -> Result<wire::Payment, tonic::Status> {
        let (request_id, order_id) = (request_id.to_owned(), order_id.to_owned());
        let request = bearer.request(wire::RetryRefundRequest { request_id, order_id, refund_number });
        Ok(self.client.clone().retry_refund(request).await?.into_inner().payment.unwrap())
    }

    /// An order by a card whose refunds are refused that often, captured.
    async fn captured_by(&self, token: &str) -> Order {
        let order = Order::by_card(token);
        self.till.publish(&[&order.created(), &order.reserved(&self.till)]).await;
        self.till.told(&order, &["PaymentAuthorized"]).await;
        self.till.publish(&[&order.confirmed()]).await;
        self.till.told(&order, &["PaymentAuthorized", "PaymentCaptured"]).await;
        order
    }
}

fn not_failed() -> (Code, String, Vec<String>) {
    refused(Code::FailedPrecondition, "REFUND_NOT_FAILED", &[])
}

#[tokio::test]
async fn a_refund_that_was_refused_is_asked_for_again_once_for_each_command() {
    let rpc = Rpc::open().await;
    let order = rpc.captured_by("tok_refund_fails_2").await;
    let (operator, order_id) = (rpc.tokens.operator(), order.id.to_string());
    let mut told = vec!["PaymentAuthorized", "PaymentCaptured", "RefundFailed"];
    rpc.till.publish(&[&order.refund_approved(1, euros(1_000))]).await;
    rpc.till.told(&order, &told).await;

    let first = rpc.retry(&operator, "1", &order_id, 1).await.unwrap();
    let refund = first.operations.iter().find(|operation| operation.key.ends_with(":refund:1")).unwrap();
    assert_eq!(
        (refund.status(), first.status()),
        (wire::ProviderOperationStatus::Pending, wire::PaymentStatus::Refunding)
    );
    told.push("RefundFailed");
    rpc.till.told(&order, &told).await;
    // The same command is not a second one.
    assert_eq!(rpc.retry(&operator, "1", &order_id, 1).await.unwrap(), first);
    rpc.retry(&operator, "2", &order_id, 1).await.unwrap();
    told.push("PaymentRefunded");
    rpc.till.told(&order, &told).await;
    assert_eq!(rpc.till.charge(&order).unwrap().refunds, 1);
    assert_eq!(refusal(rpc.retry(&operator, "3", &order_id, 1).await), not_failed());
    rpc.till.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_that_follows_from_the_end_of_an_order_is_known_as_number_0() {
    let rpc = Rpc::open().await;
    let order = rpc.captured_by("tok_refund_fails_1").await;
    let (operator, order_id) = (rpc.tokens.operator(), order.id.to_string());
    rpc.till.publish(&[&order.cancelled()]).await;
    let told = rpc.till.told(&order, &["PaymentAuthorized", "PaymentCaptured", "RefundFailed"]).await;
    assert_eq!(told[2].decode::<wire::RefundFailed>().unwrap().refund_number, 0);
    assert_eq!(refusal(rpc.retry(&operator, "1", &order_id, 1).await), not_failed());
    rpc.retry(&operator, "2", &order_id, 0).await.unwrap();
    rpc.till.becomes(&order, Status::Refunded).await;
    rpc.till.assert_books_balance().await;
}

#[tokio::test]
async fn only_an_operator_asks_again_and_only_for_what_was_refused() {
    let rpc = Rpc::open().await;
    let (operator, order) = (rpc.tokens.operator(), rpc.captured().await);
    let order_id = order.id.to_string();
    assert_eq!(refusal(rpc.retry(&operator, "1", &order_id, 1).await), not_failed());
    assert_eq!(refusal(rpc.retry(&operator, "2", &Id::<Order>::generate().to_string(), 1).await), not_found());
    let invalid = refused(Code::InvalidArgument, "INVALID_REQUEST", &["request_id", "order_id", "refund_number"]);
    assert_eq!(refusal(rpc.retry(&operator, "", "7", -1).await), invalid);
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    for bearer in [rpc.tokens.buyer(order.buyer_id.uuid()), rpc.tokens.service()] {
        assert_eq!(refusal(rpc.retry(&bearer, "3", &order_id, 1).await), role_missing);
    }
}
