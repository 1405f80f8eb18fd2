//! Accepting quotes.

use std::time::Duration;

use checkout::app::submit_checkout::{SubmitCheckout, submit_checkouts};
use checkout::domain;
use contracts::checkout::v1::{
    Checkout, CheckoutSubmitted, OrderOutcome, Quote, SubmitCheckoutRequest, SubmitCheckoutResponse,
};
use contracts::payments::v1::payment_method::Method;
use contracts::payments::v1::{Exchange, PaymentMethod};
use messaging::{Head, UnitOfWork, journal};
use testkit::eventually;
use tokio::task::{JoinHandle, JoinSet};
use tonic::{Code, Response, Status};

use crate::desk::{
    Desk, Refused, card, cash_on_delivery, euro, new_request_id, new_uuid, refusal, refused, submission,
};

/// How many checkouts, orders and events there are.
async fn counts(desk: &Desk) -> [i64; 3] {
    [desk.count("checkout").await, desk.count("checkout_order").await, desk.count("journal").await]
}

/// Submits all at once.
async fn submit_all(desk: &Desk, requests: Vec<SubmitCheckoutRequest>) -> Vec<Result<Checkout, Refused>> {
    let mut submitting = JoinSet::new();
    for request in requests {
        let (mut client, request) = (desk.client.clone(), desk.buyer.request(request));
        submitting.spawn(async move { client.submit_checkout(request).await });
    }
    let answers = submitting.join_all().await.into_iter();
    answers
        .map(|answer| match answer {
            Ok(answer) => Ok(answer.into_inner().checkout.unwrap()),
            Err(status) => Err(refused(&status)),
        })
        .collect()
}

#[tokio::test]
async fn a_quote_that_is_accepted_becomes_one_order_for_each_seller() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    let checkout = desk.submit(submission(&quote)).await.unwrap();

    assert_eq!((&checkout.quote_id, &checkout.buyer_id), (&quote.quote_id, &quote.buyer_id));
    assert_eq!(checkout.total, Some(euro(39, 730_000_000)));
    let orders: Vec<_> = checkout.orders.iter().map(|order| (&order.seller_id, &order.total)).collect();
    let offers: Vec<_> = quote.sellers.iter().map(|seller| (&seller.seller_id, &seller.total)).collect();
    assert_eq!(orders, offers);
    assert!(checkout.orders.iter().all(|order| order.outcome() == OrderOutcome::Pending));
    assert!(!checkout.complete);
    assert_eq!(desk.checkout(&checkout.checkout_id).await, checkout);
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn what_was_agreed_is_told_in_one_event_that_begins_a_journey() {
    let desk = Desk::open_with_a_cart().await;
    desk.relay().await;
    let quote = desk.quote().await;
    let checkout = desk.submit(submission(&quote)).await.unwrap();

    let events = desk.kafka.wait_for("tradewind.checkout.v1", "the submission", |events| !events.is_empty()).await;
    let [event] = events.as_slice() else { panic!("one event: {events:?}") };
    assert_eq!(event.event_type, "tradewind.checkout.v1.CheckoutSubmitted");
    assert_eq!(event.aggregate_id.to_string(), checkout.checkout_id);
    assert_eq!((event.correlation_id, event.aggregate_version), (event.aggregate_id, 1));
    assert_eq!(event.origin.key.as_deref(), Some(checkout.checkout_id.as_bytes()));

    let submitted: CheckoutSubmitted = event.decode().unwrap();
    assert_eq!((submitted.quote_id, submitted.quote_hash), (quote.quote_id, quote.hash));
    assert_eq!((submitted.buyer_id, submitted.ship_to), (quote.buyer_id, quote.ship_to));
    assert_eq!(submitted.payment_method, Some(card("tok_approved")));
    assert_eq!(submitted.submit_time, checkout.submit_time);
    for ((order, seller), answered) in submitted.orders.iter().zip(&quote.sellers).zip(&checkout.orders) {
        assert_eq!((&order.order_id, &order.seller_id), (&answered.order_id, &seller.seller_id));
        assert_eq!((&order.lines, &order.total), (&seller.lines, &seller.total));
        assert_eq!((&order.subtotal, &order.shipping, &order.tax), (&seller.subtotal, &seller.shipping, &seller.tax));
    }
    assert_eq!(submitted.orders.len(), 2);
}

