use contracts::access::Role;
use contracts::cart::v1::{
    AddLineRequest, ClearCartRequest, GetCartRequest, RemoveLineRequest, SetLineQuantityRequest,
};
use testkit::{Bearer, Tokens};
use tonic::{Code, Status};

use crate::store::{
    Refused, Store, addition, euro, lines, new_cart, new_request_id, new_uuid, outcome, refused, request,
};

/// Tries everything that can be done with a cart, in somebody's name or in nobody's.
async fn try_everything(
    store: &Store,
    bearer: Option<&Bearer>,
    cart_id: &str,
    guest_token: &str,
) -> [Result<(), Status>; 5] {
    let (cart_id, guest_token, sku) = (cart_id.to_owned(), guest_token.to_owned(), "MUG".to_owned());
    let get = GetCartRequest { cart_id: cart_id.clone(), guest_token: guest_token.clone() };
    let add = AddLineRequest { guest_token: guest_token.clone(), ..addition(&cart_id, &sku, 1) };
    let set = SetLineQuantityRequest {
        request_id: new_request_id(),
        cart_id: cart_id.clone(),
        guest_token: guest_token.clone(),
        sku: sku.clone(),
        quantity: 5,
    };
    let remove = RemoveLineRequest {
        request_id: new_request_id(),
        cart_id: cart_id.clone(),
        guest_token: guest_token.clone(),
        sku,
    };
    let clear = ClearCartRequest { request_id: new_request_id(), cart_id, guest_token };
    let mut client = store.client.clone();
    [
        outcome(client.get_cart(request(bearer, get)).await),
        outcome(client.add_line(request(bearer, add)).await),
        outcome(client.set_line_quantity(request(bearer, set)).await),
        outcome(client.remove_line(request(bearer, remove)).await),
        outcome(client.clear_cart(request(bearer, clear)).await),
    ]
}

#[tokio::test]
async fn a_cart_of_somebody_else_or_of_nobody_is_not_found() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    let buyers = store.create().await.cart_id;
    store.add(&buyers, "MUG", 2).await.unwrap();
    let guests = store.create_for_guest().await.cart.unwrap().cart_id;
    let other_guests_token = store.create_for_guest().await.guest_token;
    let (operator, nobodys) = (store.tokens.operator(), new_uuid().to_string());

    let not_found = Refused::new(Code::NotFound, "CART_NOT_FOUND", &["cart_id"]);
    for (bearer, cart_id, guest_token) in [
        (Some(&store.other_buyer), &buyers, ""),
        (Some(&operator), &buyers, ""),
        (None, &buyers, ""),
        (None, &buyers, other_guests_token.as_str()),
        (Some(&store.buyer), &guests, ""),
        (None, &guests, ""),
        (None, &guests, other_guests_token.as_str()),
        (Some(&store.buyer), &nobodys, ""),
    ] {
        for answer in try_everything(&store, bearer, cart_id, guest_token).await {
            assert_eq!(refused(answer), not_found);
        }
    }
    assert_eq!(lines(&store.get(&buyers).await), [("MUG", 2)]);
}

#[tokio::test]
async fn a_guest_does_everything_with_a_cart_by_its_token() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    let opened = store.create_for_guest().await;
    let cart_id = opened.cart.unwrap().cart_id;
    for answer in try_everything(&store, None, &cart_id, &opened.guest_token).await {
        answer.unwrap();
    }
    // A buyer who logged in meanwhile still holds the token.
    for answer in try_everything(&store, Some(&store.buyer), &cart_id, &opened.guest_token).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn a_malformed_guest_token_is_named_and_not_echoed() {
    let store = Store::open().await;
    let opened = store.create_for_guest().await;
    let malformed = format!("{}!", opened.guest_token);
    for answer in try_everything(&store, None, &opened.cart.unwrap().cart_id, &malformed).await {
        let status = answer.unwrap_err();
        assert!(!format!("{status:?}").contains(&opened.guest_token), "{status:?}");
        assert_eq!(refused::<()>(Err(status)), Refused::invalid(&["guest_token"]));
    }
}

#[tokio::test]
async fn an_expired_or_forged_token_is_refused_where_none_is_needed() {
    let store = Store::open().await;
    let cart_id = store.create().await.cart_id;
    let expired = store.tokens.expired(Role::Buyer, store.buyer_id);
    let forged = Tokens::forger().buyer(store.buyer_id);
    for (bearer, reason) in [(expired, "TOKEN_EXPIRED"), (forged, "TOKEN_INVALID")] {
        let unauthenticated = Refused::new(Code::Unauthenticated, reason, &[]);
        let answer = store.client.clone().create_cart(bearer.request(new_cart("EUR"))).await;
        assert_eq!(refused(answer), unauthenticated);
        for answer in try_everything(&store, Some(&bearer), &cart_id, "").await {
            assert_eq!(refused(answer), unauthenticated);
        }
    }
}

#[tokio::test]
async fn an_oversized_request_is_refused() {
    let store = Store::open().await;
    let message = new_cart(&"E".repeat(2 * 1024 * 1024));
    let answer = store.client.clone().create_cart(message).await;
    assert_eq!(refused(answer), Refused::new(Code::ResourceExhausted, "REQUEST_TOO_LARGE", &[]));
}
