//! Orders that wait for a service which does not act.

use std::time::Duration;

use clap::Parser as _;
use kernel::Timestamp;
use messaging::{Envelope, EventStore};
use orders::SERVICE;
use orders::adapters::postgres::watch;
use orders::domain::ids::OrderId;
use orders::domain::refund::RefundRequest;
use orders::jobs::detect_stuck_orders::{Look, detect_stuck_orders};
use sqlx::Row as _;
use testkit::{Database, Reads, TestClock, eventually};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::back_office::{BackOffice, ORDERS, short_name};
use crate::others::{authorized, captured, commit_refused, committed, dispatched, not_stopped, stopped, voided};

const STUCK_AFTER: Duration = Duration::from_mins(1);
/// A moment less.
const NOT_YET: Duration = Duration::from_micros(59_999_999);

/// What is known of an order that was silent: since when, how often it was asked for again, by which event last, and whether an
/// operator was told.
type Known = (Timestamp, i32, Uuid, bool);

impl BackOffice {
    /// Runs the job once, and answers what it did about an order; of any other it may not have done anything.
    async fn look(&self, order_id: OrderId) -> Option<String> {
        let mut done = detect_stuck_orders(&self.store, STUCK_AFTER, Look::Since, false).await.unwrap();
        let about = done.iter().position(|done| done.order_id == order_id).map(|index| done.remove(index).what);
        assert_eq!(done, []);
        about
    }

    /// Waits until the broker has everything: what it does not have yet is not sent again.
    async fn published(&self) {
        let waiting = "SELECT count(*) FROM outbox";
        eventually("an empty outbox", async || {
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(self.store.pool()).await.unwrap() == 0
        })
        .await;
    }

    async fn known(&self, order_id: OrderId) -> Option<Known> {
        let row = sqlx::query("SELECT * FROM stuck_order WHERE order_id = $1").bind(order_id.uuid());
        let row = row.fetch_optional(self.store.pool()).await.unwrap()?;
        let since = Timestamp::from(row.get::<OffsetDateTime, _>("silent_since"));
        let is_told = row.get::<Option<OffsetDateTime>, _>("told_at").is_some();
        Some((since, row.get("times_sent"), row.get("last_event_id"), is_told))
    }

    /// Waits until orders has said so many things about an order, repeats included, and answers them.
    async fn said(&self, order_id: OrderId, times: usize) -> Vec<Envelope> {
        let about = |events: &[Envelope]| -> Vec<Envelope> {
            events.iter().filter(|event| event.aggregate_id == order_id.uuid()).cloned().collect()
        };
        let awaited = format!("{times} events about {order_id}");
        about(&self.kafka.wait_for(ORDERS, &awaited, |events| about(events).len() >= times).await)
    }

    /// The names of what was sent again about an order, after so many that were said once.
    async fn sent_again(&self, order_id: OrderId, said_before: usize, times: usize) -> Vec<String> {
        let said = self.said(order_id, said_before + times).await;
        let (first, again) = said.split_at(said_before);
        assert_eq!(again.len(), times);
        self.published().await;
        for event in again {
            let original = first.iter().find(|original| original.id == event.id).expect("its id is not new");
            assert_eq!((&original.payload, original.aggregate_version), (&event.payload, event.aggregate_version));
        }
        let mut names: Vec<_> = again.iter().map(|event| short_name(&event.event_type).to_owned()).collect();
        names.sort_unstable();
        names
    }
}

