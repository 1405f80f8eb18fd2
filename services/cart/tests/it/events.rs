use contracts::cart::v1 as wire;
use messaging::{Head, Relay, journal};
use tokio_util::sync::CancellationToken;

use crate::store::{Store, euro, new_request_id};

const TOPIC: &str = "tradewind.cart.v1";

/// Opens a cart, adds a line, sets its quantity, takes it out, adds it again, and clears: six events.
async fn live_a_life(store: &Store) -> wire::Cart {
    store.catalogue.offer("MUG", euro(12, 0));
    let opened = store.create().await;
    let (cart_id, sku, guest_token) = (opened.cart_id.clone(), "MUG".to_owned(), String::new());
    store.add(&cart_id, "MUG", 1).await.unwrap();
    let set = wire::SetLineQuantityRequest {
        request_id: new_request_id(),
        cart_id: cart_id.clone(),
        guest_token: guest_token.clone(),
        sku: sku.clone(),
        quantity: 3,
    };
    store.client.clone().set_line_quantity(store.buyer.request(set)).await.unwrap();
    let remove = wire::RemoveLineRequest {
        request_id: new_request_id(),
        cart_id: cart_id.clone(),
        guest_token: guest_token.clone(),
        sku,
    };
    store.client.clone().remove_line(store.buyer.request(remove)).await.unwrap();
    store.add(&cart_id, "MUG", 2).await.unwrap();
    let clear = wire::ClearCartRequest { request_id: new_request_id(), cart_id, guest_token };
    store.client.clone().clear_cart(store.buyer.request(clear)).await.unwrap();
    opened
}

#[tokio::test]
async fn every_change_is_an_event_on_the_topic_in_the_order_of_the_cart() {
    let store = Store::open().await;
    store.kafka.create_topics(&[TOPIC]).await;
    let opened = live_a_life(&store).await;

    let stop = CancellationToken::new();
    let relay = tokio::spawn(Relay::new(store.events.clone(), store.kafka.config()).run(stop.clone()));
    let events = store.kafka.wait_for(TOPIC, "six events", |events| events.len() == 6).await;
    stop.cancel();
    relay.await.unwrap().unwrap();

    assert!(events.iter().all(|event| event.aggregate_id.to_string() == opened.cart_id));
    assert_eq!(events.iter().map(|event| event.aggregate_version).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let cart_id = opened.cart_id;
    let created =
        wire::CartCreated { cart_id: cart_id.clone(), buyer_id: opened.buyer_id, currency_code: opened.currency_code };
    assert_eq!(events[0].decode::<wire::CartCreated>().unwrap(), created);
    let added = events[1].decode::<wire::CartLineAdded>().unwrap().line.unwrap();
    assert_eq!((added.sku.as_str(), added.quantity, added.line_total), ("MUG", 1, Some(euro(12, 0))));
    let set = events[2].decode::<wire::CartLineQuantitySet>().unwrap().line.unwrap();
    assert_eq!((set.quantity, set.price_version, set.line_total), (3, 1, Some(euro(36, 0))));
    let removed = wire::CartLineRemoved { cart_id: cart_id.clone(), sku: "MUG".to_owned() };
    assert_eq!(events[3].decode::<wire::CartLineRemoved>().unwrap(), removed);
    assert_eq!(events[4].decode::<wire::CartLineAdded>().unwrap().line.unwrap().quantity, 2);
    assert_eq!(events[5].decode::<wire::CartCleared>().unwrap(), wire::CartCleared { cart_id });
}

#[tokio::test]
async fn the_history_of_a_cart_is_whole_and_names_who_did_what() {
    let store = Store::open().await;
    let cart_id = live_a_life(&store).await.cart_id.parse().unwrap();
    let mut connection = store.events.pool().acquire().await.unwrap();
    let row = sqlx::query("SELECT version, head_hash, correlation_id FROM cart WHERE id = $1")
        .bind(cart_id)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let history = journal::read(&mut connection, cart_id).await.unwrap();
    journal::verify(&history, Head::from_row(&row).unwrap()).unwrap();
    let buyer = format!("buyer:{}", store.buyer_id);
    assert!(history.iter().all(|record| record.actor == buyer && record.correlation_id == cart_id));
}
