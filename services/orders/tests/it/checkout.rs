//! The checkout saga: facts of checkout, inventory and payments come in over Kafka, facts of orders go out.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::orders::v1 as wire;
use futures::future::join_all;
use messaging::parked;
use orders::CONSUMER;
use orders::domain::ids::OrderId;
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};
use testkit::{Event, eventually};

use crate::back_office::{BackOffice, Checkout, DEAD_LETTERS, UNPAID_AFTER, participant};
use crate::others::{
    authorized, backordered, capture_failed, captured, commit_refused, committed, declined, expired, rejected,
    released, undone, voided,
};

#[tokio::test]
async fn a_checkout_over_two_sellers_becomes_two_orders() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::new(2);
    let submitted = checkout.submitted();
    // Twice the same event, and the same fact as another event.
    office.hear(&[submitted.clone(), submitted.clone(), checkout.submitted()]).await;

    for (order_id, seller_id) in checkout.order_ids.iter().zip(&checkout.seller_ids) {
        let told = office.told(*order_id, &["OrderCreated"]).await;
        assert_eq!((told[0].correlation_id, told[0].causation_id), (checkout.id.uuid(), Some(submitted.id())));
        let created: wire::OrderCreated = told[0].decode().unwrap();
        let snapshot_hash = created.snapshot_hash.clone();
        assert_eq!(created.seller_id, seller_id.to_string());
        assert_eq!(created.buyer_id, checkout.buyer_id.to_string());
        assert_eq!(created.checkout_id, checkout.id.to_string());
        let asked = &checkout.message().orders[0];
        assert_eq!((&created.subtotal, &created.total), (&asked.subtotal, &asked.total));
        assert_eq!((&created.shipping, &created.tax), (&asked.shipping, &asked.tax));
        assert_eq!(created.lines.iter().map(|line| line.sku.as_str()).collect::<Vec<_>>(), ["MUG-BLUE", "SPOON"]);
        assert_eq!((created.lines[0].quantity, created.lines[0].price_version), (2, 3));
        let message = checkout.message();
        assert_eq!((created.ship_to, created.payment_method), (message.ship_to, message.payment_method));
        let deadline = office.clock.shown() + UNPAID_AFTER;
        assert_eq!(created.unpaid_deadline, Some(timestamp_to_wire(deadline)));

        let order = office.order(*order_id).await;
        assert_eq!(snapshot_hash, order.snapshot.terms().hash().to_string());
        assert_eq!((order.head.version, order.unpaid_deadline), (1, deadline));
    }
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn an_order_is_confirmed_and_paid() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::new(1);
    let order_id = checkout.order_ids[0];
    office.hear(&[checkout.submitted()]).await;

    let facts = [authorized(order_id), committed(order_id), captured(order_id)];
    office.hear(&[facts[0].clone(), facts[0].clone()]).await;
    let (unallocated, allocated) = (FulfilmentStatus::Unallocated, FulfilmentStatus::Allocated);
    office.assert_stands(order_id, Milestone::Created, PaymentStatus::Authorized, unallocated).await;
    office.hear(&[facts[1].clone(), facts[1].clone(), committed(order_id)]).await;
    office.assert_stands(order_id, Milestone::Confirmed, PaymentStatus::Authorized, allocated).await;
    office.hear(&[facts[2].clone(), facts[2].clone(), captured(order_id)]).await;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, allocated).await;

    let told = office.told(order_id, &["OrderCreated", "OrderConfirmed", "OrderPaid"]).await;
    assert!(told.iter().all(|event| event.correlation_id == checkout.id.uuid()));
    assert_eq!((told[1].causation_id, told[2].causation_id), (Some(facts[1].id()), Some(facts[2].id())));
    assert!(!told[1].decode::<wire::OrderConfirmed>().unwrap().cash_on_delivery);
    assert_eq!(told[2].decode::<wire::OrderPaid>().unwrap().checkout_id, checkout.id.to_string());
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_commit_that_overtakes_its_authorization_confirms_the_order() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::cash_on_delivery();
    let order_id = checkout.order_ids[0];
    office.hear(&[checkout.submitted(), committed(order_id), authorized(order_id)]).await;
    let told = office.told(order_id, &["OrderCreated", "OrderConfirmed"]).await;
    assert!(told[1].decode::<wire::OrderConfirmed>().unwrap().cash_on_delivery);
    let allocated = FulfilmentStatus::Allocated;
    office.assert_stands(order_id, Milestone::Confirmed, PaymentStatus::Authorized, allocated).await;
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn an_order_that_waits_for_stock_has_longer_to_be_paid_for() {
    let (office, _replica) = BackOffice::open().await;
    let orders = [office.new_order().await, office.new_order().await];
    let until = office.clock.shown() + Duration::from_hours(14 * 24);
    office.hear(&orders.map(|order_id| backordered(order_id, until))).await;
    office.hear(&[backordered(orders[0], until)]).await;
    for order_id in orders {
        let told = office.told(order_id, &["OrderCreated", "OrderBackordered"]).await;
        let told: wire::OrderBackordered = told[1].decode().unwrap();
        let deadline = until + UNPAID_AFTER;
        assert_eq!(told.wait_until_time, Some(timestamp_to_wire(until)));
        assert_eq!(told.unpaid_deadline, Some(timestamp_to_wire(deadline)));
        let order = office.order(order_id).await;
        assert_eq!((order.waits_until, order.unpaid_deadline), (Some(until), deadline));
    }
    assert_eq!(office.verify(None).await, []);

    // Nobody is to do anything before the seller restocks; then it goes on as ever.
    office.clock.set(until);
    office.hear(&[authorized(orders[0]), committed(orders[0]), captured(orders[0]), rejected(orders[1])]).await;
    office.told(orders[0], &["OrderCreated", "OrderBackordered", "OrderConfirmed", "OrderPaid"]).await;
    office.told(orders[1], &["OrderCreated", "OrderBackordered", "OrderFailed"]).await;
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn each_way_to_fail_is_told_with_its_reason() {
    let (office, _replica) = BackOffice::open().await;
    let orders = [office.new_order().await, office.new_order().await, office.new_order().await];
    office.hear(&[rejected(orders[0]), declined(orders[1], "INSUFFICIENT_FUNDS")]).await;
    office.hear(&[authorized(orders[2]), commit_refused(orders[2])]).await;
    // Once more, as other events.
    office.hear(&[rejected(orders[0]), declined(orders[1], "CARD_EXPIRED"), commit_refused(orders[2])]).await;

    let expected = [("OUT_OF_STOCK", ""), ("PAYMENT_DECLINED", "INSUFFICIENT_FUNDS"), ("RESERVATION_EXPIRED", "")];
    for (order_id, (reason, detail)) in orders.into_iter().zip(expected) {
        let told = office.told(order_id, &["OrderCreated", "OrderFailed"]).await;
        let failed: wire::OrderFailed = told[1].decode().unwrap();
        assert_eq!((failed.reason.as_str(), failed.detail.as_str()), (reason, detail));
        assert_eq!(office.order(order_id).await.standing.status.reason(), Some(reason));
    }
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_late_authorization_of_an_expired_order_changes_nothing() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.new_order().await;
    office.hear(&[expired(order_id), released(order_id), authorized(order_id), commit_refused(order_id)]).await;
    office.hear(&[voided(order_id), expired(order_id)]).await;

    let told = office.told(order_id, &["OrderCreated", "OrderCancelled"]).await;
    assert_eq!(told[1].decode::<wire::OrderCancelled>().unwrap().reason, "RESERVATION_EXPIRED");
    let released = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Cancelled, PaymentStatus::Voided, released).await;
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn a_failed_capture_cancels_a_confirmed_order() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    office.hear(&[capture_failed(order_id), capture_failed(order_id)]).await;
    let told = office.told(order_id, &["OrderCreated", "OrderConfirmed", "OrderCancelled"]).await;
    assert_eq!(told[2].decode::<wire::OrderCancelled>().unwrap().reason, "CAPTURE_FAILED");

    office.hear(&[voided(order_id), released(order_id)]).await;
    let released = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Cancelled, PaymentStatus::Voided, released).await;
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_capture_that_meets_a_cancellation_does_not_revive_the_order() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    office.cancel(order_id).await.unwrap();
    office.hear(&[captured(order_id), released(order_id), undone(order_id), undone(order_id)]).await;

    office.told(order_id, &["OrderCreated", "OrderConfirmed", "OrderCancelled"]).await;
    let released = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Cancelled, PaymentStatus::Refunded, released).await;
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn what_is_undone_shows_on_the_axes() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.new_order().await;
    office.hear(&[authorized(order_id)]).await;
    office.cancel(order_id).await.unwrap();
    // Inventory committed before it heard of the cancellation.
    office.hear(&[committed(order_id), released(order_id), voided(order_id), authorized(order_id)]).await;
    let (voided, released) = (PaymentStatus::Voided, FulfilmentStatus::Released);
    office.assert_stands(order_id, Milestone::Cancelled, voided, released).await;
    // The axes moved three times after the cancellation, and nobody heard of it.
    assert_eq!(office.history(order_id).await, ["OrderCreated", "OrderCancelled"]);
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn a_fact_about_an_order_that_does_not_exist_waits_for_an_operator() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::new(1);
    let order_id = checkout.order_ids[0];
    office.hear(&[authorized(order_id), committed(order_id), captured(order_id)]).await;
    let bystander = office.new_order().await;
    office.told(bystander, &["OrderCreated"]).await;

    let reasons = office.parked().await;
    let expected = ["refused: ORDER_NOT_FOUND", "refused: ORDER_NOT_FOUND", "waits behind"];
    assert_eq!(reasons.len(), expected.len());
    assert!(reasons.iter().zip(expected).all(|(reason, start)| reason.starts_with(start)), "{reasons:?}");
    office.kafka.wait_for(DEAD_LETTERS, "the parked events", |events| events.len() == 3).await;

    // Once the order is there, for instance because a restored database caught up, they take effect in the order they came.
    office.hear(&[checkout.submitted()]).await;
    let mut tried = Vec::new();
    let tell = |event| tried.push(event);
    parked::retry(&office.store, &participant(), CONSUMER, order_id.uuid(), "ada", tell).await.unwrap();
    let told: Vec<_> = tried.iter().map(|event: &parked::Tried| event.outcome.as_deref()).collect();
    assert_eq!(told, [Ok("took effect"); 3]);
    office.told(order_id, &["OrderCreated", "OrderConfirmed", "OrderPaid"]).await;
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn what_contradicts_an_order_is_parked_and_changes_nothing() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.new_order().await;
    office.hear(&[captured(order_id)]).await;
    let reasons = office.parked().await;
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].starts_with("refused: ORDER_CONTRADICTED"), "{reasons:?}");
    assert!(reasons[0].contains("CREATED, UNPAID, UNALLOCATED"), "{reasons:?}");
    let unallocated = FulfilmentStatus::Unallocated;
    office.assert_stands(order_id, Milestone::Created, PaymentStatus::Unpaid, unallocated).await;
}

