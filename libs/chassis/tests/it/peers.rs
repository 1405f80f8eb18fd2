use std::time::Duration;

use chassis::grpc::{Peer, PeerError};
use contracts::cart::v1::GetCartRequest;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::orders::v1::GetOrderHistoryRequest;
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use tonic::{Code, Status};

use crate::shop::Shop;
use crate::support::{PATIENCE, reason};

/// What another service says to a question that is passed on.
async fn ask(shop: &Shop, question: &str, timeout: Duration) -> Result<String, Status> {
    let mut carts = CartServiceClient::new(shop.channel().await);
    let message = GetCartRequest { cart_id: question.to_owned(), ..GetCartRequest::default() };
    let mut request = shop.as_buyer(message);
    request.set_timeout(timeout);
    Ok(carts.get_cart(request).await?.into_inner().cart.unwrap().cart_id)
}

#[tokio::test]
async fn a_request_in_the_callers_name_carries_their_token() {
    let shop = Shop::open(&[]).await;
    assert!(ask(&shop, "who am I?", PATIENCE).await.unwrap().starts_with("buyer:"));
}

#[tokio::test]
async fn a_token_goes_nowhere_by_itself() {
    let shop = Shop::open(&[]).await;
    let refusal = ask(&shop, "who are you?", PATIENCE).await.unwrap_err();
    // The peer refused for want of a token. That was our mistake, and no business of our caller.
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!refusal.message().contains("token"), "{refusal:?}");
}

#[tokio::test]
async fn a_peer_gets_no_more_time_than_is_left() {
    let shop = Shop::open(&[]).await;
    let left_ms: u64 = ask(&shop, "how long?", Duration::from_secs(3)).await.unwrap().parse().unwrap();
    assert!((1..3_000).contains(&left_ms), "{left_ms}");
}

#[tokio::test]
async fn a_peer_gets_no_more_time_than_its_maximum() {
    let shop = Shop::open(&[]).await;
    let mut orders = OrdersServiceClient::new(Peer::new(&shop.url, Duration::from_secs(2)).unwrap());
    let answer = orders.get_order_history(shop.as_buyer(GetOrderHistoryRequest::default())).await.unwrap();
    assert!((1..=2_000).contains(&answer.into_inner().entries[0].version));
}

#[tokio::test]
async fn calls_are_spread_over_the_replicas_of_a_peer() {
    let (one, other) = (Shop::open(&[]).await, Shop::open(&[]).await);
    let urls = format!("{}, {}", one.url, other.url);
    let mut orders = OrdersServiceClient::new(Peer::new(&urls, PATIENCE).unwrap());
    let mut answered_by = [false; 2];
    let deadline = tokio::time::Instant::now() + PATIENCE;
    // Either shop believes its own key only, so whoever refuses the token of one is the other.
    while answered_by != [true; 2] {
        assert!(tokio::time::Instant::now() < deadline, "one of the replicas was never asked");
        let answer = orders.get_order_history(one.as_buyer(GetOrderHistoryRequest::default())).await;
        answered_by[usize::from(answer.is_err_and(|refusal| refusal.code() == Code::Unauthenticated))] = true;
    }
    assert!(Peer::new("http://orders-0,not a url", PATIENCE).is_err());
}

#[tokio::test]
async fn a_peer_that_is_down_makes_the_answer_unavailable() {
    let mut orders = OrdersServiceClient::new(Peer::new("http://127.0.0.1:1", Duration::from_secs(2)).unwrap());
    let refusal = orders.get_order_history(GetOrderHistoryRequest::default()).await.unwrap_err();
    let told = chassis::status(PeerError::new("orders", refusal));
    assert_eq!((told.code(), reason(&told).as_str()), (Code::Unavailable, "PEER_UNAVAILABLE"));
    assert!(!told.message().contains("127.0.0.1"));
}
