//! The flash sale in small.

use fleet::flash_sale::{Options, flash_sale};

use crate::marketplace::{ONE_FLEET, test_servers};

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_buyers_are_told_which_ten_of_them_have_one() {
    let _turn = ONE_FLEET.lock().await;
    let options = Options { buyers: 300, units: 10, replicas: 2, seed: 1, within: 60 };
    flash_sale(&test_servers(), &options).await.unwrap();
}
