//! The proof at the end of the demo can fail: each kind of damage, planted in the databases, breaks the claim about it.

use std::time::{Duration, Instant};

use contracts::orders::v1::{OrderStatus, RefundStatus};
use contracts::shipping::v1::{ParcelFailure, ReturnCondition, ReturnStatus};
use fleet::catalogue::Catalogue;
use fleet::depot::Depot;
use fleet::fleet::Fleet;
use fleet::invariants::{Acknowledged, Report, check_when_settled};
use fleet::shopper::{self, Shopper, request_id};
use fleet::topology::{Deadlines, Shape};
use fleet::witness;
use sqlx::AssertSqlSafe;

use crate::marketplace::{ONE_FLEET, PATIENCE, test_servers};

/// Damage, how it is mended, and the claim that it breaks.
const DAMAGE: &[(&str, &str, &str)] = &[
    (
        "UPDATE payments.payment SET captured_minor = captured_minor - 1",
        "UPDATE payments.payment SET captured_minor = captured_minor + 1",
        "the ledger holds what was captured",
    ),
    (
        "UPDATE inventory.stock_item SET total = total + 1 WHERE sku = 'PAN-26'",
        "UPDATE inventory.stock_item SET total = total - 1 WHERE sku = 'PAN-26'",
        "what is on hand is the sum of its movements",
    ),
    (
        "WITH seller AS (INSERT INTO inventory.stock_policy VALUES (gen_random_uuid(), 'priority') RETURNING seller_id)
         INSERT INTO inventory.sku_policy SELECT seller_id, 'PAN-26', 0, 0, 0, 0, 1, 1 FROM seller",
        "DELETE FROM inventory.sku_policy",
        "orders that wait for stock are counted in its line",
    ),
    (
        "UPDATE inventory.stock_item SET committed = committed - 1 WHERE sku = 'PAN-26'",
        "UPDATE inventory.stock_item SET committed = committed + 1 WHERE sku = 'PAN-26'",
        "what is reserved and committed is what the reservations hold",
    ),
    (
        "UPDATE orders.order_state SET allocations = replace(allocations::text, '\"quantity\": 1', '\"quantity\": 2')::jsonb",
        "UPDATE orders.order_state SET allocations = replace(allocations::text, '\"quantity\": 2', '\"quantity\": 1')::jsonb",
        "what is committed to an order is what is agreed",
    ),
    (
        "UPDATE inventory.reservation SET allocations = replace(allocations::text, '\"quantity\": 1', '\"quantity\": 2')::jsonb",
        "UPDATE inventory.reservation SET allocations = replace(allocations::text, '\"quantity\": 2', '\"quantity\": 1')::jsonb",
        "what is committed to an order is what is agreed",
    ),
    (
        "UPDATE orders.order_snapshot SET subtotal_minor = subtotal_minor - 1, total_minor = total_minor - 1 WHERE split_from IS NOT NULL",
        "UPDATE orders.order_snapshot SET subtotal_minor = subtotal_minor + 1, total_minor = total_minor + 1 WHERE split_from IS NOT NULL",
        "an order that was split costs as much as its parts together",
    ),
    (
        "UPDATE orders.order_snapshot SET subtotal_minor = subtotal_minor + 100000, total_minor = total_minor + 100000 WHERE terms_version = 3",
        "UPDATE orders.order_snapshot SET subtotal_minor = subtotal_minor - 100000, total_minor = total_minor - 100000 WHERE terms_version = 3",
        "and one that was modified no more than before",
    ),
    (
        "UPDATE checkout.checkout_order SET total_minor = total_minor + 1",
        "UPDATE checkout.checkout_order SET total_minor = total_minor - 1",
        "checkout shows every order, and what is to be paid for it",
    ),
    (
        "UPDATE orders.order_state SET status = 'CONFIRMED', payment_status = 'AUTHORIZED'",
        "UPDATE orders.order_state SET status = 'PAID', payment_status = 'CAPTURED'",
        "every order is paid for or undone",
    ),
    (
        "UPDATE payments.payment SET status = 'capturing'",
        "UPDATE payments.payment SET status = 'captured'",
        "paid orders hold committed stock, or it has left, and captured money",
    ),
    (
        "UPDATE checkout.checkout_order SET outcome = 'FAILED', reason = 'OUT_OF_STOCK'",
        "UPDATE checkout.checkout_order SET outcome = 'PAID', reason = NULL",
        "checkout told every buyer",
    ),
    (
        "UPDATE inventory.journal SET actor = actor || '!' WHERE event_type LIKE '%InventoryReserved'",
        "UPDATE inventory.journal SET actor = rtrim(actor, '!') WHERE event_type LIKE '%InventoryReserved'",
        "hash chains unbroken",
    ),
    (
        "UPDATE payments.inbox SET consumer = 'nobody'",
        "UPDATE payments.inbox SET consumer = 'payments.saga'",
        "every event took effect in every consumer",
    ),
    (
        // Another id, and the same again.
        "UPDATE orders.heard_event SET event_id = reverse(replace(event_id::text, '-', ''))::uuid",
        "UPDATE orders.heard_event SET event_id = reverse(replace(event_id::text, '-', ''))::uuid",
        "every event took effect in every consumer",
    ),
    (
        "INSERT INTO witness.effect (event_id, topic, aggregate_id, version)
         SELECT event_id, topic, aggregate_id, version FROM witness.effect LIMIT 1",
        "DELETE FROM witness.effect WHERE effect_id = (SELECT max(effect_id) FROM witness.effect)",
        "a witness that would count twice",
    ),
    (
        "UPDATE witness.effect SET version = version + 100 WHERE version = 1",
        "UPDATE witness.effect SET version = version - 100 WHERE version = 101",
        "a witness that would count twice",
    ),
    (
        "UPDATE payments.payment SET needs_operator = true",
        "UPDATE payments.payment SET needs_operator = false",
        "no payment waits for somebody",
    ),
    (
        "INSERT INTO payments.ledger_transaction VALUES (gen_random_uuid(), gen_random_uuid(), 'refund', 1, now())",
        "DELETE FROM payments.ledger_transaction WHERE kind = 'refund'",
        "every row has the row that it belongs to",
    ),
    (
        "INSERT INTO shipping.parcel (parcel_id, shipment_id, carrier, tracking_number, contents, dispatched_at)
         SELECT gen_random_uuid(), shipment_id, 'DHL', 'JD1', '{\"PAN-26\": 1}', now() FROM shipping.shipment LIMIT 1",
        "DELETE FROM shipping.parcel",
        "what has left of each shipment is what its parcels hold",
    ),
    (
        "INSERT INTO shipping.shipment_line VALUES (gen_random_uuid(), 'PAN-26', 2, 0, 0, 0)",
        "DELETE FROM shipping.shipment_line WHERE quantity = 2",
        "every row of a shipment has the row that it belongs to",
    ),
    (
        "UPDATE orders.order_list_view SET reason = 'NONE'",
        "UPDATE orders.order_list_view SET reason = ''",
        "the list that buyers and sellers read",
    ),
    (
        "UPDATE orders.order_detail_view SET document = document || '\\x00'",
        "UPDATE orders.order_detail_view SET document = substring(document FROM 1 FOR length(document) - 1)",
        "orders rebuild",
    ),
    (
        "UPDATE inventory.warehouse_stock_view SET total = total + 1 WHERE sku = 'PAN-26'",
        "UPDATE inventory.warehouse_stock_view SET total = total - 1 WHERE sku = 'PAN-26'",
        "the stock that sellers read",
    ),
    (
        "UPDATE inventory.seller_inventory_view SET total = total + 1",
        "UPDATE inventory.seller_inventory_view SET total = total - 1",
        "inventory rebuild",
    ),
    (
        "INSERT INTO orders.outbox (aggregate_id, version, created_at) VALUES (gen_random_uuid(), 1, now())",
        "DELETE FROM orders.outbox",
        "no event waits in an outbox",
    ),
];