#[tokio::test]
async fn what_a_silent_order_waits_for_is_asked_for_three_times_under_the_same_id_and_then_an_operator_is_told() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.new_order().await;
    let created = office.said(order_id, 1).await[0].id;
    let silent_since = office.order(order_id).await.updated_at;
    office.clock.advance(NOT_YET);
    assert_eq!(office.look(order_id).await, None);
    office.clock.advance(Duration::from_micros(1));
    for times in 1..=3 {
        let done = office.look(order_id).await.unwrap();
        assert!(done.contains("an authorization from inventory and payments; sent again"), "{done}");
        assert_eq!(office.known(order_id).await, Some((silent_since, times, created, false)));
        let again = usize::try_from(times).unwrap();
        assert_eq!(office.sent_again(order_id, 1, again).await, vec!["OrderCreated"; again]);
        // At most once in a period.
        office.clock.advance(NOT_YET);
        assert_eq!(office.look(order_id).await, None);
        office.clock.advance(Duration::from_micros(1));
    }
    assert!(office.look(order_id).await.unwrap().contains("an operator is told"));
    assert_eq!(office.known(order_id).await, Some((silent_since, 3, created, true)));
    office.clock.advance(10 * STUCK_AFTER);
    assert_eq!(office.look(order_id).await, None);

    // The answer comes after all, and the order goes on as if nothing had been.
    office.hear(&[authorized(order_id), committed(order_id)]).await;
    assert_eq!(office.look(order_id).await.as_deref(), Some("moved on"));
    assert_eq!(office.known(order_id).await, None);
    let said = office.said(order_id, 5).await;
    assert_eq!(said.len(), 5);
    assert_eq!((said[4].aggregate_version, short_name(&said[4].event_type)), (2, "OrderConfirmed"));
    assert_eq!(office.verify(None).await, []);
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn the_next_silence_of_an_order_is_counted_from_one() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.new_order().await;
    office.clock.advance(STUCK_AFTER);
    office.look(order_id).await.unwrap();
    office.hear(&[authorized(order_id), committed(order_id)]).await;
    office.published().await;
    office.clock.advance(STUCK_AFTER);
    let done = office.look(order_id).await.unwrap();
    assert!(done.contains("the capture from payments; sent again (1)"), "{done}");
    let (since, times, ..) = office.known(order_id).await.unwrap();
    assert_eq!((since, times), (office.order(order_id).await.updated_at, 1));
    assert_eq!(office.sent_again(order_id, 3, 1).await, ["OrderConfirmed"]);
}

