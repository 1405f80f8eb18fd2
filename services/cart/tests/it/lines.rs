use std::time::Duration;

use contracts::cart::v1::{AddLineRequest, Cart, ClearCartRequest, RemoveLineRequest, SetLineQuantityRequest};
use contracts::google::r#type::Money;
use contracts::products::v1::ProductStatus;
use tonic::{Code, Status};

use crate::store::{Refused, Store, addition, euro, lines, new_request_id, refused};

async fn set(store: &Store, cart_id: &str, sku: &str, quantity: i32) -> Result<Cart, Status> {
    let message = SetLineQuantityRequest {
        request_id: new_request_id(),
        cart_id: cart_id.to_owned(),
        guest_token: String::new(),
        sku: sku.to_owned(),
        quantity,
    };
    let answer = store.client.clone().set_line_quantity(store.buyer.request(message)).await?;
    Ok(answer.into_inner().cart.unwrap())
}

async fn remove(store: &Store, cart_id: &str, sku: &str) -> Cart {
    let message = RemoveLineRequest {
        request_id: new_request_id(),
        cart_id: cart_id.to_owned(),
        guest_token: String::new(),
        sku: sku.to_owned(),
    };
    let answer = store.client.clone().remove_line(store.buyer.request(message)).await.unwrap();
    answer.into_inner().cart.unwrap()
}

async fn clear(store: &Store, cart_id: &str) -> Cart {
    let message =
        ClearCartRequest { request_id: new_request_id(), cart_id: cart_id.to_owned(), guest_token: String::new() };
    store.client.clone().clear_cart(store.buyer.request(message)).await.unwrap().into_inner().cart.unwrap()
}

fn yen(units: i64) -> Money {
    Money { currency_code: "JPY".to_owned(), units, nanos: 0 }
}

#[tokio::test]
async fn a_line_holds_what_the_buyer_saw() {
    let store = Store::open().await;
    store.catalogue.put("MUG", &[(euro(12, 500_000_000), 3), (yen(2_000), 1)], ProductStatus::Published);
    let opened = store.create().await;
    store.clock.advance(Duration::from_mins(1));
    let asked =
        AddLineRequest { price_version: 3, currency_code: "EUR".to_owned(), ..addition(&opened.cart_id, "MUG", 2) };
    let cart = store.add_as_asked(asked).await.unwrap();

    let ([line], offer) = (&cart.lines[..], store.catalogue.get("MUG")) else { panic!("{cart:?}") };
    assert_eq!((line.sku.as_str(), line.quantity, line.price_version), ("MUG", 2, 3));
    assert_eq!((&line.product_id, &line.seller_id, &line.title), (&offer.product_id, &offer.seller_id, &offer.title));
    assert_eq!((line.unit_price.clone(), line.line_total.clone()), (Some(euro(12, 500_000_000)), Some(euro(25, 0))));
    assert_eq!((cart.subtotal.clone(), cart.version), (Some(euro(25, 0)), 2));
    assert!(cart.update_time.unwrap().seconds > cart.create_time.unwrap().seconds);
    assert_eq!(store.get(&cart.cart_id).await, cart);
}

#[tokio::test]
async fn a_line_remembers_the_price_version_until_its_buyer_sees_another() {
    let store = Store::open().await;
    store.catalogue.put("MUG", &[(euro(12, 0), 1)], ProductStatus::Published);
    let cart_id = store.create().await.cart_id;
    store.add(&cart_id, "MUG", 1).await.unwrap();
    store.catalogue.put("MUG", &[(euro(15, 0), 2)], ProductStatus::Published);

    let cart = set(&store, &cart_id, "MUG", 3).await.unwrap();
    assert_eq!((cart.lines[0].price_version, cart.subtotal), (1, Some(euro(36, 0))));
    let cart = store.add(&cart_id, "MUG", 1).await.unwrap();
    assert_eq!((cart.lines[0].price_version, cart.lines[0].quantity, cart.subtotal), (2, 4, Some(euro(60, 0))));
}

#[tokio::test]
async fn lines_stay_in_the_order_they_were_added() {
    let store = Store::open().await;
    for sku in ["B", "A", "C"] {
        store.catalogue.offer(sku, euro(1, 0));
    }
    let cart_id = store.create().await.cart_id;
    for sku in ["B", "A", "C", "B"] {
        store.add(&cart_id, sku, 1).await.unwrap();
    }
    assert_eq!(lines(&remove(&store, &cart_id, "A").await), [("B", 2), ("C", 1)]);
    let cart = store.add(&cart_id, "A", 1).await.unwrap();
    assert_eq!(lines(&cart), [("B", 2), ("C", 1), ("A", 1)]);
    assert_eq!(store.get(&cart_id).await, cart);
}