/// The same to an order of three units: one was lost on its way, two arrived, and one of these came back damaged.
const DAMAGE_AFTERWARDS: &[(&str, &str, &str)] = &[
    (
        "UPDATE shipping.parcel SET contents = '{\"PAN-26\": 3}' WHERE delivered_at IS NOT NULL",
        "UPDATE shipping.parcel SET contents = '{\"PAN-26\": 2}' WHERE delivered_at IS NOT NULL",
        "each unit that left has arrived, has failed or is on its way",
    ),
    (
        "UPDATE shipping.shipment_line SET taken_back = 0",
        "UPDATE shipping.shipment_line SET taken_back = 1",
        "what came back is at most what was awaited",
    ),
    (
        "UPDATE shipping.shipment_line SET quantity = quantity + 1, stopped = 1",
        "UPDATE shipping.shipment_line SET quantity = quantity - 1, stopped = 0",
        "what was stopped of an order in parts is on sale again, and paid back",
    ),
    (
        "UPDATE shipping.goods_return SET awaited = replace(awaited::text, 'PAN-26', 'PAN-27')::jsonb",
        "UPDATE shipping.goods_return SET awaited = replace(awaited::text, 'PAN-27', 'PAN-26')::jsonb",
        "what came back is at most what was awaited",
    ),
    (
        "UPDATE shipping.goods_return SET order_id = gen_random_uuid()",
        "UPDATE shipping.goods_return SET order_id = (SELECT order_id FROM shipping.consignment)",
        "every row of a shipment has the row that it belongs to",
    ),
    (
        "UPDATE shipping.goods_receipt SET received = replace(received::text, 'DAMAGED', 'RESALABLE')::jsonb",
        "UPDATE shipping.goods_receipt SET received = replace(received::text, 'RESALABLE', 'DAMAGED')::jsonb",
        "the stock took back for each order what its warehouses received",
    ),
    (
        "UPDATE inventory.stock_movement SET movement_type = 'adjust' WHERE movement_type = 'return'",
        "UPDATE inventory.stock_movement SET movement_type = 'return' WHERE movement_type = 'adjust'",
        "what is on hand is what was stocked, less what parcels took",
    ),
    (
        "UPDATE shipping.parcel SET delivered_at = failed_at, failure = NULL, failed_at = NULL WHERE contents = '{\"PAN-26\": 1}'",
        "UPDATE shipping.parcel SET failed_at = delivered_at, failure = 'LOST', delivered_at = NULL WHERE contents = '{\"PAN-26\": 1}'",
        "what was given up for parcels that failed is for what they held",
    ),
    (
        "UPDATE orders.order_state SET captured_minor = 1",
        "UPDATE orders.order_state SET captured_minor = (SELECT captured_minor FROM payments.payment)",
        "the refunds of an order are together at most what was captured",
    ),
    (
        "UPDATE orders.order_state SET refunds = replace(refunds::text, '\"number\": 2', '\"number\": 7')::jsonb",
        "UPDATE orders.order_state SET refunds = replace(refunds::text, '\"number\": 7', '\"number\": 2')::jsonb",
        "orders, payments and the ledger say the same of each refund",
    ),
    (
        "UPDATE orders.order_state SET refunds = replace(refunds::text, '\"quantity\": 1', '\"quantity\": 2')::jsonb",
        "UPDATE orders.order_state SET refunds = replace(refunds::text, '\"quantity\": 2', '\"quantity\": 1')::jsonb",
        "each unit is paid back once at most",
    ),
    (
        "UPDATE orders.order_state SET status = 'SHIPPED', fulfilment_status = 'SHIPPED'",
        "UPDATE orders.order_state SET status = 'DELIVERED', fulfilment_status = 'DELIVERED'",
        "escrow is empty once an order has arrived and is paid, and nobody earned anything before",
    ),
    (
        "UPDATE orders.order_state SET status = 'CLOSED', refunds = replace(refunds::text, 'REFUNDED', 'APPROVED')::jsonb",
        "UPDATE orders.order_state SET status = 'DELIVERED', refunds = replace(refunds::text, 'APPROVED', 'REFUNDED')::jsonb",
        "of a closed order nothing is under way",
    ),
    (
        "UPDATE orders.order_state SET close_at = now() - interval '1 minute'",
        "UPDATE orders.order_state SET close_at = now() + interval '1 day'",
        "an order whose time is over is closed",
    ),
];

