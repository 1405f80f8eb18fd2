//! The fault campaign in small, and that it would notice a fleet that is broken.

use fleet::faults::{Options, campaign, mutants};
use kernel::Mutant;

use crate::marketplace::{ONE_FLEET, test_servers};

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_orders_come_through_whatever_goes_wrong_around_them() {
    let _turn = ONE_FLEET.lock().await;
    let options = Options { seed: 1, orders: 500, replicas: 2, rate: 12.0, mutant: None, mutants: false };
    let report = campaign("faults-test", &options).await.unwrap();
    assert!(report.failures.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_is_whole_comes_through_the_scene_that_shows_a_mutant_and_the_mutant_does_not() {
    let _turn = ONE_FLEET.lock().await;
    let scenes = [Mutant::CaptureBeforeCommit, Mutant::InboxSkipped, Mutant::RefundTwice].map(mutants::scene_of);
    mutants::whole(&test_servers(), &scenes).await.unwrap();
    for scene in scenes {
        mutants::notice(&test_servers(), scene).await.unwrap();
    }
}