#[tokio::test]
async fn the_history_of_a_checkout_ends_where_its_row_says() {
    let desk = Desk::open_with_a_cart().await;
    let checkout_id = desk.check_out().await.checkout_id.parse().unwrap();
    let mut connection = desk.store.pool().acquire().await.unwrap();
    let history = journal::read(&mut connection, checkout_id).await.unwrap();
    let row = sqlx::query("SELECT * FROM checkout").fetch_one(desk.store.pool()).await.unwrap();
    assert_eq!(journal::verify(&history, Head::from_row(&row).unwrap()), Ok(()));
    assert_eq!(history[0].actor, format!("buyer:{}", desk.buyer_id));
}

#[tokio::test]
async fn a_price_that_changed_is_accepted_with_the_quote_that_tells_it() {
    let desk = Desk::open_with_a_cart().await;
    desk.peers.answers().cart.lines[0].unit_price = Some(euro(9, 0));
    let quote = desk.quote().await;
    assert!(quote.submittable && quote.drifts.len() == 1);
    assert!(desk.submit(submission(&quote)).await.is_ok());
}

#[tokio::test]
async fn a_submission_that_is_repeated_answers_the_same_and_records_one_event() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    let checkout = desk.submit(request.clone()).await.unwrap();
    desk.clock.advance(Duration::from_hours(1));
    assert_eq!(desk.submit(request).await.unwrap(), checkout);
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn twenty_identical_submissions_at_once_make_one_checkout() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    let answers = submit_all(&desk, vec![request; 20]).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first), "{answers:?}");
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn of_twenty_acceptances_of_one_quote_at_once_one_wins() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    let answers = submit_all(&desk, (0..20).map(|_| submission(&quote)).collect()).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for answer in lost {
        let refused = answer.unwrap_err();
        assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_ALREADY_SUBMITTED"));
    }
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

/// Accepts a quote in a transaction that stays open.
async fn begin_submission(desk: &Desk, quote: &Quote) -> UnitOfWork {
    let mut unit = desk.store.begin().await.unwrap();
    let command = SubmitCheckout {
        buyer_id: quote.buyer_id.parse().unwrap(),
        actor: "buyer:test".to_owned(),
        quote_id: quote.quote_id.parse().unwrap(),
        accepted: quote.hash.parse().unwrap(),
        payment_method: domain::payment_method::PaymentMethod::CashOnDelivery,
    };
    submit_checkouts(&mut unit, &[&command]).await.unwrap().remove(0).unwrap();
    unit
}

/// Submits a quote, and waits until the database makes that wait for another transaction.
async fn submit_and_wait(desk: &Desk, quote: &Quote) -> JoinHandle<Result<Response<SubmitCheckoutResponse>, Status>> {
    let (mut client, request) = (desk.client.clone(), desk.buyer.request(submission(quote)));
    let submitting = tokio::spawn(async move { client.submit_checkout(request).await });
    waits_for_a_lock(desk).await;
    submitting
}

