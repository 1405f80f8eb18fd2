use contracts::cart::v1::{CreateCartRequest, GetCartRequest};
use tonic::Code;

use crate::store::{Refused, Store, euro, new_cart, new_request_id, new_uuid, refused};

#[tokio::test]
async fn a_buyer_opens_an_empty_cart_of_its_own() {
    let store = Store::open().await;
    let answer = store.client.clone().create_cart(store.buyer.request(new_cart("EUR"))).await.unwrap().into_inner();
    let cart = answer.cart.unwrap();
    assert_eq!((cart.buyer_id.clone(), answer.guest_token), (store.buyer_id.to_string(), String::new()));
    assert_eq!((cart.currency_code.as_str(), cart.version), ("EUR", 1));
    assert_eq!((&cart.lines[..], cart.subtotal.clone()), (&[][..], Some(euro(0, 0))));
    assert_eq!(store.get(&cart.cart_id).await, cart);
}

#[tokio::test]
async fn a_guest_opens_a_cart_with_a_token_of_256_bits() {
    let store = Store::open().await;
    let opened = store.create_for_guest().await;
    let cart = opened.cart.unwrap();
    assert_eq!((cart.buyer_id.as_str(), opened.guest_token.len()), ("", 43));
    let message = GetCartRequest { cart_id: cart.cart_id.clone(), guest_token: opened.guest_token.clone() };
    assert_eq!(store.client.clone().get_cart(message).await.unwrap().into_inner().cart.unwrap(), cart);
    assert_ne!(store.create_for_guest().await.guest_token, opened.guest_token);
}

#[tokio::test]
async fn a_repeated_request_opens_one_cart_and_answers_the_same_guest_token() {
    let store = Store::open().await;
    let message = new_cart("EUR");
    let first = store.client.clone().create_cart(message.clone()).await.unwrap().into_inner();
    let again = store.client.clone().create_cart(message.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(store.count_events().await, 1);

    let altered = CreateCartRequest { currency_code: "USD".to_owned(), ..message };
    let answer = store.client.clone().create_cart(altered).await;
    assert_eq!(refused(answer), Refused::new(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
}

#[tokio::test]
async fn a_guest_token_is_stored_nowhere() {
    let store = Store::open().await;
    let token = store.create_for_guest().await.guest_token;
    let stored: Vec<String> = sqlx::query_scalar(
        "SELECT cart::text FROM cart
         UNION ALL SELECT encode(answer, 'escape') FROM idempotency_key
         UNION ALL SELECT encode(payload, 'escape') FROM journal",
    )
    .fetch_all(store.events.pool())
    .await
    .unwrap();
    assert_eq!(stored.len(), 3);
    assert!(stored.iter().all(|text| !text.contains(&token)), "{stored:?}");
}

#[tokio::test]
async fn a_cart_stays_open_to_its_guest_when_the_secret_changes() {
    let store = Store::open().await;
    let opened = store.create_for_guest().await;
    let message = GetCartRequest { cart_id: opened.cart.unwrap().cart_id, guest_token: opened.guest_token };
    let (mut client, _server) = store.with_another_secret().await;
    client.get_cart(message).await.unwrap();
}

#[tokio::test]
async fn a_cart_that_cannot_be_is_not_opened() {
    let store = Store::open().await;
    for currency_code in ["", "eur", "EURO", "XXX"] {
        let answer = store.client.clone().create_cart(new_cart(currency_code)).await;
        assert_eq!(refused(answer), Refused::invalid(&["currency_code"]), "{currency_code}");
    }
    let message = CreateCartRequest { request_id: "x".repeat(65), currency_code: "€".to_owned() };
    let answer = store.client.clone().create_cart(message).await;
    assert_eq!(refused(answer), Refused::invalid(&["request_id", "currency_code"]));
    assert_eq!(store.count_events().await, 0);
}

#[tokio::test]
async fn who_is_neither_a_buyer_nor_a_guest_opens_no_cart() {
    let store = Store::open().await;
    for bearer in [store.tokens.seller(new_uuid()), store.tokens.operator()] {
        let message = CreateCartRequest { request_id: new_request_id(), ..new_cart("EUR") };
        let answer = store.client.clone().create_cart(bearer.request(message)).await;
        assert_eq!(refused(answer), Refused::new(Code::PermissionDenied, "NOT_A_BUYER", &[]));
    }
}
