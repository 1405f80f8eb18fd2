//! Views follow from histories alone: made anew they are what they were, whatever happened while they grew.

use std::time::Duration;

use contracts::orders::v1 as wire;
use contracts::payments::v1 as payments;
use contracts::shipping::v1 as shipping;
use kernel::{Quantity, Timestamp};
use messaging::read_model::{Rebuilt, rebuild};
use messaging::{Cause, Caused, Outcome, Relay, react};
use orders::domain::fact::{Canceller, Commitment, Fact, OrderFact};
use orders::domain::ids::{OrderId, WarehouseId};
use orders::domain::refund::RefundRequest;
use orders::domain::shipping_instruction::Allocation;
use orders::domain::snapshot::{PaymentMethod, Snapshot, Terms};
use orders::read_model::order_list::{self, Question, Sort, Whose};
use orders::read_model::{self, Views, order_detail};
use prost::{Message, Name};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::{Event, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::back_office::{BackOffice, Checkout, euro, euro_on_wire, participant, terms_of, with_two_spoons};

const ROUNDS: usize = 20;
const ORDERS_PER_ROUND: usize = 50;

fn told_by<E: Message + Name>(order_id: OrderId, version: i64, message: &E) -> Event {
    let (service, aggregate) = if E::full_name().starts_with("tradewind.payments") {
        ("payments", "payment")
    } else {
        ("shipping", "consignment")
    };
    Event::new(service, aggregate, order_id.uuid(), version, message)
}

/// What an order of `terms_of` costs, in cents.
const TOTAL: i64 = 595;

fn captured(order_id: OrderId, cents: i64) -> Event {
    told_by(
        order_id,
        1,
        &payments::PaymentCaptured { order_id: order_id.to_string(), amount: Some(euro_on_wire(cents)) },
    )
}

fn refunded(order_id: OrderId, version: i64, cents: i64) -> Event {
    let (order_id_text, amount) = (order_id.to_string(), Some(euro_on_wire(cents)));
    let message = payments::PaymentRefunded {
        order_id: order_id_text,
        amount: amount.clone(),
        refunded_amount: amount,
        refund_number: 1,
        ..payments::PaymentRefunded::default()
    };
    told_by(order_id, version, &message)
}

fn refund_failed(order_id: OrderId, version: i64) -> Event {
    let (order_id_text, reason) = (order_id.to_string(), "REFUND_REFUSED".to_owned());
    let message = payments::RefundFailed { order_id: order_id_text, refund_number: 1, amount: None, reason };
    told_by(order_id, version, &message)
}

fn dispatched(order_id: OrderId, version: i64, parcel_id: &str) -> Event {
    let message = shipping::ShipmentDispatched {
        order_id: order_id.to_string(),
        parcel_id: parcel_id.to_owned(),
        carrier: "sandbox".to_owned(),
        tracking_number: format!("T-{parcel_id}"),
        lines: vec![shipping::ShipmentLine { sku: "SPOON".to_owned(), quantity: 1 }],
        ..shipping::ShipmentDispatched::default()
    };
    told_by(order_id, version, &message)
}

fn delivered(order_id: OrderId, version: i64, parcel_id: &str) -> Event {
    let (order_id_text, parcel_id) = (order_id.to_string(), parcel_id.to_owned());
    let message =
        shipping::ShipmentDelivered { order_id: order_id_text, parcel_id, ..shipping::ShipmentDelivered::default() };
    told_by(order_id, version, &message)
}

/// What happens to an order one after the other, and what another service tells the views of it.
type Life = Vec<(OrderFact, Option<Event>)>;

/// Of one that has two spoons one is taken away first.
fn random_life(rng: &mut StdRng, order_id: OrderId, has_two: bool) -> Life {
    let spoon = Allocation {
        sku: "SPOON".parse().unwrap(),
        warehouse_id: WarehouseId::from_uuid(order_id.uuid()),
        quantity: Quantity::ONE,
    };
    let wants_back = |request| OrderFact::RefundRequested { request, note: None };
    let is_back = |cents| OrderFact::PaymentRefunded { number: Some(1), refunded: euro(cents) };
    let terms_version = if has_two { 2 } else { 1 };
    let mut life = match rng.random_range(0..10) {
        0 => vec![(OrderFact::InventoryRejected, None)],
        1 => vec![(OrderFact::CancelRequested { by: Canceller::Buyer, note: None }, None)],
        _ => vec![
            (OrderFact::PaymentAuthorized, None),
            (OrderFact::InventoryCommitted(Commitment { terms_version, allocations: vec![spoon] }), None),
            (OrderFact::PaymentCaptured { amount: euro(TOTAL) }, Some(captured(order_id, TOTAL))),
        ],
    };
    if life.len() == 3 && rng.random_bool(0.3) {
        life.extend([
            (wants_back(RefundRequest::BeforeDispatch), None),
            (OrderFact::ShipmentCancelled, None),
            (is_back(TOTAL), Some(refunded(order_id, 2, TOTAL))),
        ]);
    } else if life.len() == 3 {
        let failed = OrderFact::RefundFailed { number: Some(1), reason: "REFUND_REFUSED".to_owned() };
        life.extend([
            (OrderFact::ShipmentDispatched { order_dispatched: true }, Some(dispatched(order_id, 1, "1"))),
            (OrderFact::ShipmentDelivered { order_delivered: true }, Some(delivered(order_id, 2, "1"))),
            (wants_back(RefundRequest::Goodwill(euro(100))), None),
            (failed, Some(refund_failed(order_id, 2))),
            (is_back(100), Some(refunded(order_id, 3, 100))),
        ]);
    }
    if rng.random_bool(0.2) {
        let until = Timestamp::from_unix_micros(1_900_000_000_000_000);
        life.insert(0, (OrderFact::InventoryBackordered { until }, None));
    }
    if has_two {
        let left = [("SPOON".parse().unwrap(), 1)].into();
        life.insert(0, (OrderFact::ModificationRequested { left, note: None }, None));
    }
    life.truncate(rng.random_range(0..=life.len()));
    life
}

async fn happen(office: &BackOffice, facts: Vec<Fact>) {
    let caused = |fact| Caused { fact, cause: Cause::command("service:test") };
    let facts: Vec<_> = facts.into_iter().map(caused).collect();
    let mut unit = office.store.begin().await.unwrap();
    let outcomes = react(&participant(), &mut unit, &facts).await.unwrap();
    unit.commit().await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
}

/// Fifty orders of one buyer live. Answers what was told of them.
async fn live(office: &BackOffice, rng: &mut StdRng, checkout: &Checkout) -> Vec<Event> {
    let by_card = || PaymentMethod::Card("tok_approved".parse().unwrap());
    let terms = terms_of(checkout).into_iter().map(|terms| Terms { payment_method: by_card(), ..terms });
    let have_two: Vec<bool> = checkout.order_ids.iter().map(|_| rng.random_bool(0.2)).collect();
    let terms = terms.zip(&have_two).map(|(terms, has_two)| if *has_two { with_two_spoons(terms) } else { terms });
    let snapshots = terms.map(|terms| Snapshot::freeze(terms).unwrap());
    happen(office, vec![Fact::CheckoutSubmitted { checkout_id: checkout.id, snapshots: snapshots.collect() }]).await;
    let lives = checkout.order_ids.iter().zip(have_two).map(|(id, has_two)| (*id, random_life(rng, *id, has_two)));
    let lives: Vec<_> = lives.collect();
    let mut told = Vec::new();
    for stage in 0..lives.iter().map(|(_, life)| life.len()).max().unwrap_or(0) {
        office.clock.advance(Duration::from_secs(1));
        let now = |(id, life): &(OrderId, Life)| life.get(stage).map(|(fact, _)| Fact::Order(*id, fact.clone()));
        happen(office, lives.iter().filter_map(now).collect()).await;
        for event in lives.iter().filter_map(|(_, life)| life.get(stage)?.1.clone()) {
            office.kafka.publish(&event).await;
            told.push(event);
        }
    }
    told
}

/// The projector of a replica, as a process that can be killed.
async fn start_projector(office: &BackOffice) -> JoinHandle<()> {
    let projector = read_model::consumer(office.another_store().await, office.kafka.config());
    tokio::spawn(async move {
        let _ = projector.run(CancellationToken::new()).await;
    })
}

async fn start_relay(office: &BackOffice) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(Relay::new(office.another_store().await, office.kafka.config()).run(stop.clone()));
    stop.drop_guard()
}

