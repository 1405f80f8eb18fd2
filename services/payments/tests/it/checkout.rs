//! The checkout saga: facts of orders and inventory come in over Kafka, facts of payments go out.

use std::time::Duration;

use contracts::convert::{money_from_wire, money_to_wire};
use contracts::orders::v1::{OrderCreated, OrderModified};
use contracts::payments::v1 as wire;
use kernel::Id;
use messaging::Envelope;
use payments::domain::{OperationKind, Status};
use sandbox_provider::Mode;
use testkit::Event;

use crate::till::{DEAD_LETTERS, ORDERS, Order, Till, euros};

const AUTHORIZED: &str = "PaymentAuthorized";
const DECLINED: &str = "PaymentDeclined";
const CAPTURED: &str = "PaymentCaptured";
const CAPTURE_FAILED: &str = "CaptureFailed";
const VOIDED: &str = "PaymentVoided";
const REFUNDED: &str = "PaymentRefunded";

fn posting(kind: &str, account: &str, minor: i64) -> (String, String, i64) {
    (kind.to_owned(), account.to_owned(), minor)
}

#[tokio::test]
async fn an_order_is_authorized_once_intent_and_hold_are_in_and_captured_when_it_is_confirmed() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    let checkout_id = Id::<OrderCreated>::generate().uuid();
    let (created, reserved, confirmed) = (order.created(), order.reserved(&till), order.confirmed());
    let [created, reserved, confirmed] = [created, reserved, confirmed].map(|event| event.in_journey(checkout_id));

    till.publish_and_wait(&[&created]).await;
    till.becomes(&order, Status::Pending).await;
    assert_eq!(till.charge(&order), None);
    till.publish(&[&reserved, &reserved, &created]).await;
    let told = till.told(&order, &[AUTHORIZED]).await;
    let authorized: wire::PaymentAuthorized = told[0].decode().unwrap();
    let amount = Some(money_to_wire(euros(Order::TOTAL_MINOR)));
    assert_eq!((authorized.amount.as_ref(), authorized.cash_on_delivery), (amount.as_ref(), false));
    assert_eq!((told[0].correlation_id, told[0].causation_id), (checkout_id, Some(reserved.id())));
    assert_eq!(till.charge(&order).unwrap().held_minor, Order::TOTAL_MINOR);
    assert_eq!(till.postings(&order).await, []);

    till.publish(&[&confirmed, &confirmed]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    let captured: wire::PaymentCaptured = told[1].decode().unwrap();
    assert_eq!(captured.amount, amount);
    assert_eq!((told[1].correlation_id, told[1].causation_id), (checkout_id, Some(confirmed.id())));
    assert_eq!(till.charge(&order).unwrap().charged_minor, Order::TOTAL_MINOR);
    let capture = [posting("capture", "provider_clearing", 4_200), posting("capture", "escrow", -4_200)];
    assert_eq!(till.postings(&order).await, capture);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn the_hold_may_come_before_the_intent() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    let checkout_id = Id::<OrderCreated>::generate().uuid();
    till.publish_and_wait(&[&order.reserved(&till).in_journey(checkout_id)]).await;
    assert!(till.found(&order).await.is_none());
    till.clock.advance(Duration::from_secs(1));
    till.publish(&[&order.created().in_journey(checkout_id)]).await;
    let told = till.told(&order, &[AUTHORIZED]).await;
    assert_eq!(told[0].correlation_id, checkout_id);
    // Known since its intent is, not since the hold.
    assert_eq!(till.found(&order).await.unwrap().created_at, till.clock.shown());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_ended_before_it_was_created_here_is_never_authorized() {
    let (till, _replica) = Till::open().await;
    let (first, second) = (Order::by_card("tok_approved"), Order::by_card("tok_approved"));
    till.publish_and_wait(&[&first.cancelled(), &first.created(), &first.reserved(&till)]).await;
    till.publish_and_wait(&[&second.reserved(&till), &second.failed(), &second.created()]).await;
    for order in [&first, &second] {
        assert!(till.found(order).await.is_none());
        assert!(till.operations(order).await.is_empty());
        assert!(till.history(order).await.is_empty());
    }
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_card_is_declined_for_the_issuers_reason() {
    let (till, _replica) = Till::open().await;
    let cards = [
        ("tok_insufficient_funds", "INSUFFICIENT_FUNDS"),
        ("tok_card_expired", "CARD_EXPIRED"),
        ("tok_never_issued", "CARD_UNKNOWN"),
    ];
    for (token, reason) in cards {
        let order = Order::by_card(token);
        till.publish(&[&order.created(), &order.reserved(&till)]).await;
        let told = till.told(&order, &[DECLINED]).await;
        assert_eq!(told[0].decode::<wire::PaymentDeclined>().unwrap().reason, reason);
        till.publish_and_wait(&[&order.failed()]).await;
        assert_eq!(till.history(&order).await, [DECLINED]);
        assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Declined);
        assert_eq!(till.charge(&order), None);
    }
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_reservation_in_its_last_minute_is_too_late_to_authorize() {
    let (till, _replica) = Till::open().await;
    let margin = Duration::from_mins(1);
    let late = Order::by_card("tok_approved");
    till.publish(&[&late.created(), &late.reserved_until(till.clock.shown() + margin)]).await;
    let told = till.told(&late, &[DECLINED]).await;
    assert_eq!(told[0].decode::<wire::PaymentDeclined>().unwrap().reason, "AUTHORIZATION_WINDOW_CLOSED");
    assert!(till.operations(&late).await.is_empty());

    let in_time = Order::by_card("tok_approved");
    let expires_at = till.clock.shown() + margin + Duration::from_millis(1);
    till.publish(&[&in_time.created(), &in_time.reserved_until(expires_at)]).await;
    till.told(&in_time, &[AUTHORIZED]).await;
}

#[tokio::test]
async fn cash_on_delivery_never_asks_the_provider() {
    let (till, _replica) = Till::open().await;
    let order = Order::for_cash();
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    let told = till.told(&order, &[AUTHORIZED]).await;
    assert!(told[0].decode::<wire::PaymentAuthorized>().unwrap().cash_on_delivery);
    till.publish_and_wait(&[&order.confirmed()]).await;
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Authorized);
    till.publish(&[&order.cancelled()]).await;
    till.told(&order, &[AUTHORIZED, VOIDED]).await;
    assert!(till.operations(&order).await.is_empty());
    assert_eq!((till.charge(&order), till.postings(&order).await), (None, Vec::new()));
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_capture_that_fails_is_told_and_voided_when_the_order_is_cancelled() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_capture_fails");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURE_FAILED]).await;
    assert_eq!(told[1].decode::<wire::CaptureFailed>().unwrap().reason, "CAPTURE_REFUSED");
    assert_eq!(till.charge(&order).unwrap().held_minor, Order::TOTAL_MINOR);
    till.publish(&[&order.cancelled()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURE_FAILED, VOIDED]).await;
    assert_eq!(till.charge(&order).unwrap().held_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_failed_order_gives_up_what_is_authorized() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    let failed = order.failed();
    till.publish(&[&failed, &failed]).await;
    let told = till.told(&order, &[AUTHORIZED, VOIDED]).await;
    assert_eq!(told[1].causation_id, Some(failed.id()));
    assert_eq!((till.charge(&order).unwrap().held_minor, till.postings(&order).await), (0, Vec::new()));
    till.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_failed_before_its_stock_was_held_closes_its_payment() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish_and_wait(&[&order.created(), &order.failed(), &order.reserved(&till)]).await;
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Closed);
    assert!(till.operations(&order).await.is_empty());
    assert!(till.history(&order).await.is_empty());
}

#[tokio::test]
async fn a_slow_authorization_that_comes_after_the_cancellation_is_voided() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_slow");
    till.provider.set_mode(Mode::Down);
    till.publish_and_wait(&[&order.created(), &order.reserved(&till), &order.cancelled()]).await;
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.order_ended), (Status::Authorizing, true));
    till.provider.set_mode(Mode::Up);
    till.told(&order, &[VOIDED]).await;
    assert_eq!(till.charge(&order).unwrap().held_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_card_that_is_declined_after_the_cancellation_is_not_told_of() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_insufficient_funds");
    till.provider.set_mode(Mode::Down);
    till.publish_and_wait(&[&order.created(), &order.reserved(&till), &order.cancelled()]).await;
    till.provider.set_mode(Mode::Up);
    till.becomes(&order, Status::Declined).await;
    assert!(till.history(&order).await.is_empty());
}

