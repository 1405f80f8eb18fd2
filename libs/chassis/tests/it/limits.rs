use std::time::Duration;

use contracts::cart::v1::CreateCartRequest;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::checkout::v1::WatchCheckoutRequest;
use contracts::checkout::v1::checkout_service_client::CheckoutServiceClient;
use contracts::orders::v1::{
    CancelOrderRequest, GetOrderHistoryRequest, GetOrderRequest, ListOrdersRequest, OrderHistoryEntry,
};
use testkit::eventually;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

use crate::shop::Shop;
use crate::support::{PATIENCE, reason};

const FOR_EVER: ListOrdersRequest = ListOrdersRequest {
    buyer_id: String::new(),
    seller_id: String::new(),
    statuses: Vec::new(),
    page_size: 0,
    page_token: String::new(),
    sort: 0,
    created_from: None,
    created_before: None,
    sku: String::new(),
    awaits_dispatch: false,
    has_open_refund: false,
};

fn with_timeout<M>(mut request: Request<M>, timeout: Duration) -> Request<M> {
    request.set_timeout(timeout);
    request
}

async fn check_health(channel: Channel) -> i32 {
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
    answer.into_inner().status
}

#[tokio::test]
async fn a_caller_without_a_deadline_gets_the_default() {
    let shop = Shop::open(&["--request-timeout-default=200ms"]).await;
    let refusal = shop.orders().await.list_orders(shop.as_buyer(FOR_EVER)).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

#[tokio::test]
async fn no_caller_gets_more_than_the_maximum() {
    let shop = Shop::open(&["--request-timeout-max=2s"]).await;
    let request = with_timeout(shop.as_buyer(GetOrderHistoryRequest::default()), Duration::from_hours(1));
    let answer = shop.orders().await.get_order_history(request).await.unwrap().into_inner();
    assert!((1..=2_000).contains(&answer.entries[0].version), "{answer:?}");
}

#[tokio::test]
async fn a_stream_outlives_the_default_deadline() {
    let shop = Shop::open(&["--request-timeout-default=100ms"]).await;
    let mut client = CheckoutServiceClient::new(shop.channel().await);
    let request = shop.as_buyer(WatchCheckoutRequest::default());
    let mut beats = client.watch_checkout(request).await.unwrap().into_inner();
    for _ in 0..3 {
        assert!(beats.message().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_stream_ends_at_the_deadline_that_its_caller_set() {
    let shop = Shop::open(&[]).await;
    let mut client = CheckoutServiceClient::new(shop.channel().await);
    let request = with_timeout(shop.as_buyer(WatchCheckoutRequest::default()), Duration::from_millis(400));
    let mut beats = client.watch_checkout(request).await.unwrap().into_inner();
    let end = timeout(PATIENCE, async {
        loop {
            if let Err(end) = beats.message().await {
                return end;
            }
        }
    });
    let end = end.await.unwrap();
    assert_eq!((end.code(), reason(&end).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

#[tokio::test]
async fn one_request_too_many_is_turned_away_while_health_still_answers() {
    let shop = Shop::open(&["--requests-in-flight-max=1"]).await;
    let channel = shop.channel().await;
    let mut orders = shop.orders().await;
    let endless = shop.as_buyer(FOR_EVER);
    let in_flight = tokio::spawn(async move { orders.list_orders(endless).await });

    let mut client = shop.orders().await;
    let refusal = eventually("the server is full", async || {
        client.get_order(shop.as_buyer(GetOrderRequest::default())).await.err()
    })
    .await;
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(refusal.get_details_retry_info().unwrap().retry_delay.is_some());
    assert_eq!(check_health(channel).await, ServingStatus::Serving as i32);

    in_flight.abort();
    eventually("there is room again", async || client.get_order(shop.as_buyer(GetOrderRequest::default())).await.ok())
        .await;
}

#[tokio::test]
async fn a_request_beyond_the_limit_of_its_size_is_refused() {
    let shop = Shop::open(&["--request-bytes-max=1000"]).await;
    let with_note = |chars| shop.as_buyer(CancelOrderRequest { note: "x".repeat(chars), ..Default::default() });
    let mut orders = shop.orders().await;
    assert!(orders.cancel_order(with_note(900)).await.is_ok());
    for chars in [1_001, 100_000] {
        let refusal = orders.cancel_order(with_note(chars)).await.unwrap_err();
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, "REQUEST_TOO_LARGE"));
        assert_eq!(refusal.message(), "the request has more than 1000 bytes");
    }
}

#[tokio::test]
async fn a_request_that_is_no_message_of_the_rpc_is_refused() {
    let shop = Shop::open(&[]).await;
    let mut client = tonic::client::Grpc::new(shop.channel().await);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/tradewind.orders.v1.OrdersService/GetOrder");
    // A field that is a number here is a text there.
    let request = shop.as_buyer(OrderHistoryEntry { version: 7, ..OrderHistoryEntry::default() });
    let codec = tonic_prost::ProstCodec::<OrderHistoryEntry, OrderHistoryEntry>::default();
    let refusal = client.unary(request, path, codec).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::InvalidArgument, "REQUEST_UNDECODABLE"));
    assert_eq!(refusal.message(), "the request is not a message of this RPC");
}

#[tokio::test]
async fn reflection_lists_what_is_served() {
    let shop = Shop::open(&[]).await;
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(shop.channel().await);
    let mut answers =
        client.server_reflection_info(futures::stream::once(async { question })).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "tradewind.cart.v1.CartService",
            "tradewind.checkout.v1.CheckoutService",
            "tradewind.orders.v1.OrdersService",
        ]
    );
}

#[tokio::test]
async fn a_drained_server_answers_what_is_in_flight_and_takes_nothing_new() {
    let shop = Shop::open(&["--requests-in-flight-max=1"]).await;
    let mut health = HealthClient::new(shop.channel().await);
    let mut states = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(states.message().await.unwrap().unwrap().status, ServingStatus::Serving as i32);

    let mut orders = shop.orders().await;
    let slow = shop.as_buyer(ListOrdersRequest { page_size: 500, ..FOR_EVER });
    let in_flight = tokio::spawn(async move { orders.list_orders(slow).await });
    let mut carts = CartServiceClient::new(shop.channel().await);
    eventually("the request is in flight", async || carts.create_cart(CreateCartRequest::default()).await.err()).await;

    shop.stop.cancel();
    assert_eq!(states.message().await.unwrap().unwrap().status, ServingStatus::NotServing as i32);
    assert!(in_flight.await.unwrap().is_ok());
    drop((health, states, carts));
    timeout(PATIENCE, shop.served).await.unwrap().unwrap().unwrap();
    assert!(Channel::from_shared(shop.url).unwrap().connect().await.is_err());
}

#[tokio::test]
async fn a_drained_server_ends_its_streams_and_says_why() {
    let shop = Shop::open(&[]).await;
    let mut client = CheckoutServiceClient::new(shop.channel().await);
    let request = shop.as_buyer(WatchCheckoutRequest::default());
    let mut beats = client.watch_checkout(request).await.unwrap().into_inner();
    assert!(beats.message().await.unwrap().is_some());
    shop.stop.cancel();
    let end = eventually("the stream ends", async || beats.message().await.err()).await;
    assert_eq!((end.code(), reason(&end).as_str()), (Code::Unavailable, "DRAINING"));
    timeout(PATIENCE, shop.served).await.unwrap().unwrap().unwrap();
}
