//! Orders compared with payments and inventory, which answer here what a test has them answer. Real ones are in the fleet's tests.

mod others;

use std::time::Duration;

use clap::Parser as _;
use contracts::inventory::v1::ReservationStatus;
use contracts::payments::v1::PaymentStatus;
use kernel::Id;
use orders::domain::ids::OrderId;
use orders::domain::refund::RefundStatus;
use orders::domain::status::Milestone;
use orders::jobs::Done;
use orders::jobs::reconcile_order_state::{Error, Reconciliation};
use others::Others;
use sqlx::Row as _;

use crate::back_office::{BackOffice, Checkout, participant};
use crate::others::{authorized, committed, released, stopped, undone, voided};

const GRACE: Duration = Duration::from_mins(1);

/// A difference: its kind, how often it was tried to heal it, why that failed last, and whether it is gone.
type Row = (String, i32, Option<String>, bool);

impl BackOffice {
    async fn reconcile(&self, others: &Others, dry_run: bool) -> Result<Vec<Done>, Error> {
        let (orders, peers) = (participant(), others.peers());
        Reconciliation { store: &self.store, orders: &orders, peers: &peers, grace: GRACE }.run(None, dry_run).await
    }

    /// What a run says about orders that have rested, in the order given.
    async fn reconciled(&self, others: &Others, order_ids: &[OrderId]) -> Vec<String> {
        self.clock.advance(GRACE);
        let done = self.reconcile(others, false).await.unwrap();
        assert_eq!(done.len(), order_ids.len(), "{done:?}");
        let about = |id: &OrderId| done.iter().find(|done| done.order_id == *id).map(|done| done.what.clone());
        order_ids.iter().map(|id| about(id).unwrap_or_else(|| panic!("{id} in {done:?}"))).collect()
    }

    async fn differences(&self, order_id: OrderId) -> Vec<Row> {
        let query = "SELECT * FROM reconcile_difference WHERE order_id = $1 ORDER BY difference_id";
        let rows = sqlx::query(query).bind(order_id.uuid()).fetch_all(self.store.pool()).await.unwrap();
        let row = |row: &sqlx::postgres::PgRow| {
            let is_gone = row.get::<Option<time::OffsetDateTime>, _>("healed_at").is_some();
            (row.get("kind"), row.get("attempts"), row.get("last_error"), is_gone)
        };
        rows.iter().map(row).collect()
    }
}

fn healed(kind: &str) -> Vec<Row> {
    vec![(kind.to_owned(), 1, None, true)]
}

#[tokio::test]
async fn what_is_held_for_an_order_that_has_ended_is_given_back_and_found_given_back() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let (with_money, with_stock) = (office.new_order().await, office.new_order().await);
    office.hear(&[authorized(with_money)]).await;
    for order_id in [with_money, with_stock] {
        office.cancel(order_id).await.unwrap();
    }
    others.pays(with_money, PaymentStatus::Captured, 4_060, 0);
    others.holds(with_money, ReservationStatus::Released);
    others.pays(with_stock, PaymentStatus::Closed, 0, 0);
    others.holds(with_stock, ReservationStatus::Active);
    // It may still be on its way.
    assert_eq!(office.reconcile(&others, false).await.unwrap(), []);

    let told = office.reconciled(&others, &[with_money, with_stock]).await;
    assert!(
        told[0].starts_with("PAYMENT_HELD_FOR_ENDED_ORDER: payments holds 40.60 EUR that was captured"),
        "{told:?}"
    );
    assert!(told[0].ends_with("UndoPayment was asked for"), "{told:?}");
    assert!(told[1].starts_with("STOCK_HELD_FOR_ENDED_ORDER: inventory holds reserved stock"), "{told:?}");
    assert_eq!(others.commands(), [format!("undo {with_money}"), format!("release {with_stock}")]);
    // They say what they did, and orders hears of it.
    office.hear(&[undone(with_money), released(with_stock)]).await;
    let told = office.reconciled(&others, &[with_money, with_stock]).await;
    assert_eq!(told, ["PAYMENT_HELD_FOR_ENDED_ORDER: gone", "STOCK_HELD_FOR_ENDED_ORDER: gone"]);
    assert_eq!(office.differences(with_money).await, healed("PAYMENT_HELD_FOR_ENDED_ORDER"));
    assert_eq!(office.differences(with_stock).await, healed("STOCK_HELD_FOR_ENDED_ORDER"));
    assert_eq!(office.reconciled(&others, &[]).await, [""; 0]);
}

