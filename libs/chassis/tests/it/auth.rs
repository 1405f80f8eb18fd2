use std::time::Duration;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::auth::dev::{SigningKey, Token};
use contracts::access::Role;
use contracts::cart::v1::CreateCartRequest;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::orders::v1::{CancelOrderRequest, GetOrderRequest};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use tonic::{Code, Request, Status};

use crate::shop::{Shop, now, token, with_token};
use crate::support::{id, reason, unique};

const MINUTE: Duration = Duration::from_mins(1);

/// What `GetOrder` answers to a token: who asked, or why not.
async fn ask(shop: &Shop, token: &str) -> Result<String, Status> {
    let answer = shop.orders().await.get_order(with_token(GetOrderRequest::default(), token)).await?;
    Ok(answer.into_inner().order.unwrap().order_id)
}

async fn assert_refused(shop: &Shop, token: &str, code: Code, why: &str) {
    let refusal = ask(shop, token).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (code, why), "{refusal:?}");
}

#[tokio::test]
async fn the_holder_of_a_good_token_is_known_to_the_handler() {
    let shop = Shop::open(&[]).await;
    for role in [Role::Buyer, Role::Seller, Role::Operator, Role::Service] {
        let token = token(role);
        let expected = format!("{}:{}", role.as_str(), token.subject);
        assert_eq!(ask(&shop, &shop.key.sign(&token)).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn without_a_token_only_public_rpcs_answer() {
    let shop = Shop::open(&[]).await;
    let refusal = shop.orders().await.get_order(GetOrderRequest::default()).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::Unauthenticated, "TOKEN_MISSING"));

    let mut carts = CartServiceClient::new(shop.channel().await);
    let answer = carts.create_cart(CreateCartRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.cart.unwrap().cart_id, "guest");
}

#[tokio::test]
async fn a_token_sent_to_a_public_rpc_must_be_valid_and_is_then_known() {
    let shop = Shop::open(&[]).await;
    let mut carts = CartServiceClient::new(shop.channel().await);
    let refusal = carts.create_cart(with_token(CreateCartRequest::default(), "nonsense")).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));

    let answer = carts.create_cart(shop.as_buyer(CreateCartRequest::default())).await.unwrap().into_inner();
    assert!(answer.cart.unwrap().cart_id.starts_with("buyer:"));
}

#[tokio::test]
async fn an_expired_token_is_refused_as_expired() {
    let shop = Shop::open(&[]).await;
    let expired = Token::new(Role::Buyer, id(), now() - 2 * MINUTE, MINUTE);
    assert_refused(&shop, &shop.key.sign(&expired), Code::Unauthenticated, "TOKEN_EXPIRED").await;
}

