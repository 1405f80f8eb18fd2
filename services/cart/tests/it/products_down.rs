use contracts::cart::v1::SetLineQuantityRequest;
use tonic::Code;

use crate::store::{Refused, Store, addition, euro, lines, new_request_id, refused};

fn unavailable() -> Refused {
    Refused::new(Code::Unavailable, "PEER_UNAVAILABLE", &[])
}

#[tokio::test]
async fn nothing_is_added_while_products_cannot_be_reached() {
    let store = Store::open_without_products().await;
    let opened = store.create().await;
    assert_eq!(refused(store.add(&opened.cart_id, "MUG", 1).await), unavailable());
    assert_eq!(store.get(&opened.cart_id).await, opened);
    assert_eq!(store.count_events().await, 1);
}

#[tokio::test]
async fn what_products_says_of_its_insides_does_not_reach_the_caller() {
    let store = Store::open().await;
    let cart_id = store.create().await.cart_id;
    store.catalogue.go_down();
    let status = store.add(&cart_id, "MUG", 1).await.unwrap_err();
    assert!(!format!("{status:?}").contains("10.0.0.7"), "{status:?}");
    assert_eq!(refused::<()>(Err(status)), unavailable());
}

#[tokio::test]
async fn what_is_in_a_cart_can_be_changed_and_a_repeat_answered_without_products() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    let cart_id = store.create().await.cart_id;
    let asked = addition(&cart_id, "MUG", 2);
    let added = store.add_as_asked(asked.clone()).await.unwrap();
    store.catalogue.go_down();

    assert_eq!(store.add_as_asked(asked).await.unwrap(), added);
    let message = SetLineQuantityRequest {
        request_id: new_request_id(),
        cart_id,
        guest_token: String::new(),
        sku: "MUG".to_owned(),
        quantity: 1,
    };
    let cart = store.client.clone().set_line_quantity(store.buyer.request(message)).await.unwrap().into_inner().cart;
    assert_eq!(lines(&cart.unwrap()), [("MUG", 1)]);
}