/// Waits until the database makes a transaction wait for another.
pub(crate) async fn waits_for_a_lock(desk: &Desk) {
    eventually("a transaction that waits", async || {
        let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock')";
        sqlx::query_scalar::<_, bool>(waiting).fetch_one(desk.store.pool()).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn an_acceptance_that_waits_for_another_loses_when_that_is_committed() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    let first = begin_submission(&desk, &quote).await;
    let second = submit_and_wait(&desk, &quote).await;
    first.commit().await.unwrap();
    let refused = refusal(second.await.unwrap());
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_ALREADY_SUBMITTED"));
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn an_acceptance_that_waits_for_another_wins_when_that_is_given_up() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    let first = begin_submission(&desk, &quote).await;
    let second = submit_and_wait(&desk, &quote).await;
    drop(first);
    second.await.unwrap().unwrap();
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn a_quote_is_submitted_once_even_after_the_first_submission_was_answered() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    desk.submit(submission(&quote)).await.unwrap();
    let refused = desk.submit(submission(&quote)).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_ALREADY_SUBMITTED"));
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn the_same_request_id_with_another_body_is_refused() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    desk.submit(request.clone()).await.unwrap();
    let other = SubmitCheckoutRequest { payment_method: Some(cash_on_delivery()), ..request };
    let refused = desk.submit(other).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    assert_eq!(counts(&desk).await, [1, 2, 1]);
}

#[tokio::test]
async fn an_expired_quote_is_refused() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    desk.clock.advance(Duration::from_mins(15));
    let refused = desk.submit(submission(&quote)).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_EXPIRED"));
    assert_eq!(counts(&desk).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_refused_submission_may_be_tried_again_under_its_request_id() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    let altered = SubmitCheckoutRequest { quote_hash: "0".repeat(64), ..request.clone() };
    desk.submit(altered).await.unwrap_err();
    assert!(desk.submit(request).await.is_ok());
}

#[tokio::test]
async fn an_altered_hash_is_refused() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    let altered = SubmitCheckoutRequest { quote_hash: "0".repeat(64), ..submission(&quote) };
    let refused = desk.submit(altered).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_ALTERED"));
    assert_eq!(refused.fields, ["quote_hash"]);
    assert_eq!(counts(&desk).await, [0, 0, 0]);
}

#[tokio::test]
async fn an_offer_that_was_tampered_with_in_the_database_is_not_the_one_accepted() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    sqlx::query("UPDATE quote SET offer = jsonb_set(offer, '{sellers,0,lines,0,unit_price,minor}', '1')")
        .execute(desk.store.pool())
        .await
        .unwrap();
    let refused = desk.submit(submission(&quote)).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_ALTERED"));
}

#[tokio::test]
async fn a_quote_that_lacks_part_of_the_cart_is_refused() {
    let desk = Desk::open_with_a_cart().await;
    desk.peers.answers().available.insert("TEA-1".to_owned(), 0);
    let quote = desk.quote().await;
    assert!(!quote.submittable);
    let refused = desk.submit(submission(&quote)).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_NOT_SUBMITTABLE"));
    assert_eq!(counts(&desk).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_quote_of_another_buyer_is_not_found_and_neither_is_an_unknown_one() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    let answer = desk.client.clone().submit_checkout(desk.other_buyer.request(request.clone())).await;
    assert_eq!(refusal(answer).code_and_reason(), (Code::NotFound, "QUOTE_NOT_FOUND"));
    let unknown = SubmitCheckoutRequest { quote_id: new_uuid().to_string(), ..request };
    let refused = desk.submit(unknown).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::NotFound, "QUOTE_NOT_FOUND"));
    assert_eq!(counts(&desk).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_card_number_is_refused_and_never_repeated() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    for number in ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"] {
        let request = SubmitCheckoutRequest { payment_method: Some(card(number)), ..submission(&quote) };
        let refused = desk.submit(request).await.unwrap_err();
        assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "INVALID_REQUEST"));
        assert_eq!(refused.fields, ["payment_method.card_token"]);
        assert!(!refused.words.contains("1111"), "{}", refused.words);
    }
    assert_eq!(desk.count("idempotency_key").await, 1);
}

#[tokio::test]
async fn every_field_at_fault_is_named_at_once() {
    let desk = Desk::open().await;
    let request = SubmitCheckoutRequest {
        request_id: String::new(),
        quote_id: "quote-17".to_owned(),
        quote_hash: "ABC".to_owned(),
        payment_method: Some(card(&"x".repeat(201))),
    };
    let refused = desk.submit(request).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(refused.fields, ["request_id", "quote_id", "quote_hash", "payment_method.card_token"]);
}

#[tokio::test]
async fn a_payment_method_is_required() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    for method in [None, Some(PaymentMethod { method: None })] {
        let request = SubmitCheckoutRequest { payment_method: method, ..submission(&quote) };
        assert_eq!(desk.submit(request).await.unwrap_err().fields, ["payment_method"]);
    }
    // It follows from a return, and only orders knows of that.
    let exchange = Method::Exchange(Exchange::default());
    let chosen = Some(PaymentMethod { method: Some(exchange) });
    let request = SubmitCheckoutRequest { payment_method: chosen, ..submission(&quote) };
    assert_eq!(desk.submit(request).await.unwrap_err().fields, ["payment_method.exchange"]);
    let cash = SubmitCheckoutRequest { payment_method: Some(cash_on_delivery()), ..submission(&quote) };
    assert!(desk.submit(SubmitCheckoutRequest { request_id: new_request_id(), ..cash }).await.is_ok());
}