#[tokio::test]
async fn a_cancelled_order_is_refunded_once_it_was_captured() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    till.publish(&[&order.cancelled()]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let refunded: wire::PaymentRefunded = told[2].decode().unwrap();
    let amount = Some(money_to_wire(euros(Order::TOTAL_MINOR)));
    assert_eq!((refunded.amount, refunded.refunded_amount), (amount.clone(), amount));
    // Nobody approved it: it follows from the end of the order.
    assert_eq!((refunded.refund_number, refunded.whole, refunded.to_credit), (0, true, false));
    assert_eq!(till.operations(&order).await[2].key.to_string(), format!("{}:refund:1", order.id));
    let refund = [posting("refund", "escrow", 4_200), posting("refund", "provider_clearing", -4_200)];
    assert_eq!(till.postings(&order).await[2..], refund);
    assert_eq!(till.charge(&order).unwrap().charged_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_capture_under_way_when_the_order_is_cancelled_is_refunded() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.provider.set_mode(Mode::Down);
    till.publish_and_wait(&[&order.confirmed(), &order.cancelled()]).await;
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.order_ended), (Status::Capturing, true));
    till.provider.set_mode(Mode::Up);
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    assert_eq!(till.charge(&order).unwrap().charged_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_capture_under_way_that_fails_after_the_cancellation_is_voided() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_capture_fails");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.provider.set_mode(Mode::Down);
    till.publish_and_wait(&[&order.confirmed(), &order.cancelled()]).await;
    till.provider.set_mode(Mode::Up);
    till.told(&order, &[AUTHORIZED, VOIDED]).await;
    assert_eq!(till.charge(&order).unwrap().held_minor, 0);
    till.assert_books_balance().await;
}

