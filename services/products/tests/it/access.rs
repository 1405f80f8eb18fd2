use contracts::access::Role;
use contracts::products::v1::GetProductRequest;
use testkit::Tokens;
use tonic::{Code, Request};

use crate::shop::{Refused, Shop, mugs, new_uuid, refused};

#[tokio::test]
async fn only_a_valid_token_of_a_seller_or_an_operator_creates_products() {
    let shop = Shop::open().await;
    let expired = shop.tokens.expired(Role::Seller, new_uuid());
    let forged = Tokens::forger().seller(shop.seller_id);
    let buyer = shop.tokens.buyer(new_uuid());
    for (request, code, reason) in [
        (Request::new(mugs(&["MUG"])), Code::Unauthenticated, "TOKEN_MISSING"),
        (expired.request(mugs(&["MUG"])), Code::Unauthenticated, "TOKEN_EXPIRED"),
        (forged.request(mugs(&["MUG"])), Code::Unauthenticated, "TOKEN_INVALID"),
        (buyer.request(mugs(&["MUG"])), Code::PermissionDenied, "ROLE_MISSING"),
    ] {
        let answer = shop.client.clone().create_product(request).await;
        assert_eq!(refused(answer), Refused::new(code, reason, &[]));
    }
    assert_eq!(shop.count("product").await, 0);
}

#[tokio::test]
async fn a_sellers_token_without_a_seller_acts_for_nobody() {
    let shop = Shop::open().await;
    let now = messaging::Clock::system().now();
    let token = chassis::auth::dev::Token::new(Role::Seller, new_uuid(), now, std::time::Duration::from_mins(1));
    let nobodys = shop.tokens.sign(&token);
    let mut request = mugs(&["MUG"]);
    request.seller_id = shop.seller_id.to_string();
    let answer = shop.client.clone().create_product(nobodys.request(request)).await;
    assert_eq!(refused(answer), Refused::new(Code::PermissionDenied, "NOT_YOUR_SELLER", &["seller_id"]));
}

#[tokio::test]
async fn a_forged_token_is_refused_where_none_is_needed() {
    let shop = Shop::open().await;
    let product_id = shop.create_and_publish(&["MUG"]).await.product_id;
    let forged = Tokens::forger().operator();
    let answer = shop.client.clone().get_product(forged.request(GetProductRequest { product_id })).await;
    assert_eq!(refused(answer), Refused::new(Code::Unauthenticated, "TOKEN_INVALID", &[]));
}

#[tokio::test]
async fn an_oversized_request_is_refused() {
    let shop = Shop::open().await;
    let mut request = mugs(&["MUG"]);
    request.description = "x".repeat(2 * 1024 * 1024);
    let answer = shop.client.clone().create_product(shop.seller.request(request)).await;
    assert_eq!(refused(answer), Refused::new(Code::ResourceExhausted, "REQUEST_TOO_LARGE", &[]));
}