/// The same once another unit of that order was exchanged.
const DAMAGE_EXCHANGED: &[(&str, &str, &str)] = &[
    (
        "UPDATE payments.payment SET exchange = jsonb_set(exchange, '{refund_number}', '7') WHERE exchange IS NOT NULL",
        "UPDATE payments.payment SET exchange = jsonb_set(exchange, '{refund_number}', '3') WHERE exchange IS NOT NULL",
        "what is set aside for an exchange is spent for the order",
    ),
    (
        "UPDATE payments.payment SET refunds = replace(refunds::text, '\"is_set_aside\": true', '\"is_set_aside\": false')::jsonb",
        "UPDATE payments.payment SET refunds = replace(refunds::text, '\"is_set_aside\": false', '\"is_set_aside\": true')::jsonb",
        "what is set aside for an exchange is spent for the order",
    ),
    (
        "UPDATE payments.payment SET captured_minor = captured_minor - 1 WHERE exchange IS NOT NULL",
        "UPDATE payments.payment SET captured_minor = captured_minor + 1 WHERE exchange IS NOT NULL",
        "what is set aside for an exchange is spent for the order",
    ),
    (
        "UPDATE checkout.checkout_order SET total_minor = 1 WHERE total_minor = 0",
        "UPDATE checkout.checkout_order SET total_minor = 0 WHERE total_minor = 1",
        "checkout shows every order, and what is to be paid for it",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_the_books_breaks_the_claim_about_it() {
    let _turn = ONE_FLEET.lock().await;
    let shape = Shape::single(Deadlines::PRODUCTION).with(witness::service());
    let fleet = Fleet::start("invariants", &test_servers(), shape).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    let ada = Shopper::new(&fleet, "Ada").unwrap();
    let submitted = ada.buy(&[("PAN-26", 3)], "tok_slow_2000").await.unwrap();
    // One pan as an order of its own, and one of the other two not at all, while the provider is thinking.
    let order_id = &submitted.checkout.orders[0].order_id;
    until(async || ada.order(order_id).await.is_ok()).await;
    ada.split(order_id, "PAN-26", 1).await.unwrap();
    ada.modify(order_id, "PAN-26", 1).await.unwrap();
    let outcome = ada.outcome(&submitted.checkout.checkout_id).await.unwrap();
    assert_eq!(outcome.orders.len(), 2, "{outcome:?}");
    let mut acknowledged = Acknowledged::default();
    acknowledged.submitted(&submitted.checkout).unwrap();

    // What was agreed cannot be damaged before this wall is down.
    execute(&fleet, "ALTER TABLE orders.order_snapshot DISABLE TRIGGER order_snapshot_never_changes").await;
    each_is_noticed(&fleet, &acknowledged, DAMAGE).await;

    // An acknowledged order that nobody has.
    let mut forgotten = submitted.checkout.clone();
    forgotten.orders[0].order_id = forgotten.checkout_id.clone();
    acknowledged.submitted(&forgotten).unwrap();
    let report = check_when_settled(&fleet, &acknowledged, Duration::ZERO).await.unwrap();
    assert!(breaks(&report, "every acknowledged submission"), "{report}");
    fleet.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_the_books_of_what_failed_and_came_back_breaks_the_claim_about_it() {
    let _turn = ONE_FLEET.lock().await;
    // Nothing is closed while the books are looked at.
    let deadlines = Deadlines { close_sweep: Duration::from_hours(1), ..Deadlines::PRODUCTION };
    let fleet = Fleet::start("invariants-afterwards", &test_servers(), Shape::single(deadlines)).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    let ada = Shopper::new(&fleet, "Ada").unwrap();
    let submitted = ada.buy(&[("PAN-26", 3)], "tok_approved").await.unwrap();
    let order_id = &submitted.checkout.orders[0].order_id;
    let mut acknowledged = Acknowledged::default();
    acknowledged.submitted(&submitted.checkout).unwrap();
    let depot = Depot::new(&fleet).unwrap();
    let shipment_id = &depot.shipments(order_id).await.unwrap()[0].shipment_id;
    let lost = depot.dispatch(shipment_id, &[("PAN-26", 1)], &request_id()).await.unwrap();
    depot.fail(shipment_id, &lost, ParcelFailure::Lost).await.unwrap();
    acknowledged.failed(&lost).unwrap();
    let parcel = depot.dispatch(shipment_id, &[], &request_id()).await.unwrap();
    depot.deliver(shipment_id, &parcel).await.unwrap();
    until(async || ada.order(order_id).await.is_ok_and(|order| order.status() == OrderStatus::Delivered)).await;
    let asked = ada.request_return(order_id, &[("PAN-26", 1)], &request_id()).await.unwrap();
    acknowledged.refund(order_id, asked.refunds.last().unwrap().refund_number).unwrap();
    until(async || !depot.returns(order_id).await.unwrap().is_empty()).await;
    let goods_return = depot.returns(order_id).await.unwrap().remove(0);
    let came = [("PAN-26", 1, ReturnCondition::Damaged)];
    depot.receive(&goods_return, &came, false, &request_id()).await.unwrap();

    each_is_noticed(&fleet, &acknowledged, DAMAGE_AFTERWARDS).await;

    // A refund that the provider has not given back.
    let refund = "kind = 'refund' AND number = 1";
    execute(&fleet, &format!("UPDATE payments.provider_operation SET kind = 'void' WHERE {refund}")).await;
    let report = check_when_settled(&fleet, &acknowledged, Duration::ZERO).await.unwrap();
    assert!(breaks(&report, "the provider charged nobody twice"), "{report}");
    execute(&fleet, "UPDATE payments.provider_operation SET kind = 'refund' WHERE kind = 'void'").await;

    // A label for the way back that the carrier did not sell.
    execute(
        &fleet,
        "INSERT INTO shipping.return_label (return_id, warehouse_id, carrier, tracking_number, bought_at, status, is_followed)
         SELECT return_id, jsonb_object_keys(awaited)::uuid, 'sandbox', 'SBX999', now(), 'LABEL_BOUGHT', false
         FROM shipping.goods_return WHERE refund_number IS NOT NULL",
    )
    .await;
    let report = check_when_settled(&fleet, &acknowledged, Duration::ZERO).await.unwrap();
    assert!(breaks(&report, "the carrier sold no return two labels"), "{report}");
    execute(&fleet, "DELETE FROM shipping.return_label").await;

    let asked = ada.request_exchange(order_id, &[("PAN-26", 1)], &request_id()).await.unwrap();
    acknowledged.refund(order_id, asked.refunds.last().unwrap().refund_number).unwrap();
    until(async || depot.returns(order_id).await.unwrap().len() == 2).await;
    let returns = depot.returns(order_id).await.unwrap();
    let goods_return = returns.iter().find(|goods_return| goods_return.status() == ReturnStatus::Open).unwrap();
    let came = [("PAN-26", 1, ReturnCondition::Resalable)];
    depot.receive(goods_return, &came, false, &request_id()).await.unwrap();
    until(async || ada.order(order_id).await.is_ok_and(|order| order.refunds[2].status() == RefundStatus::Refunded))
        .await;
    each_is_noticed(&fleet, &acknowledged, DAMAGE_EXCHANGED).await;

    // An acknowledged failure and an acknowledged refund that nobody has.
    let (mut of_failure, mut of_refund) = (acknowledged.clone(), acknowledged);
    of_failure.failed(order_id).unwrap();
    of_refund.refund(order_id, 9).unwrap();
    for acknowledged in [of_failure, of_refund] {
        let report = check_when_settled(&fleet, &acknowledged, Duration::ZERO).await.unwrap();
        assert!(breaks(&report, "every acknowledged submission"), "{report}");
    }
    fleet.stop().await.unwrap();
}

/// The books are whole; each damage breaks the claim about it, and is mended.
async fn each_is_noticed(fleet: &Fleet, acknowledged: &Acknowledged, damages: &[(&str, &str, &str)]) {
    let report = check_when_settled(fleet, acknowledged, PATIENCE).await.unwrap();
    assert!(!report.is_broken(), "{report}");
    for (damage, mending, claim) in damages {
        execute(fleet, damage).await;
        let report = check_when_settled(fleet, acknowledged, Duration::ZERO).await.unwrap();
        assert!(breaks(&report, claim), "{damage}\n{report}");
        execute(fleet, mending).await;
    }
}

async fn execute(fleet: &Fleet, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(fleet.database()).await.unwrap();
}

async fn until(probe: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !probe().await {
        assert!(Instant::now() < deadline, "it did not come to that");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn breaks(report: &Report, claim: &str) -> bool {
    report.to_string().lines().any(|line| line.contains(claim) && line.contains("BROKEN"))
}
