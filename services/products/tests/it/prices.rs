use std::time::Duration;

use contracts::google::r#type::Money;
use contracts::products::v1::{ListPriceHistoryRequest, ListPriceHistoryResponse};
use tonic::{Code, Response, Status};

use crate::shop::{Refused, Shop, euro, price_change, refused};

async fn history(shop: &Shop, request: ListPriceHistoryRequest) -> Result<Response<ListPriceHistoryResponse>, Status> {
    shop.client.clone().list_price_history(tonic::Request::new(request)).await
}

fn of(sku: &str, currency_code: &str) -> ListPriceHistoryRequest {
    ListPriceHistoryRequest {
        sku: sku.to_owned(),
        currency_code: currency_code.to_owned(),
        page_size: 0,
        page_token: String::new(),
    }
}

#[tokio::test]
async fn a_changed_price_gets_the_next_version_and_the_earlier_ones_stay_in_its_history() {
    let shop = Shop::open().await;
    let created = shop.create(&["MUG-S", "MUG-L"]).await;
    for (units, expected) in [(11, 1), (9, 2)] {
        shop.clock.advance(Duration::from_mins(1));
        shop.change_price("MUG-S", units, expected).await;
    }
    let prices = history(&shop, of("MUG-S", "EUR")).await.unwrap().into_inner().prices;
    let told: Vec<_> = prices.iter().map(|price| (price.price_version, price.amount.clone().unwrap())).collect();
    assert_eq!(told, [(3, euro(9, 0)), (2, euro(11, 0)), (1, euro(12, 500_000_000))]);
    assert!(
        prices.windows(2).all(|pair| pair[0].effective_time.unwrap().seconds > pair[1].effective_time.unwrap().seconds)
    );

    // The other variant keeps its price, and the product counts each change.
    assert_eq!(history(&shop, of("MUG-L", "EUR")).await.unwrap().into_inner().prices.len(), 1);
    let request = contracts::products::v1::GetProductRequest { product_id: created.product_id };
    let product =
        shop.client.clone().get_product(shop.seller.request(request)).await.unwrap().into_inner().product.unwrap();
    assert_eq!(product.version, 3);
    assert_eq!(product.update_time, prices[0].effective_time);
    assert_eq!(product.variants[0].prices, prices[..1]);
}

#[tokio::test]
async fn a_currency_without_a_price_gets_its_first() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    let yen = Money { currency_code: "JPY".to_owned(), units: 2_000, nanos: 0 };
    let answer = shop.client.clone().change_price(shop.operator.request(price_change("MUG-S", yen.clone(), 0))).await;
    let price = answer.unwrap().into_inner().price.unwrap();
    assert_eq!((price.price_version, price.amount), (1, Some(yen)));
}

#[tokio::test]
async fn a_stale_price_version_is_refused() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    shop.change_price("MUG-S", 11, 1).await;
    for expected in [0, 1, 3] {
        let request = shop.seller.request(price_change("MUG-S", euro(9, 0), expected));
        let answer = shop.client.clone().change_price(request).await;
        let stale = Refused::new(Code::FailedPrecondition, "PRICE_VERSION_STALE", &["expected_price_version"]);
        assert_eq!(refused(answer), stale, "{expected}");
    }
    assert_eq!(shop.count("price").await, 2);
}

#[tokio::test]
async fn of_many_changes_of_one_price_at_once_one_takes_effect() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    let changes = (0..8).map(|number| {
        let request = shop.seller.request(price_change("MUG-S", euro(20 + number, 0), 1));
        let mut client = shop.client.clone();
        tokio::spawn(async move { client.change_price(request).await })
    });
    let mut changed = 0;
    for change in changes.collect::<Vec<_>>() {
        match change.await.unwrap() {
            Ok(_) => changed += 1,
            answer => assert_eq!(refused(answer).reason, "PRICE_VERSION_STALE"),
        }
    }
    assert_eq!((changed, shop.count("price").await), (1, 2));
}

