//! Orders of which units are taken away, or become orders of their own: over gRPC and Kafka, to their end.

use contracts::inventory::v1::{Allocation, InventoryCommitted, ReservationModified};
use contracts::orders::v1 as wire;
use kernel::Id;
use orders::app::modify_order::{ModifyOrder, modify_order};
use orders::domain::ids::OrderId;
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};
use testkit::{Bearer, Event, eventually};
use tonic::Code;

use super::{Desk, refusal, refused};
use crate::back_office::{BackOffice, Checkout, participant};
use crate::others::{authorized, captured_part, committed};

fn units(lines: &[(&str, i64)]) -> Vec<wire::OrderUnits> {
    lines.iter().map(|(sku, quantity)| wire::OrderUnits { sku: (*sku).to_owned(), quantity: *quantity }).collect()
}

fn modify(order_id: OrderId, request_id: &str, lines: &[(&str, i64)]) -> wire::ModifyOrderRequest {
    wire::ModifyOrderRequest {
        request_id: request_id.to_owned(),
        order_id: order_id.to_string(),
        lines: units(lines),
        note: "one is enough".to_owned(),
    }
}

fn split(order_id: OrderId, request_id: &str, parts: &[&[(&str, i64)]]) -> wire::SplitOrderRequest {
    let parts = parts.iter().map(|lines| wire::OrderPart { lines: units(lines) }).collect();
    wire::SplitOrderRequest { request_id: request_id.to_owned(), order_id: order_id.to_string(), parts }
}

/// What inventory holds where, for an order of one mug and a spoon.
fn a_mug_and_a_spoon() -> Vec<Allocation> {
    let warehouse_id = Id::<Allocation>::generate().to_string();
    let of = |sku: &str| Allocation { sku: sku.to_owned(), warehouse_id: warehouse_id.clone(), quantity: 1 };
    vec![of("MUG-BLUE"), of("SPOON")]
}

fn committed_as_modified(order_id: OrderId) -> Event {
    let allocations = a_mug_and_a_spoon();
    let committed = InventoryCommitted { order_id: order_id.to_string(), allocations, terms_version: 2 };
    Event::new("inventory", "reservation", order_id.uuid(), 2, &committed)
}

fn holds_less(order_id: OrderId, committed: bool) -> Event {
    let modified = ReservationModified {
        order_id: order_id.to_string(),
        terms_version: 2,
        allocations: a_mug_and_a_spoon(),
        released: Vec::new(),
        committed,
    };
    Event::new("inventory", "reservation", order_id.uuid(), 3, &modified)
}

async fn read(desk: &Desk, bearer: &Bearer, order_id: &str, terms_version: i32) -> wire::Order {
    let request = wire::GetOrderRequest { order_id: order_id.to_owned(), terms_version };
    desk.client().get_order(bearer.request(request)).await.unwrap().into_inner().order.unwrap()
}

fn lines_of(order: &wire::Order) -> Vec<(&str, i32)> {
    order.lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect()
}

fn cents(money: Option<&contracts::google::r#type::Money>) -> i64 {
    contracts::convert::money_from_wire("money", money).unwrap().minor()
}