#[tokio::test]
async fn each_order_has_sent_again_what_its_owner_should_act_on() {
    let (office, _replica) = BackOffice::open().await;
    let to_cancel = office.confirmed_order_in_cash().await;
    office.cancel(to_cancel).await.unwrap();
    let wanted_back = office.paid_order().await;
    office.request_refund(wanted_back).await.unwrap();
    let granted = office.paid_order().await;
    office.request_refund(granted).await.unwrap();
    office.hear(&[stopped(granted)]).await;
    let failed = office.new_order().await;
    office.hear(&[authorized(failed), commit_refused(failed)]).await;
    let cancelled = office.new_order().await;
    office.cancel(cancelled).await.unwrap();
    office.hear(&[authorized(cancelled), committed(cancelled)]).await;
    let given = office.delivered_order().await;
    for cents in [100, 200] {
        let goodwill = RefundRequest::Goodwill(crate::back_office::euro(cents));
        office.ask_back(given, goodwill).await.unwrap();
    }
    office.published().await;
    office.clock.advance(STUCK_AFTER);
    detect_stuck_orders(&office.store, STUCK_AFTER, Look::Since, false).await.unwrap();

    for (order_id, said_before, expected) in [
        (to_cancel, 3, &["OrderCancellationRequested"][..]),
        (wanted_back, 4, &["RefundRequested"]),
        (granted, 5, &["RefundApproved"]),
        (failed, 2, &["OrderFailed"]),
        (cancelled, 2, &["OrderCancelled"]),
        (given, 9, &["RefundApproved", "RefundApproved"]),
    ] {
        assert_eq!(office.sent_again(order_id, said_before, expected.len()).await, expected);
    }
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn what_people_do_and_what_is_over_is_waited_for_by_nobody() {
    let (office, _replica) = BackOffice::open().await;
    office.confirmed_order_in_cash().await;
    office.paid_order().await;
    let shipped = office.paid_order().await;
    office.hear(&[dispatched(shipped, true)]).await;
    office.delivered_order().await;
    let kept = office.confirmed_order_in_cash().await;
    office.cancel(kept).await.unwrap();
    office.hear(&[dispatched(kept, false), not_stopped(kept)]).await;
    let undone = office.new_order().await;
    office.hear(&[authorized(undone)]).await;
    office.cancel(undone).await.unwrap();
    office.hear(&[voided(undone)]).await;
    office.clock.advance(10 * STUCK_AFTER);
    for look in [Look::Since, Look::AtAll] {
        assert_eq!(detect_stuck_orders(&office.store, STUCK_AFTER, look, false).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_operator_sees_what_would_be_done_and_has_one_order_sent_again_at_once() {
    let (office, _replica) = BackOffice::open().await;
    let (order_id, other) = (office.new_order().await, office.paid_order().await);
    let run = async |more: &[&str]| {
        let command = ["orders", "--database-url", office.database.url(), "--stuck-after", "0s", "detect-stuck-orders"];
        Box::pin(orders::run(orders::Args::parse_from([&command[..], more].concat()))).await.unwrap();
    };
    run(&["--dry-run"]).await;
    assert_eq!(office.known(order_id).await, None);
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM outbox WHERE again").fetch_one(office.store.pool()).await.unwrap();
    assert_eq!(waiting, 0);

    for times in 1..=4 {
        run(&["--order", &order_id.to_string()]).await;
        assert_eq!(office.known(order_id).await.unwrap().1, times);
        office.sent_again(order_id, 1, usize::try_from(times).unwrap()).await;
    }
    run(&["--order", &other.to_string()]).await;
    assert_eq!(office.known(other).await, None);
    run(&[]).await;
    assert!(office.known(order_id).await.unwrap().3, "after more than three an operator is told");
}

#[tokio::test]
async fn an_order_that_does_not_stand_where_its_history_leads_is_told_and_holds_up_nobody() {
    let (office, _replica) = BackOffice::open().await;
    let (tampered, order_id) = (office.new_order().await, office.new_order().await);
    let tamper = "UPDATE order_state SET status = 'CANCELLED', reason = 'UNPAID', payment_status = 'AUTHORIZED' WHERE order_id = $1";
    sqlx::query(tamper).bind(tampered.uuid()).execute(office.store.pool()).await.unwrap();
    office.published().await;
    office.clock.advance(STUCK_AFTER);
    let done = detect_stuck_orders(&office.store, STUCK_AFTER, Look::Since, false).await.unwrap();
    let about = |id| done.iter().find(|done| done.order_id == id).unwrap().what.clone();
    assert!(about(tampered).ends_with("an operator is told"), "{done:?}");
    assert!(about(order_id).ends_with("sent again (1)"), "{done:?}");
}

#[tokio::test]
async fn an_order_that_fell_silent_while_no_replica_ran_is_found_by_the_next_run() {
    let (office, replica) = BackOffice::open().await;
    assert_eq!(detect_stuck_orders(&office.store, STUCK_AFTER, Look::Since, false).await.unwrap(), []);
    let order_id = office.new_order().await;
    drop(replica);
    office.clock.advance(100 * STUCK_AFTER);
    assert!(office.look(order_id).await.is_some());
    // It waits in the outbox for a relay that runs.
    let _replica = office.start_replica().await;
    assert_eq!(office.sent_again(order_id, 1, 1).await, ["OrderCreated"]);
    office.published().await;
    office.hear(&[authorized(order_id), committed(order_id), captured(order_id)]).await;
    assert_eq!(office.look(order_id).await.as_deref(), Some("moved on"));
}

/// What a look at ten minutes may read of a table: the block ranges that they lie in, and little more.
const READS_PER_LOOK_MAX: i64 = 2_000;

#[tokio::test]
async fn a_look_at_what_changed_of_late_reads_no_more_the_longer_the_table_grows() {
    let database = Database::migrated(&SERVICE).await;
    for statement in [
        "INSERT INTO order_state (order_id, status, payment_status, fulfilment_status, allocations, captured_minor, close_at,
                                  unpaid_deadline, updated_at, version, head_hash, correlation_id)
         SELECT md5('order' || n)::uuid, 'DELIVERED', 'CAPTURED', 'DELIVERED',
                '[{\"sku\": \"SKU\", \"warehouse_id\": \"0\", \"quantity\": 2}]', 100, '2100-01-01', '2100-01-01',
                '2026-01-01'::timestamptz + n * interval '1 minute', 1, sha256('head'), md5('checkout' || n)::uuid
         FROM generate_series(1, 50000) AS n",
        "VACUUM ANALYZE order_state",
    ] {
        sqlx::query(statement).execute(database.pool()).await.unwrap();
    }
    database.pool().close().await;
    let before = Reads::count(&database, &["order_state"]).await;

    let clock = TestClock::at("2026-01-20T00:00:00Z");
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    watch::note_looked_until(store.pool(), "detect_stuck_orders", clock.shown()).await.unwrap();
    for _ in 0..10 {
        let from = clock.shown();
        clock.advance(10 * STUCK_AFTER);
        assert_eq!(watch::changed(store.pool(), Some(from), clock.shown()).await.unwrap().len(), 10);
        assert_eq!(detect_stuck_orders(&store, STUCK_AFTER, Look::Since, false).await.unwrap(), []);
    }
    store.pool().close().await;
    let after = Reads::count(&database, &["order_state"]).await;
    for (table, read) in after.since(&before) {
        assert!(read / 20 < READS_PER_LOOK_MAX, "a look read {} rows of {table}", read / 20);
    }
}