#[tokio::test]
async fn what_may_not_be_bought_is_not_added() {
    let store = Store::open().await;
    store.catalogue.put("MUG", &[(euro(12, 0), 2)], ProductStatus::Published);
    store.catalogue.put("DRAFT", &[(euro(12, 0), 1)], ProductStatus::Draft);
    store.catalogue.put("GONE", &[(euro(12, 0), 1)], ProductStatus::Unpublished);
    store.catalogue.put("SAKE", &[(yen(2_000), 1)], ProductStatus::Published);
    let opened = store.create().await;
    let add = |sku| addition(&opened.cart_id, sku, 1);
    let failed = |reason, field| Refused::new(Code::FailedPrecondition, reason, &[field]);
    for (asked, expected) in [
        (add("NOBODYS"), Refused::new(Code::NotFound, "SKU_UNKNOWN", &["sku"])),
        (add("DRAFT"), failed("SKU_NOT_ON_SALE", "sku")),
        (add("GONE"), failed("SKU_NOT_ON_SALE", "sku")),
        (add("SAKE"), failed("SKU_NOT_PRICED_IN_CURRENCY", "sku")),
        (
            AddLineRequest { currency_code: "USD".to_owned(), ..add("MUG") },
            failed("CURRENCY_MISMATCH", "currency_code"),
        ),
        (AddLineRequest { price_version: 1, ..add("MUG") }, failed("PRICE_VERSION_STALE", "price_version")),
        (AddLineRequest { price_version: 3, ..add("MUG") }, failed("PRICE_VERSION_STALE", "price_version")),
    ] {
        assert_eq!(refused(store.add_as_asked(asked).await), expected);
    }
    assert_eq!(store.get(&opened.cart_id).await, opened);
    assert_eq!(store.count_events().await, 1);
}

#[tokio::test]
async fn every_field_that_is_wrong_in_itself_is_named_in_one_answer() {
    let store = Store::open().await;
    let wrong = AddLineRequest {
        request_id: String::new(),
        cart_id: "cart-7".to_owned(),
        guest_token: "guest".to_owned(),
        sku: "mug".to_owned(),
        quantity: 0,
        price_version: -1,
        currency_code: "EURO".to_owned(),
    };
    let fields = ["request_id", "cart_id", "guest_token", "sku", "quantity", "price_version", "currency_code"];
    assert_eq!(refused(store.add_as_asked(wrong).await), Refused::invalid(&fields));
    let wrong = refused(set(&store, "cart-7", "mug", 0).await);
    assert_eq!(wrong, Refused::invalid(&["cart_id", "sku", "quantity"]));
}

#[tokio::test]
async fn a_quantity_of_less_than_1_or_more_than_999_is_refused() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    let cart_id = store.create().await.cart_id;
    store.add(&cart_id, "MUG", 1).await.unwrap();
    for quantity in [i32::MIN, -1, 0, 1_000, i32::MAX] {
        assert_eq!(refused(store.add(&cart_id, "MUG", quantity).await), Refused::invalid(&["quantity"]));
        assert_eq!(refused(set(&store, &cart_id, "MUG", quantity).await), Refused::invalid(&["quantity"]));
    }
    let limit = Refused::new(Code::FailedPrecondition, "QUANTITY_LIMIT", &["quantity"]);
    assert_eq!(refused(store.add(&cart_id, "MUG", 999).await), limit);
    assert_eq!(lines(&store.add(&cart_id, "MUG", 998).await.unwrap()), [("MUG", 999)]);
}

#[tokio::test]
async fn a_cart_holds_100_lines() {
    let store = Store::open().await;
    let cart_id = store.create().await.cart_id;
    for number in 0..=100 {
        store.catalogue.offer(&format!("MUG-{number}"), euro(1, 0));
    }
    for number in 0..100 {
        store.add(&cart_id, &format!("MUG-{number}"), 1).await.unwrap();
    }
    let full = Refused::new(Code::FailedPrecondition, "CART_FULL", &[]);
    assert_eq!(refused(store.add(&cart_id, "MUG-100", 1).await), full);
    let cart = store.add(&cart_id, "MUG-0", 1).await.unwrap();
    assert_eq!((cart.lines.len(), cart.subtotal), (100, Some(euro(101, 0))));
}