#[tokio::test]
async fn a_buyer_takes_units_away_and_what_was_agreed_before_can_still_be_read() {
    let desk = Desk::open().await;
    let order_id = desk.order_id;
    let request = || desk.buyer.request(modify(order_id, "once", &[("MUG-BLUE", 1)]));
    let answer = desk.client().modify_order(request()).await.unwrap().into_inner().order.unwrap();
    assert_eq!((lines_of(&answer), answer.terms_version), (vec![("MUG-BLUE", 1), ("SPOON", 1)], 2));
    // 12.50 and 5.00, 4.90 for shipping, 2.38 of 4.75 tax and 0.95.
    assert_eq!(cents(answer.total.as_ref()), 1_250 + 500 + 490 + 238 + 95);
    // Asked for again, in whatever way, it is as it is.
    assert_eq!(desk.client().modify_order(request()).await.unwrap().into_inner().order.unwrap(), answer);
    let again = desk.buyer.request(modify(order_id, "again", &[("MUG-BLUE", 1)]));
    assert_eq!(desk.client().modify_order(again).await.unwrap().into_inner().order.unwrap(), answer);
    assert_eq!(read(&desk, &desk.seller, &order_id.to_string(), 0).await, answer);
    let before = read(&desk, &desk.buyer, &order_id.to_string(), 1).await;
    assert_eq!((lines_of(&before), before.terms_version), (vec![("MUG-BLUE", 2), ("SPOON", 1)], 1));
    assert_eq!((cents(before.total.as_ref()), before.version), (4_060, answer.version));
    assert_ne!(before.snapshot_hash, answer.snapshot_hash);

    let told = desk.office.told(order_id, &["OrderCreated", "OrderModified"]).await;
    let modified: wire::OrderModified = told[1].decode().unwrap();
    assert_eq!((modified.terms_version, modified.note.as_str()), (2, "one is enough"));
    assert_eq!(modified.snapshot_hash, answer.snapshot_hash);
    assert_eq!(told[1].correlation_id, desk.checkout.id.uuid());
    assert_eq!(desk.office.verify(None).await, []);
}

#[tokio::test]
async fn what_is_not_less_or_not_there_is_refused_and_changes_nothing() {
    let desk = Desk::open().await;
    let order_id = desk.order_id;
    let ask = async |lines: &[(&str, i64)]| {
        refusal(desk.client().modify_order(desk.buyer.request(modify(order_id, "1", lines)))).await
    };
    let precondition = |reason| refused(Code::FailedPrecondition, reason, &[]);
    assert_eq!(ask(&[("MUG-BLUE", 3)]).await, precondition("UNITS_ADDED"));
    assert_eq!(ask(&[("PLATE", 1)]).await, precondition("NOT_IN_ORDER"));
    assert_eq!(ask(&[("MUG-BLUE", 0), ("SPOON", 0)]).await, precondition("NOTHING_LEFT"));
    let invalid = |field| refused(Code::InvalidArgument, "INVALID_REQUEST", &[field]);
    assert_eq!(ask(&[]).await, invalid("lines"));
    assert_eq!(ask(&[("MUG-BLUE", -1)]).await, invalid("lines[0].quantity"));
    assert_eq!(ask(&[("MUG-BLUE", 1), ("MUG-BLUE", 1)]).await, invalid("lines[1].sku"));

    let split_into = async |parts: &[&[(&str, i64)]]| {
        refusal(desk.client().split_order(desk.buyer.request(split(order_id, "1", parts)))).await
    };
    assert_eq!(split_into(&[]).await, invalid("parts"));
    assert_eq!(split_into(&[&[]]).await, invalid("parts[0].lines"));
    assert_eq!(split_into(&[&[("SPOON", 0)]]).await, invalid("parts[0].lines[0].quantity"));
    assert_eq!(split_into(&[&[("PLATE", 1)]]).await, precondition("NOT_IN_ORDER"));
    assert_eq!(split_into(&[&[("MUG-BLUE", 1)], &[("MUG-BLUE", 2)]]).await, precondition("MORE_THAN_ORDERED"));
    assert_eq!(split_into(&[&[("MUG-BLUE", 2), ("SPOON", 1)]]).await, precondition("NOTHING_LEFT"));

    // The seller may split, and not take away; whose order it is not does not learn that it exists.
    let by_seller = desk.seller.request(modify(order_id, "1", &[("MUG-BLUE", 1)]));
    assert_eq!(refusal(desk.client().modify_order(by_seller)).await.0, Code::PermissionDenied);
    for stranger in desk.strangers() {
        let request = stranger.request(split(order_id, "1", &[&[("SPOON", 1)]]));
        assert_eq!(refusal(desk.client().split_order(request)).await.1, "ORDER_NOT_FOUND");
    }
    let request = wire::GetOrderRequest { order_id: order_id.to_string(), terms_version: 2 };
    assert_eq!(refusal(desk.client().get_order(desk.buyer.request(request))).await.1, "ORDER_NOT_FOUND");
    desk.office.told(order_id, &["OrderCreated"]).await;
}

