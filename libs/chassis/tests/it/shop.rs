//! A server with a few odd services on it, so that whatever a server does to requests can be seen.

use std::pin::Pin;
use std::time::Duration;

use chassis::auth::Verifier;
use chassis::auth::dev::{SigningKey, Token};
use chassis::grpc::{Peer, PeerError, Server, time_left};
use chassis::{Caller, caller, status};
use contracts::access::Role;
use contracts::cart::v1::cart_service_server::{CartService, CartServiceServer};
use contracts::cart::v1::{
    AddLineRequest, AddLineResponse, Cart, ClearCartRequest, ClearCartResponse, CreateCartRequest, CreateCartResponse,
    GetCartRequest, GetCartResponse, RemoveLineRequest, RemoveLineResponse, SetLineQuantityRequest,
    SetLineQuantityResponse,
};
use contracts::checkout::v1::checkout_service_server::{CheckoutService, CheckoutServiceServer};
use contracts::checkout::v1::{
    CreateQuoteRequest, CreateQuoteResponse, GetCheckoutRequest, GetCheckoutResponse, SubmitCheckoutRequest,
    SubmitCheckoutResponse, WatchCheckoutRequest, WatchCheckoutResponse,
};
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use contracts::orders::v1::orders_service_server::{OrdersService, OrdersServiceServer};
use contracts::orders::v1::{
    CancelOrderRequest, CancelOrderResponse, GetOrderDetailRequest, GetOrderDetailResponse, GetOrderHistoryRequest,
    GetOrderHistoryResponse, GetOrderRequest, GetOrderResponse, GetSellerDashboardRequest, GetSellerDashboardResponse,
    ListOrdersRequest, ListOrdersResponse, ModifyOrderRequest, ModifyOrderResponse, Order, OrderHistoryEntry,
    RequestRefundRequest, RequestRefundResponse, SplitOrderRequest, SplitOrderResponse,
};
use futures::{Stream, StreamExt as _, stream};
use kernel::Timestamp;
use messaging::Clock;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::support::{PATIENCE, id, settings, unique};

/// What the stream of `WatchCheckout` waits before each message but the first.
pub(crate) const BEAT: Duration = Duration::from_millis(150);

/// A running server.
pub(crate) struct Shop {
    pub(crate) key: SigningKey,
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<anyhow::Result<()>>,
}

impl Shop {
    pub(crate) async fn open(options: &[&str]) -> Self {
        let key = SigningKey::generate("shop-1");
        let jwks = std::env::temp_dir().join(format!("chassis-{}.json", unique()));
        std::fs::write(&jwks, key.jwks()).unwrap();
        let jwks_option = format!("--jwks={}", jwks.display());
        let mut all = vec![jwks_option.as_str()];
        all.extend(options);
        let shop = Self::with_key(key, &all).await;
        std::fs::remove_file(jwks).unwrap();
        shop
    }

    pub(crate) async fn with_key(key: SigningKey, options: &[&str]) -> Self {
        let settings = settings(options);
        let verifier = Verifier::new(&settings).await.unwrap();
        let server = Server::bind(&settings, verifier).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let peer = Peer::new(&url, PATIENCE).unwrap();
        let server = server
            .add(OrdersServiceServer::new(Orders))
            .add(CheckoutServiceServer::new(Checkouts))
            .add(CartServiceServer::new(Carts { orders: OrdersServiceClient::new(peer) }));
        let stop = CancellationToken::new();
        let served = tokio::spawn(server.serve(stop.clone()));
        Self { key, url, stop, served }
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(self.url.clone()).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn orders(&self) -> OrdersServiceClient<Channel> {
        OrdersServiceClient::new(self.channel().await)
    }

    /// The message, with a token that may do all a buyer may.
    pub(crate) fn as_buyer<M>(&self, message: M) -> Request<M> {
        with_token(message, &self.key.sign(&token(Role::Buyer)))
    }
}

/// A token that is good for an hour.
pub(crate) fn token(role: Role) -> Token {
    Token::new(role, id(), now(), Duration::from_hours(1))
}

pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

pub(crate) fn with_token<M>(message: M, token: &str) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

struct Orders;

#[tonic::async_trait]
impl OrdersService for Orders {
    /// Answers who asked.
    async fn get_order(&self, request: Request<GetOrderRequest>) -> Result<Response<GetOrderResponse>, Status> {
        let order = Order { order_id: caller(&request).actor(), ..Order::default() };
        Ok(Response::new(GetOrderResponse { order: Some(order) }))
    }

    /// Takes for ever, or as many milliseconds as the page size says.
    async fn list_orders(&self, request: Request<ListOrdersRequest>) -> Result<Response<ListOrdersResponse>, Status> {
        match u64::try_from(request.get_ref().page_size) {
            Ok(0) | Err(_) => std::future::pending().await,
            Ok(millis) => sleep(Duration::from_millis(millis)).await,
        }
        Ok(Response::new(ListOrdersResponse::default()))
    }