#[tokio::test]
async fn a_subtotal_that_cannot_be_is_refused() {
    let store = Store::open().await;
    // More than half of the largest amount, in cents.
    store.catalogue.offer("GEM", euro(50_000_000_000_000_000, 0));
    store.catalogue.offer("PEARL", euro(50_000_000_000_000_000, 0));
    let cart_id = store.create().await.cart_id;
    let overflow = Refused::new(Code::FailedPrecondition, "SUBTOTAL_OVERFLOW", &["quantity"]);
    assert_eq!(refused(store.add(&cart_id, "GEM", 2).await), overflow);
    store.add(&cart_id, "GEM", 1).await.unwrap();
    assert_eq!(refused(store.add(&cart_id, "PEARL", 1).await), overflow);
    assert_eq!(refused(set(&store, &cart_id, "GEM", 2).await), overflow);
    assert_eq!(lines(&store.get(&cart_id).await), [("GEM", 1)]);
}

#[tokio::test]
async fn a_quantity_is_set_and_only_of_a_line_that_is_there() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    let cart_id = store.create().await.cart_id;
    store.add(&cart_id, "MUG", 5).await.unwrap();
    let cart = set(&store, &cart_id, "MUG", 2).await.unwrap();
    assert_eq!((lines(&cart), cart.subtotal.clone(), cart.version), (vec![("MUG", 2)], Some(euro(24, 0)), 3));
    assert_eq!(set(&store, &cart_id, "MUG", 2).await.unwrap(), cart);
    let missing = Refused::new(Code::NotFound, "LINE_NOT_FOUND", &["sku"]);
    assert_eq!(refused(set(&store, &cart_id, "CUP", 2).await), missing);
    assert_eq!(store.get(&cart_id).await, cart);
}

#[tokio::test]
async fn a_line_is_taken_out_and_one_that_is_not_there_is_no_error() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    store.catalogue.offer("CUP", euro(3, 0));
    let cart_id = store.create().await.cart_id;
    store.add(&cart_id, "MUG", 1).await.unwrap();
    store.add(&cart_id, "CUP", 1).await.unwrap();
    let cart = remove(&store, &cart_id, "MUG").await;
    assert_eq!((lines(&cart), cart.subtotal.clone(), cart.version), (vec![("CUP", 1)], Some(euro(3, 0)), 4));
    assert_eq!(remove(&store, &cart_id, "MUG").await, cart);
}

#[tokio::test]
async fn a_cart_is_cleared_and_can_be_filled_again() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(12, 0));
    let cart_id = store.create().await.cart_id;
    store.add(&cart_id, "MUG", 1).await.unwrap();
    let cart = clear(&store, &cart_id).await;
    assert_eq!((lines(&cart), cart.subtotal.clone(), cart.version), (vec![], Some(euro(0, 0)), 3));
    assert_eq!(clear(&store, &cart_id).await, cart);
    assert_eq!(lines(&store.add(&cart_id, "MUG", 1).await.unwrap()), [("MUG", 1)]);
}

#[tokio::test]
async fn of_many_who_add_at_once_everyone_is_counted() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(1, 0));
    let cart_id = store.create().await.cart_id;
    let additions = (0..20).map(|_| {
        let (mut client, request) = (store.client.clone(), store.buyer.request(addition(&cart_id, "MUG", 1)));
        tokio::spawn(async move { client.add_line(request).await.unwrap() })
    });
    for addition in additions.collect::<Vec<_>>() {
        addition.await.unwrap();
    }
    let cart = store.get(&cart_id).await;
    assert_eq!((lines(&cart), cart.version), (vec![("MUG", 20)], 21));
}

#[tokio::test]
async fn the_same_addition_twice_adds_once() {
    let store = Store::open().await;
    store.catalogue.offer("MUG", euro(1, 0));
    let cart_id = store.create().await.cart_id;
    let asked = addition(&cart_id, "MUG", 2);
    let first = store.add_as_asked(asked.clone()).await.unwrap();
    assert_eq!(store.add_as_asked(asked.clone()).await.unwrap(), first);
    assert_eq!(lines(&store.get(&cart_id).await), [("MUG", 2)]);

    let altered = AddLineRequest { quantity: 3, ..asked };
    let reused = Refused::new(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refused(store.add_as_asked(altered).await), reused);
}
