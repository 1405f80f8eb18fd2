//! The refund saga: what orders approves is given back, in parts, each once.

use contracts::convert::money_to_wire;
use contracts::orders::v1::RefundApproved;
use contracts::payments::v1 as wire;
use kernel::{Currency, Id, Money};
use messaging::{Cause, Caused, Outcome as Became, react};
use payments::Heard;
use payments::domain::{Fact, OperationKind, Outcome, Status};
use sandbox_provider::Mode;
use testkit::Event;

use crate::till::{Order, Till, euros, payments};

const AUTHORIZED: &str = "PaymentAuthorized";
const CAPTURED: &str = "PaymentCaptured";
const REFUNDED: &str = "PaymentRefunded";
const REFUND_FAILED: &str = "RefundFailed";

fn total() -> Money {
    euros(Order::TOTAL_MINOR)
}

/// An order by that card whose money was taken.
async fn captured_by(till: &Till, token: &str) -> Order {
    let order = Order::by_card(token);
    till.publish(&[&order.created(), &order.reserved(till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    order
}

async fn captured(till: &Till) -> Order {
    captured_by(till, "tok_approved").await
}

/// An order whose cash was taken.
async fn collected(till: &Till) -> Order {
    let order = Order::for_cash();
    till.publish(&[&order.created(), &order.reserved(till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish_and_wait(&[&order.confirmed(), &order.collected(total())]).await;
    order
}

/// An operator has the first refund asked for again.
async fn retry(till: &Till, order: &Order) {
    let cause = Cause::command("operator:test");
    let fact = Fact::RefundRetried { order_id: order.id, number: 1 };
    let caused = Caused { fact: Heard { fact, cause: cause.clone() }, cause };
    let mut unit = till.store.begin().await.unwrap();
    let became = react(payments().as_ref(), &mut unit, &[caused]).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(became, [Became::Applied]);
}

fn legs(legs: &[(&str, i64)]) -> Vec<(String, i64)> {
    legs.iter().map(|(account, minor)| ((*account).to_owned(), *minor)).collect()
}

#[tokio::test]
async fn an_approved_refund_is_asked_for_once_and_told_when_the_money_is_back() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    // A refund without a number is the first: there was only one.
    let (approved, anew) = (order.refund_approved(0, total()), order.refund_approved(1, total()));
    till.publish_and_wait(&[&approved, &anew]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let refunded: wire::PaymentRefunded = told[2].decode().unwrap();
    let amount = Some(money_to_wire(total()));
    assert_eq!((refunded.amount, refunded.refunded_amount), (amount.clone(), amount));
    assert_eq!((refunded.refund_number, refunded.whole, refunded.to_credit), (1, true, false));
    assert_eq!(told[2].causation_id, Some(approved.id()));

    // Neither does it come back a second time when it is back, nor when the order ends after all.
    till.publish_and_wait(&[&order.refund_approved(1, total()), &order.cancelled()]).await;
    assert_eq!(till.history(&order).await, [AUTHORIZED, CAPTURED, REFUNDED]);
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.captured, payment.refunded), (Status::Refunded, total(), total()));
    assert_eq!(till.posted(&order, "refund").await, legs(&[("escrow", 4_200), ("provider_clearing", -4_200)]));
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (1, 0));
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn several_refunds_give_back_each_its_part_once() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    till.provider.set_mode(Mode::Down);
    let parts = [(1, 1_000), (2, 200), (3, 3_000)].map(|(number, minor)| order.refund_approved(number, euros(minor)));
    // All three are under way at once, and each is approved twice.
    till.publish_and_wait(&[&parts[0], &parts[1], &parts[2], &order.refund_approved(2, euros(200))]).await;
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Refunding);
    till.provider.set_mode(Mode::Up);
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED, REFUNDED, REFUNDED]).await;
    let told: Vec<wire::PaymentRefunded> = told[2..].iter().map(|event| event.decode().unwrap()).collect();
    let mut numbers: Vec<_> = told.iter().map(|refund| refund.refund_number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(told.iter().map(|refund| refund.whole).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(told[2].refunded_amount, Some(money_to_wire(total())));

    let operations = till.operations(&order).await;
    let refunds = operations.iter().filter(|operation| operation.key.kind == OperationKind::Refund);
    let mut keys: Vec<_> = refunds.map(|operation| (operation.key.to_string(), operation.amount.minor())).collect();
    keys.sort_unstable();
    let key = |number| format!("{}:refund:{number}", order.id);
    assert_eq!(keys, [(key(1), 1_000), (key(2), 200), (key(3), 3_000)]);
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (3, 0));
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_after_the_delivery_comes_out_of_the_sellers_balance_and_the_commission() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    till.publish_and_wait(&[&order.delivered(), &order.refund_approved(1, euros(1_010))]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Captured);
    // Of 42.00 the commission is 2.10, of the 31.90 that are left 1.595: rounded to 1.60, the even one.
    let first = legs(&[("seller_balance", 960), ("commission", 50), ("provider_clearing", -1_010)]);
    assert_eq!(till.posted(&order, "refund").await, first);
    till.publish(&[&order.refund_approved(2, euros(3_190))]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED, REFUNDED]).await;
    let second = legs(&[("seller_balance", 3_030), ("commission", 160), ("provider_clearing", -3_190)]);
    assert_eq!(till.posted(&order, "refund").await[3..], second);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn cash_goes_back_to_the_buyers_credit_at_once() {
    let (till, _replica) = Till::open().await;
    let order = collected(&till).await;
    let part = order.refund_approved(1, euros(1_200));
    till.publish_and_wait(&[&part, &part, &order.refund_approved(2, euros(3_000))]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED, REFUNDED]).await;
    let told: Vec<wire::PaymentRefunded> = told[2..].iter().map(|event| event.decode().unwrap()).collect();
    let shown = told.iter().map(|refund| (refund.refund_number, refund.whole, refund.to_credit));
    assert_eq!(shown.collect::<Vec<_>>(), [(1, false, true), (2, true, true)]);
    let posted = legs(&[("escrow", 1_200), ("buyer_credit", -1_200), ("escrow", 3_000), ("buyer_credit", -3_000)]);
    assert_eq!(till.posted(&order, "refund").await, posted);
    assert!(till.operations(&order).await.is_empty());
    assert_eq!(till.charge(&order), None);
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Refunded);
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_is_left_of_what_was_captured_is_parked() {
    let (till, _replica) = Till::open().await;
    let wrong = [euros(4_201), Money::from_minor(Order::TOTAL_MINOR, Currency::USD)];
    for amount in wrong {
        let order = captured(&till).await;
        till.publish_and_wait(&[&order.refund_approved(1, amount)]).await;
        assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Captured);
        assert_eq!(till.charge(&order).unwrap().refunds, 0);
    }
    // What is asked for counts before it is back.
    let in_parts = captured(&till).await;
    till.provider.set_mode(Mode::Down);
    let (part, rest) = (in_parts.refund_approved(1, euros(4_000)), in_parts.refund_approved(2, euros(201)));
    till.publish_and_wait(&[&part, &rest]).await;
    till.provider.set_mode(Mode::Up);
    till.told(&in_parts, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    assert_eq!(till.charge(&in_parts).unwrap().charged_minor, 200);
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 3);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: REFUND_TOO_LARGE")), "{reasons:?}");
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_that_is_approved_again_over_another_amount_is_parked() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    till.publish_and_wait(&[&order.refund_approved(1, euros(100)), &order.refund_approved(1, euros(101))]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let reasons = till.parked().await;
    assert!(reasons.len() == 1 && reasons[0].starts_with("refused: REFUND_MISMATCH"), "{reasons:?}");
    till.assert_books_balance().await;
}