#[tokio::test]
async fn stock_that_is_held_for_no_order_is_found_among_what_is_held() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let (known, nobodys) = (office.confirmed_order().await, Id::generate());
    others.pays(known, PaymentStatus::Authorized, 0, 0);
    others.holds(known, ReservationStatus::Committed);
    others.holds(nobodys, ReservationStatus::Active);
    let told = office.reconciled(&others, &[nobodys]).await;
    assert!(told[0].starts_with("RESERVATION_WITHOUT_ORDER: "), "{told:?}");
    assert_eq!(others.commands(), [format!("release {nobodys}")]);
    assert_eq!(office.reconciled(&others, &[nobodys]).await, ["RESERVATION_WITHOUT_ORDER: gone"]);
    assert_eq!(office.differences(nobodys).await, healed("RESERVATION_WITHOUT_ORDER"));
}

#[tokio::test]
async fn an_order_without_its_stock_is_cancelled_or_its_money_goes_back() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let (confirmed, paid) = (office.confirmed_order().await, office.paid_order().await);
    others.pays(confirmed, PaymentStatus::Authorized, 0, 0);
    others.pays(paid, PaymentStatus::Captured, 4_060, 0);
    others.holds(paid, ReservationStatus::Expired);
    let told = office.reconciled(&others, &[confirmed, paid]).await;
    assert!(told[0].ends_with("CancelOrder was asked for"), "{told:?}");
    assert!(told[1].ends_with("RequestRefund was asked for"), "{told:?}");
    assert_eq!(others.commands(), [""; 0]);
    assert_eq!(office.order(confirmed).await.standing.status.reason(), Some("CANCELLED_BY_OPERATOR"));
    assert_eq!(office.refunds(paid).await, [(RefundStatus::Requested, 4_060)]);
    let actor = "SELECT actor FROM journal WHERE aggregate_id = $1 ORDER BY version DESC LIMIT 1";
    for order_id in [confirmed, paid] {
        let actor: String =
            sqlx::query_scalar(actor).bind(order_id.uuid()).fetch_one(office.store.pool()).await.unwrap();
        assert_eq!(actor, "service:orders");
    }

    others.pays(confirmed, PaymentStatus::Voided, 0, 0);
    office.hear(&[voided(confirmed), stopped(paid)]).await;
    let gone = "CONFIRMED_WITHOUT_STOCK: gone";
    assert_eq!(office.reconciled(&others, &[confirmed, paid]).await, [gone, gone]);
    assert_eq!(office.order(confirmed).await.standing.status.milestone(), Milestone::Cancelled);
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn what_only_a_person_can_heal_is_told_once_and_stays_open_until_it_is_gone() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let order_id = office.delivered_order().await;
    others.pays(order_id, PaymentStatus::Captured, 4_060, 100);
    others.has_sent(order_id);
    for _ in 0..2 {
        let told = office.reconciled(&others, &[order_id]).await;
        let expected =
            "REFUND_TOTALS_DIFFER: orders counts 0.00 EUR as refunded, and payments 1.00 EUR; a person has to look";
        assert_eq!(told, [expected]);
        assert_eq!(office.differences(order_id).await, [("REFUND_TOTALS_DIFFER".to_owned(), 0, None, false)]);
    }
    others.pays(order_id, PaymentStatus::Captured, 4_060, 0);
    assert_eq!(office.reconciled(&others, &[order_id]).await, ["REFUND_TOTALS_DIFFER: gone"]);
    assert_eq!(others.commands(), [""; 0]);
    // Found again, it is another one.
    others.pays(order_id, PaymentStatus::Authorized, 0, 0);
    let since = Some(office.clock.shown() - Duration::from_hours(1));
    let (orders, peers) = (participant(), others.peers());
    let reconciliation = Reconciliation { store: &office.store, orders: &orders, peers: &peers, grace: GRACE };
    let done = reconciliation.run(since, false).await.unwrap();
    assert!(done[0].what.starts_with("PAID_WITHOUT_MONEY: "), "{done:?}");
    assert_eq!(office.differences(order_id).await.len(), 2);
}

