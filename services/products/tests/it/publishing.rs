use std::time::Duration;

use contracts::products::v1::{Product, ProductStatus, PublishProductRequest, UnpublishProductRequest};
use testkit::Bearer;
use tonic::{Code, Status};

use crate::shop::{Refused, Shop, new_request_id, new_uuid, refused, status_of};

async fn publish(shop: &Shop, bearer: &Bearer, product_id: &str) -> Result<Product, Status> {
    let request = PublishProductRequest { request_id: new_request_id(), product_id: product_id.to_owned() };
    let answer = shop.client.clone().publish_product(bearer.request(request)).await?;
    Ok(answer.into_inner().product.unwrap())
}

async fn unpublish(shop: &Shop, bearer: &Bearer, product_id: &str) -> Result<Product, Status> {
    let request = UnpublishProductRequest { request_id: new_request_id(), product_id: product_id.to_owned() };
    let answer = shop.client.clone().unpublish_product(bearer.request(request)).await?;
    Ok(answer.into_inner().product.unwrap())
}

#[tokio::test]
async fn a_product_goes_on_sale_and_off_and_on_again() {
    let shop = Shop::open().await;
    let draft = shop.create(&["MUG-S"]).await;
    shop.clock.advance(Duration::from_mins(1));
    let published = publish(&shop, &shop.seller, &draft.product_id).await.unwrap();
    assert_eq!((status_of(&published), published.version), (ProductStatus::Published, 2));
    assert!(published.update_time.unwrap().seconds > draft.update_time.unwrap().seconds);
    let expected =
        Product { status: published.status, version: 2, update_time: published.update_time, ..draft.clone() };
    assert_eq!(published, expected);

    let unpublished = unpublish(&shop, &shop.operator, &draft.product_id).await.unwrap();
    assert_eq!((status_of(&unpublished), unpublished.version), (ProductStatus::Unpublished, 3));
    let again = publish(&shop, &shop.seller, &draft.product_id).await.unwrap();
    assert_eq!((status_of(&again), again.version), (ProductStatus::Published, 4));
}

#[tokio::test]
async fn a_product_on_sale_is_answered_as_it_is() {
    let shop = Shop::open().await;
    let published = shop.create_and_publish(&["MUG-S"]).await;
    shop.clock.advance(Duration::from_mins(1));
    assert_eq!(publish(&shop, &shop.seller, &published.product_id).await.unwrap(), published);
    assert_eq!(shop.count("journal").await, 2);
}

#[tokio::test]
async fn the_same_request_to_unpublish_twice_takes_effect_once() {
    let shop = Shop::open().await;
    let product_id = shop.create_and_publish(&["MUG-S"]).await.product_id;
    let request = UnpublishProductRequest { request_id: new_request_id(), product_id };
    let first = shop.client.clone().unpublish_product(shop.seller.request(request.clone())).await.unwrap().into_inner();
    let again = shop.client.clone().unpublish_product(shop.seller.request(request)).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(shop.count("journal").await, 3);
}

#[tokio::test]
async fn only_what_is_on_sale_can_be_taken_off_sale() {
    let shop = Shop::open().await;
    let draft = shop.create(&["MUG-S"]).await;
    let not_published = Refused::new(Code::FailedPrecondition, "PRODUCT_NOT_PUBLISHED", &[]);
    let answer = unpublish(&shop, &shop.seller, &draft.product_id).await.map(tonic::Response::new);
    assert_eq!(refused(answer), not_published);

    publish(&shop, &shop.seller, &draft.product_id).await.unwrap();
    unpublish(&shop, &shop.seller, &draft.product_id).await.unwrap();
    let answer = unpublish(&shop, &shop.seller, &draft.product_id).await.map(tonic::Response::new);
    assert_eq!(refused(answer), not_published);
}

#[tokio::test]
async fn a_product_of_nobody_or_of_another_seller_is_not_found() {
    let shop = Shop::open().await;
    let draft = shop.create(&["MUG-S"]).await;
    let published = shop.create_and_publish(&["MUG-L"]).await;
    let not_found = Refused::new(Code::NotFound, "PRODUCT_NOT_FOUND", &[]);
    for (bearer, product_id) in [
        (&shop.other_seller, draft.product_id),
        (&shop.other_seller, published.product_id),
        (&shop.seller, new_uuid().to_string()),
        (&shop.operator, new_uuid().to_string()),
    ] {
        let answers = [publish(&shop, bearer, &product_id).await, unpublish(&shop, bearer, &product_id).await];
        for answer in answers {
            assert_eq!(refused(answer.map(tonic::Response::new)), not_found);
        }
    }
    assert_eq!(shop.count("journal").await, 3);
}

#[tokio::test]
async fn malformed_ids_are_named() {
    let shop = Shop::open().await;
    let request = PublishProductRequest { request_id: "a b".to_owned(), product_id: "mug".to_owned() };
    let answer = shop.client.clone().publish_product(shop.seller.request(request)).await;
    assert_eq!(refused(answer), Refused::invalid(&["request_id", "product_id"]));
    let request = UnpublishProductRequest { request_id: new_request_id(), product_id: String::new() };
    let answer = shop.client.clone().unpublish_product(shop.seller.request(request)).await;
    assert_eq!(refused(answer), Refused::invalid(&["product_id"]));
}
