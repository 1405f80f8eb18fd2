//! What may go wrong between payments and its provider: lost answers, outages, kills, replicas.

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::Id;
use messaging::{Cause, Caused, Outcome as Became, react};
use payments::adapters::postgres::operation::{self, Claim};
use payments::domain::{Fact, OperationKey, OperationKind, Outcome, Status};
use payments::{Heard, SERVICE};
use sandbox_provider::Mode;
use testkit::eventually;

use crate::till::{Order, PROVIDER_TIMEOUT, Till, payments};

const AUTHORIZED: &str = "PaymentAuthorized";
const CAPTURED: &str = "PaymentCaptured";

/// The attempts that each operation took, by kind.
async fn attempts(till: &Till, order: &Order) -> Vec<(OperationKind, i32)> {
    till.operations(order).await.iter().map(|operation| (operation.key.kind, operation.attempts)).collect()
}

#[tokio::test]
async fn a_lost_answer_is_found_by_its_key_and_charged_once() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_lost_answer");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    assert_eq!(attempts(&till, &order).await, [(OperationKind::Authorize, 2), (OperationKind::Capture, 2)]);
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.captures, charge.charged_minor), (1, Order::TOTAL_MINOR));
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_until_it_answers() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.provider.set_mode(Mode::Down);
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    eventually("a second attempt", async || {
        let attempts = attempts(&till, &order).await;
        if attempts.first().is_some_and(|(_, attempts)| *attempts >= 2) { Ok(()) } else { Err(attempts) }
    })
    .await;
    // Nothing is assumed meanwhile.
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Authorizing);
    assert!(till.history(&order).await.is_empty());
    till.provider.set_mode(Mode::Up);
    till.told(&order, &[AUTHORIZED]).await;

    let refused_at_first = Order::by_card("tok_down_2");
    till.publish(&[&refused_at_first.created(), &refused_at_first.reserved(&till)]).await;
    till.told(&refused_at_first, &[AUTHORIZED]).await;
    assert_eq!(attempts(&till, &refused_at_first).await, [(OperationKind::Authorize, 3)]);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn an_answer_after_the_timeout_is_unknown_until_it_is_asked_for_by_its_key() {
    let till = Till::closed().await;
    let _replica = till.start_replica_without_worker().await;
    let order = Order::by_card("tok_slow_700");
    till.publish_and_wait(&[&order.created(), &order.reserved(&till)]).await;
    let worker = till.start_worker(SERVICE.name, Duration::from_millis(100)).await;
    till.told(&order, &[AUTHORIZED]).await;
    let attempts = attempts(&till, &order).await;
    assert!(attempts[0].1 >= 2, "{attempts:?}");
    till.assert_books_balance().await;
    worker.kill().await;
}

/// The worker is kept from committing by a lock on the payment, and killed while the provider's answer is in its hands.
#[tokio::test]
async fn a_worker_killed_between_the_answer_and_the_commit_charges_once() {
    let till = Till::closed().await;
    let _replica = till.start_replica_without_worker().await;
    let order = Order::by_card("tok_approved");
    let worker = till.start_worker("payments-0", PROVIDER_TIMEOUT).await;
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    worker.kill().await;
    till.publish_and_wait(&[&order.confirmed()]).await;

    let mut obstacle = messaging::begin(till.store.pool()).await.unwrap();
    let row = sqlx::query("SELECT FROM payment WHERE order_id = $1 FOR UPDATE").bind(order.id.uuid());
    row.fetch_one(&mut *obstacle).await.unwrap();
    let worker = till.start_worker("payments-0", PROVIDER_TIMEOUT).await;
    eventually("the provider to have captured", async || till.charge(&order).filter(|charge| charge.captures == 1))
        .await;
    worker.kill().await;
    obstacle.rollback().await.unwrap();
    assert_eq!(till.history(&order).await, [AUTHORIZED]);

    let worker = till.start_worker("payments-0", PROVIDER_TIMEOUT).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.captures, charge.charged_minor), (1, Order::TOTAL_MINOR));
    till.assert_books_balance().await;
    worker.kill().await;
}