#[tokio::test]
async fn clocks_may_differ_by_some_seconds() {
    let shop = Shop::open(&[]).await;
    let just_expired = Token::new(Role::Buyer, id(), now() - MINUTE, Duration::from_secs(58));
    assert!(ask(&shop, &shop.key.sign(&just_expired)).await.is_ok());
    let early = Token { not_before: Some(now() + Duration::from_secs(5)), ..token(Role::Buyer) };
    assert!(ask(&shop, &shop.key.sign(&early)).await.is_ok());
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet_is_refused() {
    let shop = Shop::open(&[]).await;
    let early = Token { not_before: Some(now() + MINUTE), ..token(Role::Buyer) };
    assert_refused(&shop, &shop.key.sign(&early), Code::Unauthenticated, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_signed_with_another_key_of_the_same_name_is_refused() {
    let shop = Shop::open(&[]).await;
    let forger = SigningKey::generate("shop-1");
    assert_refused(&shop, &forger.sign(&token(Role::Operator)), Code::Unauthenticated, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_whose_claims_were_changed_is_refused() {
    let shop = Shop::open(&[]).await;
    let buyer = shop.key.sign(&token(Role::Buyer));
    let operator = shop.key.sign(&token(Role::Operator));
    let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
    let forged = [part(&buyer, 0), part(&operator, 1), part(&buyer, 2)].join(".");
    assert_refused(&shop, &forged, Code::Unauthenticated, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let shop = Shop::open(&[]).await;
    let signed = shop.key.sign(&token(Role::Operator));
    let claims = signed.split('.').nth(1).unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none","kid":"shop-1"}"#);
    for unsigned in [format!("{header}.{claims}."), format!("{header}.{claims}")] {
        assert_refused(&shop, &unsigned, Code::Unauthenticated, "TOKEN_INVALID").await;
    }
}

#[tokio::test]
async fn the_public_key_cannot_be_used_as_a_shared_secret() {
    let shop = Shop::open(&[]).await;
    let jwks: serde_json::Value = serde_json::from_str(&shop.key.jwks()).unwrap();
    let public_key = BASE64_URL_SAFE_NO_PAD.decode(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
    let signed = shop.key.sign(&token(Role::Operator));
    let claims = BASE64_URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let header = Header { kid: Some("shop-1".to_owned()), ..Header::new(Algorithm::HS256) };
    for secret in [public_key.as_slice(), shop.key.jwks().as_bytes()] {
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_refused(&shop, &forged, Code::Unauthenticated, "TOKEN_INVALID").await;
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let shop = Shop::open(&[]).await;
    let elsewhere = Token { issuer: "somebody".to_owned(), ..token(Role::Buyer) };
    assert_refused(&shop, &shop.key.sign(&elsewhere), Code::Unauthenticated, "TOKEN_INVALID").await;
    let for_others = Token { audience: "others".to_owned(), ..token(Role::Buyer) };
    assert_refused(&shop, &shop.key.sign(&for_others), Code::Unauthenticated, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_of_an_unknown_key_is_refused() {
    let shop = Shop::open(&[]).await;
    let unknown = SigningKey::generate("shop-2");
    assert_refused(&shop, &unknown.sign(&token(Role::Buyer)), Code::Unauthenticated, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn what_is_no_token_at_all_is_refused() {
    let shop = Shop::open(&[]).await;
    for text in ["", ".", "..", "a.b.c", "nonsense", &"x".repeat(5_000)] {
        assert_refused(&shop, text, Code::Unauthenticated, "TOKEN_INVALID").await;
    }
    let mut basic = Request::new(GetOrderRequest::default());
    basic.metadata_mut().insert("authorization", "Basic YTpi".parse().unwrap());
    let refusal = shop.orders().await.get_order(basic).await.unwrap_err();
    assert_eq!(reason(&refusal), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_role_that_the_rpc_is_not_open_to_is_refused() {
    let shop = Shop::open(&[]).await;
    let seller = Token { scopes: vec!["orders.write".to_owned()], ..token(Role::Seller) };
    let request = with_token(CancelOrderRequest::default(), &shop.key.sign(&seller));
    let refusal = shop.orders().await.cancel_order(request).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::PermissionDenied, "ROLE_MISSING"));
}

#[tokio::test]
async fn a_token_without_the_scope_is_refused() {
    let shop = Shop::open(&[]).await;
    let reader = Token { scopes: vec!["orders.write".to_owned(), "orders".to_owned()], ..token(Role::Buyer) };
    assert_refused(&shop, &shop.key.sign(&reader), Code::PermissionDenied, "SCOPE_MISSING").await;
}

#[tokio::test]
async fn an_rpc_without_a_rule_is_closed_even_to_operators() {
    let shop = Shop::open(&[]).await;
    let mut client = tonic::client::Grpc::new(shop.channel().await);
    client.ready().await.unwrap();
    let request = with_token(GetOrderRequest::default(), &shop.key.sign(&token(Role::Operator)));
    let path = http::uri::PathAndQuery::from_static("/tradewind.orders.v1.OrdersService/DropEverything");
    let codec = tonic_prost::ProstCodec::<GetOrderRequest, GetOrderRequest>::default();
    let refusal = client.unary(request, path, codec).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::PermissionDenied, "NO_RULE"));
}

#[tokio::test]
async fn keys_are_fetched_from_a_url() {
    let key = SigningKey::generate("web-1");
    let jwks = key.jwks();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let option = format!("--jwks=http://{}/jwks.json", listener.local_addr().unwrap());
    let issuer = Router::new().route("/jwks.json", get(async move || jwks));
    tokio::spawn(async move { axum::serve(listener, issuer).await });

    let shop = Shop::with_key(key, &[&option]).await;
    assert!(ask(&shop, &shop.key.sign(&token(Role::Buyer))).await.is_ok());
}

#[tokio::test]
async fn a_server_without_keys_does_not_start() {
    let missing = format!("--jwks=/nowhere/{}.json", unique());
    for options in [vec![], vec!["--start-timeout=100ms", &missing]] {
        let settings = crate::support::settings(&options);
        assert!(chassis::auth::Verifier::new(&settings).await.is_err(), "{options:?}");
    }
}