#[tokio::test]
async fn what_was_not_captured_is_not_refunded() {
    let (till, _replica) = Till::open().await;
    let (unheard_of, authorized, in_cash) =
        (Order::by_card("tok_approved"), Order::by_card("tok_approved"), Order::for_cash());
    for order in [&authorized, &in_cash] {
        till.publish(&[&order.created(), &order.reserved(&till)]).await;
        till.told(order, &[AUTHORIZED]).await;
    }
    for order in [&unheard_of, &authorized, &in_cash] {
        till.publish_and_wait(&[&order.refund_approved(1, total())]).await;
    }
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 3);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: NOTHING_CAPTURED")), "{reasons:?}");
    assert!(till.found(&unheard_of).await.is_none());
    assert_eq!(till.history(&in_cash).await, [AUTHORIZED]);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_is_told_and_asked_for_again_by_the_same_key() {
    let (till, _replica) = Till::open().await;
    let order = captured_by(&till, "tok_refund_fails_2").await;
    till.publish(&[&order.refund_approved(1, euros(1_000))]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUND_FAILED]).await;
    let failed: wire::RefundFailed = told[2].decode().unwrap();
    let amount = Some(money_to_wire(euros(1_000)));
    assert_eq!((failed.refund_number, failed.amount, failed.reason.as_str()), (1, amount, "REFUND_REFUSED"));
    // Nobody asks again by themselves.
    till.publish_and_wait(&[&order.refund_approved(1, euros(1_000))]).await;
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.refunded, payment.needs_operator), (Status::Refunding, euros(0), false));
    let refund = || async { till.operations(&order).await.pop().unwrap() };
    assert_eq!(refund().await.outcome, Some(Outcome::Declined("REFUND_REFUSED".to_owned())));

    retry(&till, &order).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUND_FAILED, REFUND_FAILED]).await;
    retry(&till, &order).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUND_FAILED, REFUND_FAILED, REFUNDED]).await;
    let refund = refund().await;
    assert_eq!((refund.key.to_string(), refund.attempts), (format!("{}:refund:1", order.id), 3));
    assert_eq!(refund.outcome, Some(Outcome::Succeeded));
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (1, 3_200));
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