#[tokio::test]
async fn the_same_change_twice_takes_effect_once() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    let request = price_change("MUG-S", euro(9, 0), 1);
    let first = shop.client.clone().change_price(shop.seller.request(request.clone())).await.unwrap().into_inner();
    let again = shop.client.clone().change_price(shop.seller.request(request)).await.unwrap().into_inner();
    assert_eq!(first, again);

    // Under another request_id the amount in force is answered as it is.
    let request = price_change("MUG-S", euro(9, 0), 2);
    let same = shop.client.clone().change_price(shop.seller.request(request)).await.unwrap().into_inner();
    assert_eq!(same, first);
    assert_eq!((shop.count("price").await, shop.count("journal").await), (2, 2));
}

#[tokio::test]
async fn a_price_that_cannot_be_is_refused() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    for (amount, field) in [
        (euro(0, 0), "amount"),
        (euro(-1, 0), "amount"),
        (euro(1, -1), "amount"),
        (euro(0, 1), "amount"),
        (euro(i64::MAX, 0), "amount"),
        (Money { currency_code: "eur".to_owned(), units: 1, nanos: 0 }, "amount.currency_code"),
    ] {
        let answer =
            shop.client.clone().change_price(shop.seller.request(price_change("MUG-S", amount.clone(), 1))).await;
        assert_eq!(refused(answer), Refused::invalid(&[field]), "{amount:?}");
    }
    let mut request = price_change("mug s", euro(9, 0), -1);
    request.request_id = "x".repeat(65);
    request.amount = None;
    let answer = shop.client.clone().change_price(shop.seller.request(request)).await;
    assert_eq!(refused(answer), Refused::invalid(&["request_id", "sku", "amount", "expected_price_version"]));
}

#[tokio::test]
async fn the_price_of_another_sellers_variant_is_not_found() {
    let shop = Shop::open().await;
    shop.create_and_publish(&["MUG-S"]).await;
    let not_found = Refused::new(Code::NotFound, "VARIANT_NOT_FOUND", &[]);
    for (bearer, sku) in [(&shop.other_seller, "MUG-S"), (&shop.seller, "MUG-L"), (&shop.operator, "MUG-L")] {
        let answer = shop.client.clone().change_price(bearer.request(price_change(sku, euro(9, 0), 1))).await;
        assert_eq!(refused(answer), not_found, "{sku}");
    }
    assert_eq!(shop.count("price").await, 1);
}

#[tokio::test]
async fn a_history_is_read_in_pages() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    for version in 1..5 {
        shop.change_price("MUG-S", 20 + version, version).await;
    }
    let mut request = ListPriceHistoryRequest { page_size: 2, ..of("MUG-S", "EUR") };
    let mut pages = Vec::new();
    loop {
        let page = history(&shop, request.clone()).await.unwrap().into_inner();
        pages.push(page.prices.iter().map(|price| price.price_version).collect::<Vec<_>>());
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec![5, 4], vec![3, 2], vec![1]]);
}

#[tokio::test]
async fn a_history_of_nothing_is_not_found_or_empty() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    assert_eq!(history(&shop, of("MUG-S", "USD")).await.unwrap().into_inner().prices, []);
    assert_eq!(
        refused(history(&shop, of("MUG-L", "EUR")).await),
        Refused::new(Code::NotFound, "VARIANT_NOT_FOUND", &[])
    );
}

#[tokio::test]
async fn a_question_about_prices_that_cannot_be_is_refused() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    let wrong = ListPriceHistoryRequest { page_size: 101, ..of("mug", "EURO") };
    assert_eq!(refused(history(&shop, wrong).await), Refused::invalid(&["sku", "currency_code", "page_size"]));
    let made_up = ListPriceHistoryRequest { page_token: "7".to_owned(), ..of("MUG-S", "EUR") };
    let invalid_token = Refused::new(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    assert_eq!(refused(history(&shop, made_up).await), invalid_token);
}
