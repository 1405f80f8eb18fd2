//! BatchGetPayments and UndoPayment: what whoever reconciles asks and heals with.

use contracts::convert::money_to_wire;
use kernel::Id;
use payments::domain;

use super::*;

impl Rpc {
    async fn batch_get(&self, bearer: &Bearer, order_ids: &[String]) -> Result<Vec<wire::Payment>, Status> {
        let request = bearer.request(wire::BatchGetPaymentsRequest { order_ids: order_ids.to_vec() });
        Ok(self.client.clone().batch_get_payments(request).await?.into_inner().payments)
    }

    async fn undo(&self, bearer: &Bearer, request_id: &str, order_id: &str) -> Result<wire::Payment, Status> {
        let (request_id, order_id) = (request_id.to_owned(), order_id.to_owned());
        let request = bearer.request(wire::UndoPaymentRequest { request_id, order_id });
        Ok(self.client.clone().undo_payment(request).await?.into_inner().payment.unwrap())
    }
}

fn new_id() -> String {
    Id::<Order>::generate().to_string()
}

#[tokio::test]
async fn many_payments_are_read_at_once_in_the_order_asked() {
    let rpc = Rpc::open().await;
    let (first, second) = (rpc.captured().await, Order::for_cash());
    rpc.till.publish_and_wait(&[&second.created()]).await;
    let only_held = Order::by_card("tok_approved");
    rpc.till.publish_and_wait(&[&only_held.reserved(&rpc.till)]).await;

    let (first, second) = (first.id.to_string(), second.id.to_string());
    let asked = [second.clone(), only_held.id.to_string(), new_id(), first.clone(), second.clone()];
    for bearer in [rpc.tokens.operator(), rpc.tokens.service()] {
        let payments = rpc.batch_get(&bearer, &asked).await.unwrap();
        assert_eq!(payments.iter().map(|payment| &payment.order_id).collect::<Vec<_>>(), [&second, &first]);
        let statuses = [payments[0].status(), payments[1].status()];
        assert_eq!(statuses, [wire::PaymentStatus::Pending, wire::PaymentStatus::Captured]);
        assert_eq!(payments[1].captured_amount, Some(money_to_wire(euros(Order::TOTAL_MINOR))));
        assert!(payments.iter().all(|payment| payment.operations.is_empty()));
    }
}

#[tokio::test]
async fn wrong_ids_are_named_and_buyers_are_not_let_in() {
    let rpc = Rpc::open().await;
    let operator = rpc.tokens.operator();
    let invalid = |fields: &[&str]| refused(Code::InvalidArgument, "INVALID_REQUEST", fields);
    let too_many: Vec<String> = (0..201).map(|_| new_id()).collect();
    assert_eq!(refusal(rpc.batch_get(&operator, &too_many).await), invalid(&["order_ids"]));
    assert_eq!(refusal(rpc.batch_get(&operator, &[]).await), invalid(&["order_ids"]));
    let malformed = rpc.batch_get(&operator, &[new_id(), "7".to_owned(), String::new()]).await;
    assert_eq!(refusal(malformed), invalid(&["order_ids[1]", "order_ids[2]"]));
    assert_eq!(refusal(rpc.undo(&operator, "", "7").await), invalid(&["request_id", "order_id"]));

    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    let subject = Id::<Order>::generate().uuid();
    for bearer in [rpc.tokens.buyer(subject), rpc.tokens.seller(subject)] {
        assert_eq!(refusal(rpc.batch_get(&bearer, &[new_id()]).await), role_missing);
        assert_eq!(refusal(rpc.undo(&bearer, "1", &new_id()).await), role_missing);
    }
}

#[tokio::test]
async fn what_was_captured_goes_back_once_however_often_it_is_undone() {
    let rpc = Rpc::open().await;
    let order = rpc.captured().await;
    let (service, order_id) = (rpc.tokens.service(), order.id.to_string());
    let undone = rpc.undo(&service, "1", &order_id).await.unwrap();
    assert_eq!(undone.status(), wire::PaymentStatus::Refunding);
    // The same command, another one, and then the fact itself, which was late.
    assert_eq!(rpc.undo(&service, "1", &order_id).await.unwrap(), undone);
    rpc.undo(&rpc.tokens.operator(), "2", &order_id).await.unwrap();
    rpc.till.publish_and_wait(&[&order.cancelled()]).await;

    rpc.till.becomes(&order, domain::Status::Refunded).await;
    rpc.till.told(&order, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
    let charge = rpc.till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (1, 0));
    rpc.till.assert_books_balance().await;
    assert!(rpc.till.parked().await.is_empty());
}

#[tokio::test]
async fn what_is_held_is_given_up_and_who_undid_it_is_in_the_history() {
    let rpc = Rpc::open().await;
    let order = Order::for_cash();
    rpc.till.publish(&[&order.created(), &order.reserved(&rpc.till)]).await;
    rpc.till.becomes(&order, domain::Status::Authorized).await;
    let undone = rpc.undo(&rpc.tokens.service(), "1", &order.id.to_string()).await.unwrap();
    assert_eq!(undone.status(), wire::PaymentStatus::Voided);
    let mut connection = rpc.till.store.pool().acquire().await.unwrap();
    let history = messaging::journal::read(&mut connection, order.id.uuid()).await.unwrap();
    assert!(history.last().unwrap().actor.starts_with("service:"), "{}", history.last().unwrap().actor);
}

#[tokio::test]
async fn neither_cash_that_was_taken_nor_what_was_never_heard_of_is_undone() {
    let rpc = Rpc::open().await;
    let (service, order) = (rpc.tokens.service(), Order::for_cash());
    rpc.till.publish_and_wait(&[&order.created(), &order.reserved(&rpc.till)]).await;
    rpc.till.publish_and_wait(&[&order.confirmed(), &order.collected(euros(Order::TOTAL_MINOR))]).await;
    let cash_taken = refused(Code::FailedPrecondition, "CASH_TAKEN", &[]);
    assert_eq!(refusal(rpc.undo(&service, "1", &order.id.to_string()).await), cash_taken);

    let late = Order::by_card("tok_approved");
    assert_eq!(refusal(rpc.undo(&service, "2", &late.id.to_string()).await), not_found());
    rpc.till.publish_and_wait(&[&late.created()]).await;
    rpc.till.becomes(&late, domain::Status::Pending).await;
}