#[tokio::test]
async fn a_command_that_is_refused_holds_up_nobody_and_is_given_again() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let (refused, other) = (office.new_order().await, office.new_order().await);
    for order_id in [refused, other] {
        office.cancel(order_id).await.unwrap();
        others.pays(order_id, PaymentStatus::Authorized, 0, 0);
    }
    others.refuses(refused);
    let told = office.reconciled(&others, &[refused, other]).await;
    assert!(told[0].contains("UndoPayment failed: payments: FailedPrecondition"), "{told:?}");
    assert!(told[1].ends_with("UndoPayment was asked for"), "{told:?}");
    let kind = "PAYMENT_HELD_FOR_ENDED_ORDER".to_owned();
    let [(_, attempts, error, is_gone)] = &office.differences(refused).await[..] else { panic!("one row") };
    assert!((*attempts, *is_gone) == (1, false) && error.as_ref().unwrap().contains("the cash is in"), "{error:?}");

    others.yields(refused);
    office.reconciled(&others, &[refused, other]).await;
    assert_eq!(office.differences(refused).await, [(kind.clone(), 2, None, false)]);
    assert_eq!(office.reconciled(&others, &[refused]).await, [format!("{kind}: gone")]);
    let requests = others.request_ids();
    assert_eq!(requests.len(), 3, "{requests:?}: each attempt has a name of its own");
}

#[tokio::test]
async fn a_dry_run_says_what_differs_and_does_nothing() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let order_id = office.new_order().await;
    office.cancel(order_id).await.unwrap();
    others.pays(order_id, PaymentStatus::Authorized, 0, 0);
    office.clock.advance(GRACE);
    for _ in 0..2 {
        let done = office.reconcile(&others, true).await.unwrap();
        assert!(done[0].what.ends_with("UndoPayment would be asked for"), "{done:?}");
    }
    assert_eq!((office.differences(order_id).await, others.commands()), (Vec::new(), Vec::new()));

    // The subcommand, whose clock is the machine's.
    let run = async |more: &[&str]| {
        let (payments, inventory) = others.urls();
        let command = ["orders", "--database-url", office.database.url(), "--reconcile-grace", "0s"];
        let peers = ["--payments-url", &payments, "--inventory-url", &inventory];
        let command = [&command[..], &peers, more].concat();
        Box::pin(orders::run(orders::Args::parse_from(command))).await.map_err(|error| error.to_string())
    };
    let no_token = run(&["reconcile-order-state"]).await.unwrap_err();
    assert!(no_token.contains("TRADEWIND_SERVICE_TOKEN"), "{no_token}");
    let token = others::token();
    run(&["--service-token", &token, "reconcile-order-state", "--dry-run"]).await.unwrap();
    assert_eq!(others.commands(), [""; 0]);
    run(&["--service-token", &token, "reconcile-order-state", "--since", "1h"]).await.unwrap();
    assert_eq!(others.commands(), [format!("undo {order_id}")]);
}

#[tokio::test]
async fn orders_are_compared_two_hundred_at_a_time_and_again_if_a_peer_was_away() {
    let (office, _replica) = BackOffice::open().await;
    let others = Others::serve(&office).await;
    let checkout = Checkout::new(401);
    office.hear(&[checkout.submitted()]).await;
    for order_id in &checkout.order_ids {
        others.holds(*order_id, ReservationStatus::Active);
    }
    let last = checkout.order_ids[400];
    office.hear(&[authorized(last), committed(last)]).await;
    office.clock.advance(GRACE);
    others.go_away();
    assert!(office.reconcile(&others, false).await.is_err());
    assert_eq!(others.largest_batch(), 0);
    others.come_back();
    let told = office.reconciled(&others, &[last]).await;
    assert!(told[0].starts_with("CONFIRMED_WITHOUT_STOCK"), "{told:?}");
    assert_eq!(others.largest_batch(), 200);
}
