//! The refund saga: what orders approves is given back through the provider, once and as a whole.

use contracts::convert::money_to_wire;
use contracts::orders::v1::RefundApproved;
use contracts::payments::v1 as wire;
use kernel::{Currency, Id, Money};
use payments::domain::{OperationKind, Outcome, Status};
use testkit::{Event, eventually};

use crate::till::{Order, Till, euros};

const AUTHORIZED: &str = "PaymentAuthorized";
const CAPTURED: &str = "PaymentCaptured";
const REFUNDED: &str = "PaymentRefunded";

fn total() -> Money {
    euros(Order::TOTAL_MINOR)
}

/// An order by card whose money was taken.
async fn captured(till: &Till) -> Order {
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    order
}

#[tokio::test]
async fn an_approved_refund_is_asked_for_once_and_told_when_the_money_is_back() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    let (approved, anew) = (order.refund_approved(total()), order.refund_approved(total()));
    till.publish_and_wait(&[&approved, &anew]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let refunded: wire::PaymentRefunded = told[2].decode().unwrap();
    let amount = Some(money_to_wire(total()));
    assert_eq!((refunded.amount, refunded.refunded_amount), (amount.clone(), amount));
    assert_eq!(told[2].causation_id, Some(approved.id()));

    // Neither does it come back a second time when it is back, nor when the order ends after all.
    till.publish_and_wait(&[&order.refund_approved(total()), &order.cancelled()]).await;
    assert_eq!(till.history(&order).await, [AUTHORIZED, CAPTURED, REFUNDED]);
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.captured, payment.refunded), (Status::Refunded, total(), total()));
    let refund = [("refund", "escrow", 4_200), ("refund", "provider_clearing", -4_200)];
    let refund = refund.map(|(kind, account, minor)| (kind.to_owned(), account.to_owned(), minor));
    assert_eq!(till.postings(&order).await[2..], refund);
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (1, 0));
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn another_amount_than_was_captured_is_parked() {
    let (till, _replica) = Till::open().await;
    let wrong = [euros(4_199), euros(4_201), Money::from_minor(Order::TOTAL_MINOR, Currency::USD)];
    for amount in wrong {
        let order = captured(&till).await;
        till.publish_and_wait(&[&order.refund_approved(amount)]).await;
        assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Captured);
        assert_eq!(till.charge(&order).unwrap().refunds, 0);
    }
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), wrong.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: REFUND_MISMATCH")), "{reasons:?}");
    till.assert_books_balance().await;
}

#[tokio::test]
async fn what_was_not_captured_by_card_is_not_refunded() {
    let (till, _replica) = Till::open().await;
    let [unheard_of, authorized] = [(); 2].map(|()| Order::by_card("tok_approved"));
    let in_cash = Order::for_cash();
    for order in [&authorized, &in_cash] {
        till.publish(&[&order.created(), &order.reserved(&till)]).await;
        till.told(order, &[AUTHORIZED]).await;
    }
    till.publish_and_wait(&[&in_cash.confirmed(), &in_cash.collected(total())]).await;
    for order in [&unheard_of, &authorized, &in_cash] {
        till.publish_and_wait(&[&order.refund_approved(total())]).await;
    }
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 3);
    for (reason, expected) in reasons.iter().zip(["NOTHING_CAPTURED", "NOTHING_CAPTURED", "CASH_NOT_REFUNDABLE"]) {
        assert!(reason.starts_with(&format!("refused: {expected}")), "{reasons:?}");
    }
    assert!(till.found(&unheard_of).await.is_none());
    assert_eq!(till.history(&in_cash).await, [AUTHORIZED, CAPTURED]);
    till.assert_books_balance().await;
}

/// Like a void: nothing is made up, and the provider is not asked for ever.
#[tokio::test]
async fn a_refund_that_the_provider_refuses_is_left_to_an_operator() {
    let (till, _replica) = Till::open().await;
    let order = captured(&till).await;
    // Somebody gives it back behind our back.
    let behind_our_back = sandbox_provider::Operation {
        key: "by hand".to_owned(),
        kind: sandbox_provider::Kind::Refund,
        payment: order.id.to_string(),
        amount_minor: Order::TOTAL_MINOR,
        currency: "EUR".to_owned(),
        card_token: None,
    };
    till.ask_provider(&behind_our_back).await;
    till.publish(&[&order.refund_approved(total())]).await;
    eventually("the payment to need an operator", async || {
        till.found(&order).await.filter(|found| found.payment.needs_operator)
    })
    .await;
    till.publish_and_wait(&[&order.refund_approved(total())]).await;
    let found = till.found(&order).await.unwrap();
    assert_eq!((found.payment.status, found.payment.refunded), (Status::Refunding, euros(0)));
    assert_eq!(till.history(&order).await, [AUTHORIZED, CAPTURED]);
    let operations = till.operations(&order).await;
    let refund = operations.iter().find(|operation| operation.key.kind == OperationKind::Refund).unwrap();
    assert!(matches!(refund.outcome, Some(Outcome::Declined(_))), "{refund:?}");
    assert!(till.parked().await.is_empty());
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
    ];
    for event in &broken {
        till.publish_and_wait(&[event]).await;
    }
    let order = captured(&till).await;
    till.publish(&[&order.refund_approved(total())]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), broken.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    till.assert_books_balance().await;
}