/// The second attempt first asks what became of the first: that it was refused is no answer to it.
#[tokio::test]
async fn what_was_given_back_behind_our_back_is_not_given_back_again() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    let behind_our_back = sandbox_provider::Operation {
        key: "by hand".to_owned(),
        kind: sandbox_provider::Kind::Refund,
        payment: order.id.to_string(),
        amount_minor: Order::TOTAL_MINOR,
        currency: "EUR".to_owned(),
        card_token: None,
    };
    till.ask_provider(&behind_our_back).await;
    till.publish(&[&order.refund_approved(1, total())]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUND_FAILED]).await;
    retry(&till, &order).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUND_FAILED, REFUND_FAILED]).await;
    assert_eq!(told[3].decode::<wire::RefundFailed>().unwrap().reason, "AMOUNT_TOO_LARGE");
    let found = till.found(&order).await.unwrap();
    assert_eq!((found.payment.status, found.payment.refunded), (Status::Refunding, euros(0)));
    assert_eq!(till.charge(&order).unwrap().refunds, 1);
}

#[tokio::test]
async fn a_refund_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (till, _replica) = Till::open().await;
    let with = |change: fn(&mut RefundApproved)| {
        let order_id = Id::<RefundApproved>::generate();
        let amount = Some(money_to_wire(total()));
        let mut message = RefundApproved { order_id: order_id.to_string(), amount, ..RefundApproved::default() };
        change(&mut message);
        Event::new("orders", "order", order_id.uuid(), 4, &message)
    };
    let broken = [
        with(|message| message.order_id.clear()),
        with(|message| message.order_id = Id::<RefundApproved>::generate().to_string()),
        with(|message| message.amount = None),
        with(|message| message.amount = Some(money_to_wire(euros(0)))),
        with(|message| message.amount = Some(money_to_wire(euros(-4_200)))),
        with(|message| message.refund_number = -1),
    ];
    for event in &broken {
        till.publish_and_wait(&[event]).await;
    }
    let order = captured(&till).await;
    till.publish(&[&order.refund_approved(1, total())]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), broken.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    till.assert_books_balance().await;
}