/// Kind and minor units of what was asked of the provider about an order, oldest first.
async fn asked(till: &Till, order: &Order) -> Vec<(OperationKind, i64)> {
    till.operations(order).await.iter().map(|operation| (operation.key.kind, operation.amount.minor())).collect()
}

/// The amount that the last event of an order tells of.
fn captured_amount(told: &[Envelope]) -> i64 {
    let captured: wire::PaymentCaptured = told.last().unwrap().decode().unwrap();
    money_from_wire("amount", captured.amount.as_ref()).unwrap().minor()
}

#[tokio::test]
async fn a_modified_order_is_authorized_and_captured_for_what_is_due_then() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    let modified = order.modified(2, euros(3_000));
    till.publish_and_wait(&[&order.created(), &modified]).await;
    till.publish(&[&modified, &order.reserved(&till)]).await;
    let told = till.told(&order, &[AUTHORIZED]).await;
    let authorized: wire::PaymentAuthorized = told[0].decode().unwrap();
    assert_eq!(authorized.amount, Some(money_to_wire(euros(3_000))));
    assert_eq!(till.charge(&order).unwrap().authorized_minor, 3_000);

    // What is held stays held; less of it is taken. The same version comes again in another event.
    till.publish_and_wait(&[&order.modified(3, euros(2_500)), &order.modified(3, euros(2_500))]).await;
    till.publish(&[&order.confirmed()]).await;
    assert_eq!(captured_amount(&till.told(&order, &[AUTHORIZED, CAPTURED]).await), 2_500);
    assert_eq!(asked(&till, &order).await, [(OperationKind::Authorize, 3_000), (OperationKind::Capture, 2_500)]);
    assert_eq!(till.charge(&order).unwrap().charged_minor, 2_500);
    let capture = [posting("capture", "provider_clearing", 2_500), posting("capture", "escrow", -2_500)];
    assert_eq!(till.postings(&order).await, capture);
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.terms.amount, payment.due), (euros(Order::TOTAL_MINOR), euros(2_500)));
    assert_eq!((payment.authorized, payment.captured), (Some(euros(3_000)), euros(2_500)));

    // What was taken goes back when the order ends, and no more.
    till.publish(&[&order.cancelled()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    assert_eq!(asked(&till, &order).await[2], (OperationKind::Refund, 2_500));
    assert_eq!(till.charge(&order).unwrap().charged_minor, 0);
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn units_that_are_taken_away_while_the_provider_is_asked_are_not_captured() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.provider.set_mode(Mode::Down);
    till.publish_and_wait(&[&order.created(), &order.reserved(&till), &order.modified(2, euros(1_000))]).await;
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.due), (Status::Authorizing, euros(1_000)));
    till.provider.set_mode(Mode::Up);
    till.told(&order, &[AUTHORIZED]).await;
    // The provider was asked for it before, and is not asked for another amount by the same key.
    assert_eq!(till.charge(&order).unwrap().authorized_minor, Order::TOTAL_MINOR);
    till.publish(&[&order.confirmed()]).await;
    assert_eq!(captured_amount(&till.told(&order, &[AUTHORIZED, CAPTURED]).await), 1_000);
    assert_eq!(till.charge(&order).unwrap().charged_minor, 1_000);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_modified_order_that_fails_gives_up_all_that_is_held() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.modified(2, euros(1_000)), &order.failed()]).await;
    let told = till.told(&order, &[AUTHORIZED, VOIDED]).await;
    let voided: wire::PaymentVoided = told[1].decode().unwrap();
    assert_eq!(voided.amount, Some(money_to_wire(euros(Order::TOTAL_MINOR))));
    assert_eq!(asked(&till, &order).await[1], (OperationKind::Void, Order::TOTAL_MINOR));
    assert_eq!(till.charge(&order).unwrap().held_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_modification_that_makes_no_sense_is_parked() {
    let (till, _replica) = Till::open().await;
    let [unheard_of, raised, paid, unreadable] = [(); 4].map(|()| Order::by_card("tok_approved"));
    let version_1 = Order::by_card("tok_approved");
    till.publish(&[&paid.created(), &paid.reserved(&till)]).await;
    till.told(&paid, &[AUTHORIZED]).await;
    till.publish(&[&paid.confirmed()]).await;
    till.told(&paid, &[AUTHORIZED, CAPTURED]).await;
    till.publish_and_wait(&[&raised.created(), &unreadable.created(), &version_1.created()]).await;

    let totalless = OrderModified { order_id: unreadable.id.to_string(), terms_version: 2, ..OrderModified::default() };
    let nonsense = [
        (unheard_of.modified(2, euros(1_000)), "refused: NOTHING_TO_MODIFY"),
        (raised.modified(2, euros(Order::TOTAL_MINOR + 1)), "refused: MODIFIED_TO_MORE"),
        (paid.modified(2, euros(1_000)), "refused: MODIFIED_TOO_LATE"),
        (Event::new("orders", "order", unreadable.id.uuid(), 2, &totalless), "undecodable: total"),
        (version_1.modified(1, euros(1_000)), "undecodable: terms_version"),
    ];
    for (event, _) in &nonsense {
        till.publish_and_wait(&[event]).await;
    }
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), nonsense.len());
    for (reason, (_, expected)) in reasons.iter().zip(&nonsense) {
        assert!(reason.starts_with(expected), "{reason}");
    }
    assert_eq!(till.charge(&paid).unwrap().charged_minor, Order::TOTAL_MINOR);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (till, _replica) = Till::open().await;
    let unreadable = Order::by_card("tok_approved");
    let with = |change: fn(&mut OrderCreated)| {
        let order = Order::by_card("tok_approved");
        let mut message = order.message();
        change(&mut message);
        Event::new("orders", "order", order.id.uuid(), 1, &message)
    };
    let broken = [
        unreadable.created().with_payload(b"\xff\xff\xff"),
        with(|message| message.order_id = "nobody".to_owned()),
        with(|message| message.order_id = Order::by_card("tok_approved").id.to_string()),
        with(|message| message.buyer_id.clear()),
        with(|message| message.seller_id.clear()),
        with(|message| message.total = None),
        with(|message| message.total = Some(money_to_wire(euros(0)))),
        with(|message| message.total = Some(money_to_wire(euros(-1)))),
        with(|message| message.payment_method = None),
        Order::by_card("").created(),
        Order::by_card(&"x".repeat(201)).created(),
    ];
    for event in &broken {
        till.publish_and_wait(&[event]).await;
    }
    // Behind the first one waits what else is told about its order; nobody else waits.
    till.publish_and_wait(&[&unreadable.cancelled()]).await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;

    let reasons = till.parked().await;
    assert_eq!(reasons.len(), broken.len() + 1);
    let (follower, poison) = reasons.split_last().unwrap();
    assert!(poison.iter().all(|reason| reason.starts_with("undecodable: ")), "{poison:?}");
    assert!(follower.starts_with("waits behind"), "{follower}");
    till.kafka.wait_for(DEAD_LETTERS, "every parked event", |events| events.len() == reasons.len()).await;
}

#[tokio::test]
async fn an_order_that_is_confirmed_without_an_authorization_is_parked() {
    let (till, _replica) = Till::open().await;
    let (unheard_of, pending) = (Order::by_card("tok_approved"), Order::by_card("tok_approved"));
    till.publish_and_wait(&[&unheard_of.confirmed(), &pending.created(), &pending.confirmed()]).await;
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: PAYMENT_NOT_AUTHORIZED")), "{reasons:?}");
    assert!(till.operations(&pending).await.is_empty());
}

#[tokio::test]
async fn an_event_of_a_type_that_is_not_subscribed_to_is_skipped() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    let of_tomorrow = order.cancelled().with_type(&format!("{ORDERS}.OrderTeleported"));
    till.publish(&[&of_tomorrow, &order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    assert!(till.parked().await.is_empty());
}
