use contracts::products::v1 as wire;
use messaging::{Head, Relay, journal};
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, euro, new_request_id};

const TOPIC: &str = "tradewind.products.v1";

/// Creates a product, changes its price, puts it on sale and takes it off: four events.
async fn live_a_life(shop: &Shop) -> wire::Product {
    let created = shop.create(&["MUG"]).await;
    shop.change_price("MUG", 9, 1).await;
    let product_id = created.product_id.clone();
    let publish = wire::PublishProductRequest { request_id: new_request_id(), product_id: product_id.clone() };
    shop.client.clone().publish_product(shop.seller.request(publish)).await.unwrap();
    let unpublish = wire::UnpublishProductRequest { request_id: new_request_id(), product_id };
    shop.client.clone().unpublish_product(shop.operator.request(unpublish)).await.unwrap();
    created
}

#[tokio::test]
async fn every_change_is_an_event_on_the_topic_in_the_order_of_the_product() {
    let shop = Shop::open().await;
    shop.kafka.create_topics(&[TOPIC]).await;
    let created = live_a_life(&shop).await;

    let stop = CancellationToken::new();
    let relay = tokio::spawn(Relay::new(shop.store.clone(), shop.kafka.config()).run(stop.clone()));
    let events = shop.kafka.wait_for(TOPIC, "four events", |events| events.len() == 4).await;
    stop.cancel();
    relay.await.unwrap().unwrap();

    assert!(events.iter().all(|event| event.aggregate_id.to_string() == created.product_id));
    assert_eq!(events.iter().map(|event| event.aggregate_version).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(events[0].decode::<wire::ProductCreated>().unwrap().product, Some(created.clone()));
    let changed: wire::PriceChanged = events[1].decode().unwrap();
    assert_eq!((changed.sku.as_str(), changed.previous_amount), ("MUG", Some(euro(12, 500_000_000))));
    let price = changed.price.unwrap();
    assert_eq!((price.price_version, price.amount), (2, Some(euro(9, 0))));
    let published: wire::ProductPublished = events[2].decode().unwrap();
    assert_eq!((&published.product_id, &published.seller_id), (&created.product_id, &created.seller_id));
    let unpublished: wire::ProductUnpublished = events[3].decode().unwrap();
    assert_eq!((&unpublished.product_id, &unpublished.seller_id), (&created.product_id, &created.seller_id));
}

#[tokio::test]
async fn the_history_of_a_product_is_whole_and_names_who_did_what() {
    let shop = Shop::open().await;
    let product_id = live_a_life(&shop).await.product_id.parse().unwrap();
    let mut connection = shop.store.pool().acquire().await.unwrap();
    let row = sqlx::query("SELECT version, head_hash, correlation_id FROM product WHERE id = $1")
        .bind(product_id)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let history = journal::read(&mut connection, product_id).await.unwrap();
    journal::verify(&history, Head::from_row(&row).unwrap()).unwrap();
    let actors: Vec<_> = history.iter().map(|record| record.actor.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(actors, ["seller", "seller", "seller", "operator"]);
    assert!(history.iter().all(|record| record.correlation_id == product_id));
}