#[tokio::test]
async fn a_confirmed_order_is_not_modified() {
    let desk = Desk::open().await;
    desk.office.hear(&[authorized(desk.order_id), committed(desk.order_id)]).await;
    let too_late = refused(Code::FailedPrecondition, "ORDER_NOT_MODIFIABLE", &[]);
    let request = desk.buyer.request(modify(desk.order_id, "1", &[("MUG-BLUE", 1)]));
    assert_eq!(refusal(desk.client().modify_order(request)).await, too_late);
    let request = desk.seller.request(split(desk.order_id, "1", &[&[("SPOON", 1)]]));
    assert_eq!(refusal(desk.client().split_order(request)).await, too_late);
    desk.office.told(desk.order_id, &["OrderCreated", "OrderConfirmed"]).await;
}

#[tokio::test]
async fn an_order_that_is_modified_while_its_stock_is_committed_is_confirmed_with_what_is_left() {
    let desk = Desk::open().await;
    let order_id = desk.order_id;
    desk.office.hear(&[authorized(order_id)]).await;
    let request = desk.buyer.request(modify(order_id, "1", &[("MUG-BLUE", 1)]));
    desk.client().modify_order(request).await.unwrap();
    // Inventory had committed both mugs before it heard of that.
    desk.office.hear(&[committed(order_id)]).await;
    let nothing = FulfilmentStatus::Unallocated;
    desk.office.assert_stands(order_id, Milestone::Created, PaymentStatus::Authorized, nothing).await;
    desk.office.hear(&[holds_less(order_id, true), captured_part(order_id, 2_573)]).await;
    let here = FulfilmentStatus::Allocated;
    desk.office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, here).await;
    let told = desk.office.told(order_id, &["OrderCreated", "OrderModified", "OrderConfirmed", "OrderPaid"]).await;
    let paid: wire::OrderPaid = told[3].decode().unwrap();
    let leaves: Vec<_> = paid.shipping_instruction.unwrap().allocations;
    assert_eq!(
        leaves.iter().map(|a| (a.sku.as_str(), a.quantity)).collect::<Vec<_>>(),
        [("MUG-BLUE", 1), ("SPOON", 1)]
    );
    assert!(desk.office.parked().await.is_empty());
    assert_eq!(desk.office.verify(None).await, []);
}

#[tokio::test]
async fn an_order_is_split_and_each_part_goes_its_own_way() {
    let desk = Desk::open().await;
    let order_id = desk.order_id;
    let request = || desk.seller.request(split(order_id, "once", &[&[("MUG-BLUE", 1)]]));
    let answer = desk.client().split_order(request()).await.unwrap().into_inner();
    assert_eq!(desk.client().split_order(request()).await.unwrap().into_inner(), answer);
    let (rest, [part]) = (answer.order.unwrap(), &answer.split_off[..]) else { panic!("one is split off") };
    assert_eq!((lines_of(&rest), lines_of(part)), (vec![("MUG-BLUE", 1), ("SPOON", 1)], vec![("MUG-BLUE", 1)]));
    assert_eq!(cents(rest.total.as_ref()) + cents(part.total.as_ref()), 4_060);
    assert_eq!(
        (rest.split_into_order_ids, part.split_from_order_id.as_str()),
        (vec![part.order_id.clone()], rest.order_id.as_str())
    );
    assert_eq!((part.status(), part.terms_version), (wire::OrderStatus::Created, 1));
    let part_id: OrderId = part.order_id.parse().unwrap();

    desk.office.hear(&[holds_less(order_id, false), authorized(order_id), committed_as_modified(order_id)]).await;
    desk.office.cancel(part_id).await.unwrap();
    let here = FulfilmentStatus::Allocated;
    desk.office.assert_stands(order_id, Milestone::Confirmed, PaymentStatus::Authorized, here).await;
    let told = desk.office.told(part_id, &["OrderCreated", "OrderCancelled"]).await;
    let created: wire::OrderCreated = told[0].decode().unwrap();
    assert_eq!(
        (created.split_from_order_id, created.checkout_id),
        (order_id.to_string(), desk.checkout.id.to_string())
    );
    assert_eq!(told[0].correlation_id, desk.checkout.id.uuid(), "it is part of the same journey");
    let told = desk.office.told(order_id, &["OrderCreated", "OrderModified", "OrderConfirmed"]).await;
    let modified: wire::OrderModified = told[1].decode().unwrap();
    assert_eq!(modified.split_off[0].order_id, part.order_id);
    assert!(desk.office.parked().await.is_empty());
    assert_eq!(desk.office.verify(None).await, []);
}