#[tokio::test]
async fn a_submission_that_cannot_be_read_or_does_not_add_up_is_parked_as_a_whole() {
    let (office, _replica) = BackOffice::open().await;
    let twice = Checkout::new(2);
    let checkouts: Vec<_> = (0..10).map(|_| Checkout::new(2)).collect();
    let mut messages: Vec<_> = checkouts.iter().map(Checkout::message).collect();
    messages[0].orders[1].total = messages[0].orders[1].tax.clone();
    messages[1].orders[1].lines[0].quantity = 0;
    messages[2].orders[1].lines[0].tax_rate = "19 %".to_owned();
    messages[3].orders[1].seller_id = "nobody".to_owned();
    messages[4].orders.clear();
    messages[5].payment_method = None;
    messages[6].ship_to = None;
    messages[7].orders[1].shipping.as_mut().unwrap().currency_code = "USD".to_owned();
    messages[8].checkout_id = twice.id.to_string();
    messages[9].orders[0].shipping_service.clear();
    let mut same_id = twice.message();
    same_id.orders[1].order_id = twice.order_ids[0].to_string();
    let mut broken: Vec<Event> =
        checkouts.iter().zip(&messages).map(|(checkout, message)| checkout.submitted_as(message)).collect();
    broken.push(twice.submitted_as(&same_id));
    broken.push(Checkout::new(1).submitted().with_payload(b"\xff\xff\xff"));
    office.hear(&broken).await;

    let reasons = office.parked().await;
    assert_eq!(reasons.len(), broken.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    assert!(reasons[0].contains("orders[1]: the total is not subtotal, shipping and tax"), "{reasons:?}");
    assert!(reasons[1].contains("orders[1].lines[0].quantity"), "{reasons:?}");
    assert!(reasons[9].contains("orders[0].shipping_service"), "{reasons:?}");
    let orders: i64 =
        sqlx::query_scalar("SELECT count(*) FROM order_snapshot").fetch_one(office.store.pool()).await.unwrap();
    assert_eq!(orders, 0);
    office.new_order().await;
}

#[tokio::test]
async fn an_event_under_the_key_of_another_order_is_parked() {
    let (office, _replica) = BackOffice::open().await;
    let (order_id, other) = (office.new_order().await, office.new_order().await);
    let message = contracts::inventory::v1::ReservationExpired { order_id: order_id.to_string() };
    office.hear(&[Event::new("inventory", "reservation", other.uuid(), 1, &message)]).await;
    assert!(office.parked().await[0].starts_with("undecodable: it is about order"));
    assert_eq!(office.history(order_id).await, ["OrderCreated"]);
}

#[tokio::test]
async fn a_checkout_that_claims_the_order_of_another_is_parked_as_a_whole() {
    let (office, _replica) = BackOffice::open().await;
    let first = Checkout::new(1);
    let mut second = Checkout::new(2);
    second.order_ids[1] = first.order_ids[0];
    office.hear(&[first.submitted(), second.submitted()]).await;
    assert!(office.parked().await[0].starts_with("refused: ORDER_ALREADY_EXISTS"));
    assert!(office.history(second.order_ids[0]).await.is_empty());
    assert_eq!(office.order(first.order_ids[0]).await.snapshot.terms().checkout_id, first.id);
}

#[tokio::test]
async fn an_event_of_a_type_that_is_not_subscribed_to_is_skipped() {
    let (office, _replica) = BackOffice::open().await;
    let checkout = Checkout::new(1);
    let of_tomorrow = checkout.submitted().with_type("tradewind.checkout.v1.CheckoutTeleported");
    office.kafka.publish(&of_tomorrow).await;
    office.hear(&[checkout.submitted()]).await;
    office.told(checkout.order_ids[0], &["OrderCreated"]).await;
    assert!(office.parked().await.is_empty());
}

/// One order of [`cancelling_meets_paying_and_each_order_has_one_outcome`]: the others do their part of the saga, while its buyer
/// cancels as soon as it has `patience` entries in its history. Answers whether the buyer was in time.
async fn pay_and_cancel(office: &BackOffice, order_id: OrderId, patience: usize) -> bool {
    let saga = async {
        let (authorized, committed) = (authorized(order_id), committed(order_id));
        tokio::join!(office.kafka.publish(&authorized), office.kafka.publish(&committed));
        office.taken(&authorized).await;
        office.taken(&committed).await;
        // Payments captures when it hears that the order is confirmed, whatever happens to it meanwhile.
        if office.history(order_id).await.iter().any(|name| name == "OrderConfirmed") {
            office.hear(&[captured(order_id)]).await;
        }
    };
    let buyer = async {
        eventually("the moment that the buyer waits for", async || {
            let history = office.history(order_id).await;
            history.len() >= patience
        })
        .await;
        office.cancel(order_id).await.is_ok()
    };
    tokio::join!(saga, buyer).1
}

#[tokio::test]
async fn cancelling_meets_paying_and_each_order_has_one_outcome() {
    const ORDERS: usize = 60;
    let office = BackOffice::closed().await;
    let _replicas = (office.start_replica().await, office.start_replica().await);
    let checkouts: Vec<_> = (0..ORDERS).map(|_| Checkout::new(1)).collect();
    let submissions: Vec<_> = checkouts.iter().map(Checkout::submitted).collect();
    join_all(submissions.iter().map(|event| office.kafka.publish(event))).await;
    for event in &submissions {
        office.taken(event).await;
    }

    let order_ids: Vec<_> = checkouts.iter().map(|checkout| checkout.order_ids[0]).collect();
    let patiences = [1, 2, 3].into_iter().cycle();
    let lives = order_ids.iter().zip(patiences).map(|(id, patience)| pay_and_cancel(&office, *id, patience));
    let in_time = join_all(lives).await;
    for (order_id, in_time) in order_ids.iter().zip(&in_time) {
        let history = office.history(*order_id).await;
        let names: Vec<_> = history.iter().map(String::as_str).collect();
        let outcomes: &[&[&str]] = if *in_time {
            &[&["OrderCreated", "OrderCancelled"], &["OrderCreated", "OrderConfirmed", "OrderCancelled"]]
        } else {
            &[&["OrderCreated", "OrderConfirmed", "OrderPaid"]]
        };
        assert!(outcomes.contains(&&names[..]), "{names:?}");
    }
    // Those who waited for the payment came too late; of the others some were in time.
    assert!(in_time.iter().filter(|in_time| !**in_time).count() >= ORDERS / 3);
    assert!(in_time.contains(&true));
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}