    async fn get_order_detail(
        &self,
        _: Request<GetOrderDetailRequest>,
    ) -> Result<Response<GetOrderDetailResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_seller_dashboard(
        &self,
        _: Request<GetSellerDashboardRequest>,
    ) -> Result<Response<GetSellerDashboardResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn cancel_order(&self, _: Request<CancelOrderRequest>) -> Result<Response<CancelOrderResponse>, Status> {
        Ok(Response::new(CancelOrderResponse::default()))
    }

    async fn modify_order(&self, _: Request<ModifyOrderRequest>) -> Result<Response<ModifyOrderResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn split_order(&self, _: Request<SplitOrderRequest>) -> Result<Response<SplitOrderResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn request_refund(
        &self,
        _: Request<RequestRefundRequest>,
    ) -> Result<Response<RequestRefundResponse>, Status> {
        Ok(Response::new(RequestRefundResponse::default()))
    }

    /// Answers how many milliseconds are left.
    async fn get_order_history(
        &self,
        _: Request<GetOrderHistoryRequest>,
    ) -> Result<Response<GetOrderHistoryResponse>, Status> {
        let left = time_left().expect("a request has a deadline");
        let entry = OrderHistoryEntry { version: left.as_millis() as i64, ..OrderHistoryEntry::default() };
        Ok(Response::new(GetOrderHistoryResponse { entries: vec![entry] }))
    }
}

struct Checkouts;

#[tonic::async_trait]
impl CheckoutService for Checkouts {
    type WatchCheckoutStream = Pin<Box<dyn Stream<Item = Result<WatchCheckoutResponse, Status>> + Send>>;

    /// Says something at every beat, for ever.
    async fn watch_checkout(
        &self,
        _: Request<WatchCheckoutRequest>,
    ) -> Result<Response<Self::WatchCheckoutStream>, Status> {
        let beats = stream::unfold((), |()| async {
            sleep(BEAT).await;
            Some((Ok(WatchCheckoutResponse::default()), ()))
        });
        let first = stream::once(async { Ok(WatchCheckoutResponse::default()) });
        Ok(Response::new(Box::pin(first.chain(beats))))
    }

    async fn create_quote(&self, _: Request<CreateQuoteRequest>) -> Result<Response<CreateQuoteResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn submit_checkout(
        &self,
        _: Request<SubmitCheckoutRequest>,
    ) -> Result<Response<SubmitCheckoutResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_checkout(&self, _: Request<GetCheckoutRequest>) -> Result<Response<GetCheckoutResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

struct Carts {
    orders: OrdersServiceClient<Peer>,
}

impl Carts {
    /// Asks another service who asks: in the caller's name, or in nobody's.
    async fn who(&self, caller: Option<&Caller>) -> Result<String, PeerError> {
        let question = GetOrderRequest::default();
        let request = caller.map_or_else(|| Request::new(question.clone()), |caller| caller.request(question.clone()));
        let answer = self.orders.clone().get_order(request).await.map_err(|status| PeerError::new("orders", status))?;
        Ok(answer.into_inner().order.unwrap_or_default().order_id)
    }

    /// Asks another service how many milliseconds it has.
    async fn how_long(&self, caller: &Caller) -> Result<String, PeerError> {
        let request = caller.request(GetOrderHistoryRequest::default());
        let answer = self.orders.clone().get_order_history(request).await;
        let entries = answer.map_err(|status| PeerError::new("orders", status))?.into_inner().entries;
        Ok(entries[0].version.to_string())
    }
}

#[tonic::async_trait]
impl CartService for Carts {
    /// Answers, as the cart's id, what another service says to the question that the request's id is.
    async fn get_cart(&self, request: Request<GetCartRequest>) -> Result<Response<GetCartResponse>, Status> {
        let caller = caller(&request);
        let answer = match request.get_ref().cart_id.as_str() {
            "who am I?" => self.who(Some(&caller)).await,
            "who are you?" => self.who(None).await,
            _ => self.how_long(&caller).await,
        };
        let cart_id = answer.map_err(status)?;
        Ok(Response::new(GetCartResponse { cart: Some(Cart { cart_id, ..Cart::default() }) }))
    }

    /// Answers who asked.
    async fn create_cart(&self, request: Request<CreateCartRequest>) -> Result<Response<CreateCartResponse>, Status> {
        let cart = Cart { cart_id: caller(&request).actor(), ..Cart::default() };
        Ok(Response::new(CreateCartResponse { cart: Some(cart), guest_token: String::new() }))
    }

    async fn add_line(&self, _: Request<AddLineRequest>) -> Result<Response<AddLineResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn set_line_quantity(
        &self,
        _: Request<SetLineQuantityRequest>,
    ) -> Result<Response<SetLineQuantityResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn remove_line(&self, _: Request<RemoveLineRequest>) -> Result<Response<RemoveLineResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn clear_cart(&self, _: Request<ClearCartRequest>) -> Result<Response<ClearCartResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