#[tokio::test]
async fn a_fact_that_waits_for_a_modification_under_way_finds_the_order_as_it_is_then() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::new(1);
    office.hear(&[checkout.submitted()]).await;
    let order_id = checkout.order_ids[0];
    let mut unit = office.store.begin().await.unwrap();
    let left = [("MUG-BLUE".parse().unwrap(), 1)].into();
    let command = ModifyOrder { order_id, left, note: None, actor: "buyer:test".to_owned() };
    modify_order(&mut unit, &participant(), command).await.unwrap();
    let authorized = authorized(order_id);
    office.kafka.publish(&authorized).await;
    eventually("the consumer to wait for the order", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%order_state%'";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(office.store.pool()).await.unwrap();
        waiting > 0
    })
    .await;
    unit.commit().await.unwrap();
    office.taken(&authorized).await;
    assert_eq!(office.parked().await, Vec::<String>::new());
    office.hear(&[committed_as_modified(order_id), captured_part(order_id, 2_573)]).await;
    let here = FulfilmentStatus::Allocated;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, here).await;
}

#[tokio::test]
async fn whatever_was_agreed_in_any_version_cannot_be_altered_unseen() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::new(1);
    office.hear(&[checkout.submitted()]).await;
    let order_id = checkout.order_ids[0];
    office.modify(order_id, &[("MUG-BLUE", 1)]).await.unwrap();
    office.modify(order_id, &[("SPOON", 0)]).await.unwrap();
    assert_eq!(office.order(order_id).await.terms_version, 3);
    assert_eq!(office.verify(None).await, []);
    let faults = async |statements: &str| {
        let walls = "ALTER TABLE order_snapshot DISABLE TRIGGER USER; ALTER TABLE order_line DISABLE TRIGGER USER";
        let undo = "ALTER TABLE order_snapshot ENABLE TRIGGER USER; ALTER TABLE order_line ENABLE TRIGGER USER";
        for statements in [walls, statements, undo] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(office.store.pool()).await.unwrap();
        }
        office.verify(None).await.iter().map(|finding| finding.fault.to_string()).collect::<Vec<_>>()
    };
    let of_second = faults("UPDATE order_line SET title = 'Gold' WHERE terms_version = 2 AND position = 1").await;
    assert_eq!(of_second, ["what was agreed was changed in the tables: lines[1]"]);
    let of_first = faults("UPDATE order_snapshot SET buyer_id = seller_id WHERE terms_version = 1").await;
    assert_eq!(of_first, [vec!["what was agreed was changed in the tables: buyer_id".to_owned()], of_second].concat());
    let lost = faults("DELETE FROM order_snapshot WHERE terms_version < 3").await;
    assert_eq!(lost, ["its row in order_snapshot is missing", "its row in order_snapshot is missing"]);
    let another = faults("UPDATE order_state SET terms_version = 2").await;
    assert!(another.contains(&"its row in order_snapshot is missing".to_owned()), "{another:?}");
}