async fn compare(office: &BackOffice) -> Rebuilt {
    rebuild(&office.store, &Views, false, |_| {}).await.unwrap()
}

async fn make_anew(office: &BackOffice) -> Rebuilt {
    rebuild(&office.store, &Views, true, |_| {}).await.unwrap()
}

fn all_of(whose: Whose) -> Question {
    Question {
        whose,
        sort: Sort { by_update: false, descending: true },
        milestones: Vec::new(),
        created_from: None,
        created_before: None,
        sku: None,
        awaits_dispatch: false,
        has_open_refund: false,
    }
}

/// Lists a buyer's settled orders over and over, and fails as soon as one is not there.
async fn read_on(office: &BackOffice, whose: Whose, expected: usize) -> JoinHandle<usize> {
    let pool = office.database.another_pool().await;
    tokio::spawn(async move {
        let mut times = 0;
        loop {
            let listed = order_list::list(&pool, &all_of(whose), None, 1_000).await.unwrap();
            assert_eq!(listed.len(), expected, "after {times} times");
            times += 1;
            tokio::task::yield_now().await;
        }
    })
}

/// What the views say against what the service's own tables say, and its sums against its rows.
async fn assert_views_tell_the_truth(office: &BackOffice) {
    let count =
        async |query: &'static str| -> i64 { sqlx::query_scalar(query).fetch_one(office.store.pool()).await.unwrap() };
    let wrong = "SELECT count(*) FROM order_state AS s FULL JOIN (SELECT * FROM order_list_view WHERE generation =
                     (SELECT generation FROM read_model_generation WHERE state = 'serving')) AS v USING (order_id)
                 WHERE s.status IS DISTINCT FROM v.status OR coalesce(s.reason, '') IS DISTINCT FROM v.reason";
    assert_eq!(count(wrong).await, 0);
    let wrong_sums = "SELECT count(*) FROM
            (SELECT generation, seller_id, status, sum(orders) AS orders, sum(total_minor) AS total, sum(refunded_minor) AS refunded,
                    sum(awaits_dispatch) AS awaits, sum(open_refunds) AS open
             FROM seller_dashboard_view GROUP BY generation, seller_id, status HAVING sum(orders) <> 0) AS sums
        FULL JOIN
            (SELECT generation, seller_id, status, count(*) AS orders, sum(total_minor) AS total, sum(refunded_minor) AS refunded,
                    count(*) FILTER (WHERE awaits_dispatch) AS awaits, sum(open_refunds) AS open
             FROM order_list_view GROUP BY generation, seller_id, status) AS counted USING (generation, seller_id, status)
        WHERE (sums.orders, sums.total, sums.refunded, sums.awaits, sums.open)
              IS DISTINCT FROM (counted.orders, counted.total, counted.refunded, counted.awaits, counted.open)";
    assert_eq!(count(wrong_sums).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_of_orders_made_anew_are_the_views_that_grew_with_them() {
    let mut rng = StdRng::seed_from_u64(7);
    let office = BackOffice::closed().await;
    let _relay = start_relay(&office).await;
    let mut projectors = [start_projector(&office).await, start_projector(&office).await];

    let first = Checkout::new(ORDERS_PER_ROUND);
    let mut told = live(&office, &mut rng, &first).await;
    office.viewed(told.len() as i64).await;
    let reader = read_on(&office, Whose::Buyer(first.buyer_id), ORDERS_PER_ROUND).await;
    for round in 1..ROUNDS {
        let checkout = Checkout::new(ORDERS_PER_ROUND);
        let more = live(&office, &mut rng, &checkout).await;
        // What was told before comes again.
        for _ in 0..5 {
            office.kafka.publish(&told[rng.random_range(0..told.len())]).await;
        }
        told.extend(more);
        // A projector dies in the middle of whatever it does, and another takes its place.
        let killed = &mut projectors[round % 2];
        killed.abort();
        *killed = start_projector(&office).await;
        // The views are made anew while all goes on.
        if round % 4 == 0 {
            make_anew(&office).await;
        }
    }
    office.viewed(told.len() as i64).await;
    reader.abort();
    assert!(reader.await.unwrap_err().is_cancelled(), "a reader missed something");

    let compared = compare(&office).await;
    assert_eq!(compared, Rebuilt { aggregates: (ROUNDS * ORDERS_PER_ROUND) as u64, differences: Vec::new() });
    assert_views_tell_the_truth(&office).await;
    assert_eq!(make_anew(&office).await, compared);
    assert_views_tell_the_truth(&office).await;
    projectors.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn what_was_changed_in_a_view_is_found_and_mended() {
    let office = BackOffice::closed().await;
    let (_relay, projector) = (start_relay(&office).await, start_projector(&office).await);
    let checkout = Checkout::new(3);
    let told = live(&office, &mut StdRng::seed_from_u64(1), &checkout).await;
    office.viewed(told.len() as i64).await;
    assert_eq!(compare(&office).await.differences, [""; 0]);

    for (damage, expected) in [
        ("DELETE FROM order_list_view WHERE order_id = $1", "the row of order"),
        ("UPDATE order_list_view SET title = 'Cup' WHERE order_id = $1", "the row of order"),
        ("UPDATE order_detail_view SET document = document || '\\x00' WHERE order_id = $1", "the detail of order"),
        ("DELETE FROM order_detail_view WHERE order_id = $1", "the detail of order"),
        ("UPDATE seller_dashboard_view SET orders = orders + 1 WHERE seller_id <> $1", "the sums of seller"),
    ] {
        sqlx::query(damage).bind(checkout.order_ids[0].uuid()).execute(office.store.pool()).await.unwrap();
        let found = compare(&office).await.differences;
        assert!(
            !found.is_empty() && found.iter().all(|difference| difference.starts_with(expected)),
            "{damage}: {found:?}"
        );
        assert_eq!(make_anew(&office).await.differences, found);
        assert_eq!(compare(&office).await.differences, [""; 0]);
    }
    let generations: i64 =
        sqlx::query_scalar("SELECT count(*) FROM read_model_generation").fetch_one(office.store.pool()).await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM order_list_view").fetch_one(office.store.pool()).await.unwrap();
    assert_eq!((generations, rows), (1, 3), "no shadow is left behind");
    projector.abort();
}

#[tokio::test]
async fn a_shadow_that_was_left_behind_does_no_harm() {
    let office = BackOffice::closed().await;
    let (_relay, projector) = (start_relay(&office).await, start_projector(&office).await);
    let told = live(&office, &mut StdRng::seed_from_u64(2), &Checkout::new(2)).await;
    office.viewed(told.len() as i64).await;
    sqlx::query("INSERT INTO read_model_generation (state) VALUES ('building')")
        .execute(office.store.pool())
        .await
        .unwrap();
    // The projector keeps it up to date until the next rebuild does away with it.
    let more = live(&office, &mut StdRng::seed_from_u64(3), &Checkout::new(2)).await;
    office.viewed((told.len() + more.len()) as i64).await;
    let all = "SELECT count(*) FROM order_list_view";
    assert_eq!(sqlx::query_scalar::<_, i64>(all).fetch_one(office.store.pool()).await.unwrap(), 6);
    assert_eq!(make_anew(&office).await, Rebuilt { aggregates: 4, differences: Vec::new() });
    assert_eq!(sqlx::query_scalar::<_, i64>(all).fetch_one(office.store.pool()).await.unwrap(), 4);
    projector.abort();
}

#[tokio::test]
async fn the_detail_shows_what_payments_and_shipping_told() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    let lost = shipping::ShipmentFailed {
        order_id: order_id.to_string(),
        parcel_id: "lost".to_owned(),
        failure: shipping::ParcelFailure::Lost.into(),
        ..shipping::ShipmentFailed::default()
    };
    let line = |quantity| shipping::ReceivedLine {
        sku: "SPOON".to_owned(),
        warehouse_id: String::new(),
        quantity,
        condition: shipping::ReturnCondition::Damaged.into(),
    };
    let received = |quantity, complete| shipping::ReturnReceived {
        order_id: order_id.to_string(),
        return_id: "R".to_owned(),
        refund_number: 1,
        lines: vec![line(quantity)],
        complete,
        ..shipping::ReturnReceived::default()
    };
    // One topic goes ahead of the other, and what is told twice counts once.
    let events = [
        dispatched(order_id, 1, "there"),
        dispatched(order_id, 2, "lost"),
        delivered(order_id, 3, "there"),
        told_by(order_id, 4, &lost),
        told_by(order_id, 5, &received(1, false)),
        told_by(order_id, 6, &received(2, true)),
        captured(order_id, 4_060),
        refunded(order_id, 2, 590),
    ];
    for event in events.iter().chain(&events) {
        office.kafka.publish(event).await;
    }
    office.viewed(events.len() as i64).await;

    let seen = order_detail::find(office.store.pool(), order_id).await.unwrap().unwrap();
    let parcels: Vec<_> = seen.parcels.iter().map(|parcel| (parcel.parcel_id.as_str(), parcel.status())).collect();
    assert_eq!(parcels, [("there", shipping::ParcelStatus::Delivered), ("lost", shipping::ParcelStatus::Failed)]);
    assert_eq!(seen.parcels[0].tracking_number, "T-there");
    assert!(seen.parcels[0].deliver_time.is_some() && seen.parcels[1].fail_time.is_some());
    assert_eq!(seen.parcels[1].failure(), shipping::ParcelFailure::Lost);
    assert_eq!((seen.captured_amount, seen.refunded_amount), (Some(euro_on_wire(4_060)), Some(euro_on_wire(590))));
    let [back] = &seen.returns[..] else { panic!("one return: {:?}", seen.returns) };
    assert_eq!((back.refund_number, back.received.len(), back.complete), (1, 2, true));
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_shows_until_it_is_done() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.delivered_order().await;
    office.ask_back(order_id, RefundRequest::Goodwill(euro(590))).await.unwrap();
    let status = async || {
        let seen = order_detail::find(office.store.pool(), order_id).await.unwrap();
        seen.and_then(|seen| seen.refunds.first().map(|refund| (refund.status(), refund.reason.clone())))
    };
    let becomes = async |expected: wire::RefundStatus, reason: &str| {
        eventually("the refund to stand there", async || {
            let seen = status().await;
            if seen == Some((expected, reason.to_owned())) { Ok(()) } else { Err(seen) }
        })
        .await;
    };
    becomes(wire::RefundStatus::Approved, "").await;
    office.hear(&[refund_failed(order_id, 2)]).await;
    becomes(wire::RefundStatus::Failed, "REFUND_REFUSED").await;
    office.hear(&[refunded(order_id, 3, 590)]).await;
    becomes(wire::RefundStatus::Refunded, "").await;
}

#[tokio::test]
async fn what_cannot_be_read_is_parked_and_can_be_skipped_and_the_views_go_on() {
    let (office, _replica) = BackOffice::open().await;
    let (broken, whole) = (office.confirmed_order().await, office.confirmed_order().await);
    let poison = dispatched(broken, 1, "1").with_payload(&[0xff; 9]);
    for event in [&poison, &delivered(broken, 2, "1"), &dispatched(whole, 1, "1")] {
        office.kafka.publish(event).await;
    }
    office.viewed(1).await;
    let filter = messaging::parked::Filter::waiting();
    let parked = messaging::parked::list(&office.store, &filter).await.unwrap();
    let by_views: Vec<_> = parked.iter().filter(|event| event.consumer == read_model::CONSUMER).collect();
    assert_eq!(by_views.len(), 2, "the poison, and what waits behind it: {parked:?}");
    assert!(by_views[0].reason.starts_with("undecodable"), "{}", by_views[0].reason);
    assert_eq!(order_detail::find(office.store.pool(), broken).await.unwrap().unwrap().parcels, []);
    assert_eq!(order_detail::find(office.store.pool(), whole).await.unwrap().unwrap().parcels.len(), 1);
    assert_eq!(compare(&office).await.differences, [""; 0]);
}
