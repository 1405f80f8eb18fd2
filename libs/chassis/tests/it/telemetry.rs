use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use chassis::telemetry;
use contracts::cart::v1::GetCartRequest;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::{Server, TcpIncoming};

use crate::shop::Shop;
use crate::support::{PATIENCE, SHOP, settings};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector that takes everything and keeps it as it came.
async fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    let take = async move |request: Request| {
        let bytes = to_bytes(request.into_body(), usize::MAX).await.unwrap();
        kept.lock().unwrap().push(bytes.to_vec());
        let no_message = Frame::data(bytes::Bytes::from_static(&[0; 5]));
        let ok = Frame::trailers([("grpc-status".parse().unwrap(), "0".parse().unwrap())].into_iter().collect());
        let frames = stream::iter([Ok::<_, std::convert::Infallible>(no_message), Ok(ok)]);
        let answer = Response::builder().header("content-type", "application/grpc");
        answer.body(Body::new(StreamBody::new(frames))).unwrap()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let routes = Routes::from(Router::new().fallback(take));
    tokio::spawn(Server::builder().serve_with_incoming(routes, TcpIncoming::from(listener)));
    (endpoint, received)
}

fn contains(messages: &[Vec<u8>], part: &[u8]) -> bool {
    messages.iter().any(|message| message.windows(part.len()).any(|window| window == part))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_trace_goes_on_through_a_peer_and_reaches_the_collector() {
    let (endpoint, received) = collector().await;
    let telemetry = telemetry::init(&SHOP, &settings(&["--log=error", "--otlp-endpoint", &endpoint])).unwrap();
    let shop = Shop::open(&[]).await;
    let mut carts = CartServiceClient::new(shop.channel().await);
    let asked = || GetCartRequest { cart_id: "who am I?".to_owned(), ..GetCartRequest::default() };
    let mut request = shop.as_buyer(asked());
    request.metadata_mut().insert("traceparent", format!("00-{TRACE_ID}-00f067aa0ba902b7-01").parse().unwrap());
    carts.get_cart(request).await.unwrap();
    // The client of the peer holds the span of a request until it turns to the next one, so the first is over after a second.
    carts.get_cart(shop.as_buyer(asked())).await.unwrap();

    let flushed = tokio::task::spawn_blocking(move || drop(telemetry));
    tokio::time::timeout(PATIENCE, flushed).await.unwrap().unwrap();
    let received = received.lock().unwrap();
    let trace_id = u128::from_str_radix(TRACE_ID, 16).unwrap().to_be_bytes();
    for part in [
        b"tradewind.cart.v1.CartService/GetCart".as_slice(),
        b"tradewind.orders.v1.OrdersService/GetOrder",
        b"rpc.server.call.duration",
        &trace_id,
    ] {
        assert!(contains(&received, part), "{}", String::from_utf8_lossy(part));
    }
    let of_this_trace = received.iter().flat_map(|m| m.windows(16)).filter(|window| *window == trace_id).count();
    assert!(of_this_trace >= 2, "the peer's span belongs to the trace as well");
}

#[tokio::test]
async fn an_unreadable_log_filter_is_refused() {
    assert!(telemetry::init(&SHOP, &settings(&["--log=shop=loud"])).is_err());
}
