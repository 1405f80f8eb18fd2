//! The proof at the end of the demo can fail: each kind of damage, planted in the databases, breaks the claim about it.

use std::time::Duration;

use fleet::catalogue::Catalogue;
use fleet::fleet::Fleet;
use fleet::invariants::{Acknowledged, Report, check_when_settled};
use fleet::shopper::{self, Shopper};
use fleet::topology::{Deadlines, Shape};
use fleet::witness;

use crate::marketplace::{ONE_FLEET, test_servers};

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
        "UPDATE inventory.stock_item SET committed = committed - 1 WHERE sku = 'PAN-26'",
        "UPDATE inventory.stock_item SET committed = committed + 1 WHERE sku = 'PAN-26'",
        "what is reserved and committed is what the reservations hold",
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
        "INSERT INTO payments.ledger_transaction VALUES (gen_random_uuid(), gen_random_uuid(), 'refund', now())",
        "DELETE FROM payments.ledger_transaction WHERE kind = 'refund'",
        "every row has the row that it belongs to",
    ),
    (
        "INSERT INTO shipping.parcel
         SELECT gen_random_uuid(), shipment_id, 'DHL', 'JD1', '{\"PAN-26\": 1}', now(), NULL FROM shipping.shipment LIMIT 1",
        "DELETE FROM shipping.parcel",
        "what has left of each shipment is what its parcels hold",
    ),
    (
        "INSERT INTO shipping.shipment_line VALUES (gen_random_uuid(), 'PAN-26', 2, 0)",
        "DELETE FROM shipping.shipment_line WHERE quantity = 2",
        "every row of a shipment has the row that it belongs to",
    ),
    (
        "INSERT INTO orders.outbox (aggregate_id, version, created_at) VALUES (gen_random_uuid(), 1, now())",
        "DELETE FROM orders.outbox",
        "no event waits in an outbox",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_the_books_breaks_the_claim_about_it() {
    let _turn = ONE_FLEET.lock().await;
    let shape = Shape::single(Deadlines::PRODUCTION).with(witness::service());
    let fleet = Fleet::start("invariants", &test_servers(), shape).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    let ada = Shopper::new(&fleet, "Ada").unwrap();
    let submitted = ada.buy(&[("PAN-26", 1)], "tok_approved").await.unwrap();
    ada.outcome(&submitted.checkout.checkout_id).await.unwrap();
    let mut acknowledged = Acknowledged::default();
    acknowledged.submitted(&submitted.checkout).unwrap();

    let report = check_when_settled(&fleet, &acknowledged, Duration::from_secs(10)).await.unwrap();
    assert!(!report.is_broken(), "{report}");
    for (damage, mending, claim) in DAMAGE {
        sqlx::query(*damage).execute(fleet.database()).await.unwrap();
        let report = check_when_settled(&fleet, &acknowledged, Duration::ZERO).await.unwrap();
        assert!(breaks(&report, claim), "{damage}\n{report}");
        sqlx::query(*mending).execute(fleet.database()).await.unwrap();
    }

    // An acknowledged order that nobody has.
    let mut forgotten = submitted.checkout.clone();
    forgotten.orders[0].order_id = forgotten.checkout_id.clone();
    acknowledged.submitted(&forgotten).unwrap();
    let report = check_when_settled(&fleet, &acknowledged, Duration::ZERO).await.unwrap();
    assert!(breaks(&report, "every acknowledged submission"), "{report}");
    fleet.stop().await.unwrap();
}

fn breaks(report: &Report, claim: &str) -> bool {
    report.to_string().lines().any(|line| line.contains(claim) && line.contains("BROKEN"))
}