#[tokio::test]
async fn a_replica_that_starts_again_takes_up_what_it_had_claimed_and_nobody_elses() {
    let till = Till::closed().await;
    let _replica = till.start_replica_without_worker().await;
    let (own, others) = (Order::by_card("tok_approved"), Order::by_card("tok_approved"));
    for (order, replica) in [(&own, "payments-0"), (&others, "payments-1")] {
        till.publish_and_wait(&[&order.created(), &order.reserved(&till)]).await;
        let claim = Claim { replica: replica.to_owned(), lease: Duration::from_hours(1) };
        assert_eq!(operation::claim(till.store.pool(), &claim, &BTreeSet::new(), 10).await.unwrap().len(), 1);
    }
    let worker = till.start_worker("payments-0", PROVIDER_TIMEOUT).await;
    till.told(&own, &[AUTHORIZED]).await;
    worker.drain().await;
    assert_eq!(attempts(&till, &own).await, [(OperationKind::Authorize, 2)]);
    assert_eq!(attempts(&till, &others).await, [(OperationKind::Authorize, 1)]);
    assert_eq!(till.charge(&others), None);
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_commits_what_is_under_way() {
    let till = Till::closed().await;
    let _replica = till.start_replica_without_worker().await;
    let order = Order::by_card("tok_slow_300");
    till.publish_and_wait(&[&order.created(), &order.reserved(&till)]).await;
    let worker = till.start_worker(SERVICE.name, PROVIDER_TIMEOUT).await;
    eventually("the provider to be asked", async || till.charge(&order)).await;
    worker.drain().await;
    assert_eq!(till.history(&order).await, [AUTHORIZED]);
}

#[tokio::test]
async fn two_replicas_never_charge_twice() {
    let till = Till::closed().await;
    let _replica = till.start_replica("payments-0").await;
    let other = till.start_worker("payments-1", PROVIDER_TIMEOUT).await;
    let tokens = ["tok_approved", "tok_lost_answer", "tok_slow_20", "tok_down_1"];
    let orders: Vec<_> = (0..60).map(|number| Order::by_card(tokens[number % tokens.len()])).collect();
    for order in &orders {
        till.publish(&[&order.created(), &order.reserved(&till)]).await;
    }
    for order in &orders {
        till.told(order, &[AUTHORIZED]).await;
        till.publish(&[&order.confirmed()]).await;
    }
    for order in &orders {
        till.told(order, &[AUTHORIZED, CAPTURED]).await;
        let charge = till.charge(order).unwrap();
        assert_eq!((charge.captures, charge.charged_minor), (1, Order::TOTAL_MINOR));
    }
    till.assert_books_balance().await;
    other.kill().await;
}

#[tokio::test]
async fn a_second_outcome_of_an_operation_changes_nothing() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;

    let answered = |order_id, kind, outcome| {
        let fact = Fact::ProviderAnswered { key: OperationKey::new(order_id, kind), attempt: 1, outcome };
        let cause = Cause::command("service:test");
        Caused { fact: Heard { fact, cause: cause.clone() }, cause }
    };
    let no = || Outcome::Declined("CHANGED_ITS_MIND".to_owned());
    let facts = [
        answered(order.id, OperationKind::Authorize, Outcome::Succeeded),
        answered(order.id, OperationKind::Authorize, no()),
        answered(order.id, OperationKind::Capture, Outcome::Succeeded),
        answered(Id::generate(), OperationKind::Authorize, Outcome::Succeeded),
    ];
    let mut unit = till.store.begin().await.unwrap();
    let became = react(payments().as_ref(), &mut unit, &facts).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(became[..2], [Became::AlreadyApplied, Became::AlreadyApplied]);
    assert!(became[2..].iter().all(|became| matches!(became, Became::Refused(_))), "{became:?}");
    assert_eq!(till.history(&order).await, [AUTHORIZED]);
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Authorized);
}

/// A provider that refuses to void has to be dealt with by a person: nothing is made up, and it is not asked for ever.
#[tokio::test]
async fn a_void_that_the_provider_refuses_is_left_to_an_operator() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    // Somebody voids it behind our back.
    let behind_our_back = sandbox_provider::Operation {
        key: "by hand".to_owned(),
        kind: sandbox_provider::Kind::Void,
        payment: order.id.to_string(),
        amount_minor: Order::TOTAL_MINOR,
        currency: "EUR".to_owned(),
        card_token: None,
    };
    till.ask_provider(&behind_our_back).await;
    till.publish(&[&order.cancelled()]).await;
    eventually("the payment to need an operator", async || {
        till.found(&order).await.filter(|found| found.payment.needs_operator)
    })
    .await;
    let found = till.found(&order).await.unwrap();
    assert_eq!((found.payment.status, found.payment.reason.as_deref()), (Status::Voiding, Some("ALREADY_VOIDED")));
    assert_eq!(till.history(&order).await, [AUTHORIZED]);
    assert_eq!(till.operations(&order).await[1].outcome, Some(Outcome::Declined("ALREADY_VOIDED".to_owned())));
}
