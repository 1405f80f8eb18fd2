//! Each service in turn is killed with -9 while shoppers shop, and started again. Whatever was acknowledged reaches its end,
//! and every invariant holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fleet::catalogue::Catalogue;
use fleet::fleet::Fleet;
use fleet::invariants::{self, Acknowledged};
use fleet::shopper::{self, Shopper, Submitted, request_id};
use fleet::topology::{Deadlines, Shape, replica};

use crate::marketplace::{ONE_FLEET, PATIENCE, test_servers};

/// Shoppers at once.
const SHOPPERS: usize = 8;
/// How long they shop before the kill, and at least after it.
const BEFORE: Duration = Duration::from_millis(800);
const AFTER: Duration = Duration::from_millis(2_500);
/// Somebody has shopped again by then, on a machine that is busy with other tests.
const SHOPS_AGAIN_MAX: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn killing_products_loses_nothing() {
    shop_while_killing("products").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_cart_loses_nothing() {
    shop_while_killing("cart").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_checkout_loses_nothing() {
    shop_while_killing("checkout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_orders_loses_nothing() {
    shop_while_killing("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_inventory_loses_nothing() {
    shop_while_killing("inventory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_payments_loses_nothing() {
    shop_while_killing("payments").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_shipping_loses_nothing() {
    shop_while_killing("shipping").await;
}

async fn shop_while_killing(service: &str) {
    let _turn = ONE_FLEET.lock().await;
    let mut fleet =
        Fleet::start(&format!("kill-{service}"), &test_servers(), Shape::single(Deadlines::DEMO)).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();

    let (closing, bought) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let shoppers: Vec<_> = (0..SHOPPERS)
        .map(|n| {
            let shopper = Shopper::new(&fleet, &format!("Shopper {n}")).unwrap();
            tokio::spawn(shop(shopper, closing.clone(), bought.clone()))
        })
        .collect();
    tokio::time::sleep(BEFORE).await;
    let process = replica(service, 0);
    fleet.kill9(&process).await.unwrap();
    fleet.respawn(&process).unwrap();
    fleet.until_serving(&process).await.unwrap();
    let before = bought.load(Ordering::Relaxed);
    tokio::time::sleep(AFTER).await;
    let deadline = Instant::now() + SHOPS_AGAIN_MAX;
    while bought.load(Ordering::Relaxed) == before {
        assert!(Instant::now() < deadline, "nobody could shop after {service} was started again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    closing.store(true, Ordering::Relaxed);

    let mut acknowledged = Acknowledged::default();
    for shopper in shoppers {
        let (shopper, submissions) = shopper.await.unwrap();
        for submitted in submissions {
            acknowledged.submitted(&submitted.checkout).unwrap();
            let checkout = shopper.outcome(&submitted.checkout.checkout_id).await.unwrap();
            assert!(checkout.complete);
        }
    }
    let report = invariants::check_when_settled(&fleet, &acknowledged, PATIENCE).await.unwrap();
    assert!(!report.is_broken(), "after killing {service}:\n{report}");
    fleet.stop().await.unwrap();
}

/// Shops until the shop closes; what fails because a service is away is tried again, a submission under its own name.
async fn shop(shopper: Shopper, closing: Arc<AtomicBool>, bought: Arc<AtomicUsize>) -> (Shopper, Vec<Submitted>) {
    let mut submissions = Vec::new();
    while !closing.load(Ordering::Relaxed) {
        let Ok(quote) = shopper.quote(&[("BULB-WARM", 1), ("YARN-SOCK", 1)]).await else { continue };
        let request_id = request_id();
        while !closing.load(Ordering::Relaxed) {
            if let Ok(submitted) = shopper.submit(&quote, "tok_approved", &request_id).await {
                submissions.push(submitted);
                bought.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
    }
    (shopper, submissions)
}
