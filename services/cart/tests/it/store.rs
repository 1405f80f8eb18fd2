//! A cart service of one test's own, and what to ask of it.

use std::time::Duration;

use cart::adapters::grpc::Api;
use cart::adapters::products::Products;
use chassis::grpc::{Peer, Server};
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::cart::v1::cart_service_server::CartServiceServer;
use contracts::cart::v1::{AddLineRequest, Cart, CreateCartRequest, CreateCartResponse, GetCartRequest};
use contracts::google::r#type::Money;
use kernel::Id;
use messaging::EventStore;
use testkit::{Bearer, Database, Kafka, TestClock, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::catalogue::Catalogue;

const PRODUCTS_TIMEOUT: Duration = Duration::from_secs(5);

/// A running service with a client, a catalogue, and two buyers.
pub(crate) struct Store {
    pub(crate) client: CartServiceClient<Channel>,
    pub(crate) catalogue: Catalogue,
    pub(crate) tokens: Tokens,
    pub(crate) buyer_id: Uuid,
    pub(crate) buyer: Bearer,
    pub(crate) other_buyer: Bearer,
    pub(crate) clock: TestClock,
    pub(crate) events: EventStore,
    pub(crate) kafka: Kafka,
    database: Database,
    products_url: String,
    _server: DropGuard,
}

/// Names whoever has no type of its own in a test.
enum Anyone {}

pub(crate) fn new_uuid() -> Uuid {
    Id::<Anyone>::generate().uuid()
}

impl Store {
    pub(crate) async fn open() -> Self {
        let catalogue = Catalogue::default();
        let products_url = catalogue.serve().await;
        Self::open_with(catalogue, products_url).await
    }

    /// A service that looks for products where nobody listens.
    pub(crate) async fn open_without_products() -> Self {
        Self::open_with(Catalogue::default(), "http://127.0.0.1:1".to_owned()).await
    }

    async fn open_with(catalogue: Catalogue, products_url: String) -> Self {
        let database = Database::migrated(&cart::SERVICE).await;
        let kafka = Kafka::connect().await;
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let events = EventStore::new(cart::SERVICE.name, database.pool().clone(), clock.clock());
        let (url, server) = serve(&database, &kafka, &events, &products_url, 'a').await;
        let (tokens, buyer_id) = (Tokens::new(), new_uuid());
        Self {
            client: CartServiceClient::connect(url).await.unwrap(),
            catalogue,
            buyer: tokens.buyer(buyer_id),
            other_buyer: tokens.buyer(new_uuid()),
            buyer_id,
            tokens,
            clock,
            events,
            kafka,
            database,
            products_url,
            _server: server,
        }
    }

    /// A client of the same service after a restart with another secret for guests' tokens.
    pub(crate) async fn with_another_secret(&self) -> (CartServiceClient<Channel>, DropGuard) {
        let (url, server) = serve(&self.database, &self.kafka, &self.events, &self.products_url, 'b').await;
        (CartServiceClient::connect(url).await.unwrap(), server)
    }

    /// Opens a cart in euro for the buyer.
    pub(crate) async fn create(&self) -> Cart {
        let request = self.buyer.request(new_cart("EUR"));
        self.client.clone().create_cart(request).await.unwrap().into_inner().cart.unwrap()
    }

    /// Opens a cart in euro for a guest.
    pub(crate) async fn create_for_guest(&self) -> CreateCartResponse {
        self.client.clone().create_cart(new_cart("EUR")).await.unwrap().into_inner()
    }

    /// Adds units as the buyer.
    pub(crate) async fn add(&self, cart_id: &str, sku: &str, quantity: i32) -> Result<Cart, Status> {
        self.add_as_asked(addition(cart_id, sku, quantity)).await
    }

    pub(crate) async fn add_as_asked(&self, request: AddLineRequest) -> Result<Cart, Status> {
        let answer = self.client.clone().add_line(self.buyer.request(request)).await?;
        Ok(answer.into_inner().cart.unwrap())
    }

    /// Reads a cart as the buyer.
    pub(crate) async fn get(&self, cart_id: &str) -> Cart {
        let request = GetCartRequest { cart_id: cart_id.to_owned(), guest_token: String::new() };
        self.client.clone().get_cart(self.buyer.request(request)).await.unwrap().into_inner().cart.unwrap()
    }

    /// How many events there are.
    pub(crate) async fn count_events(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(self.events.pool()).await.unwrap()
    }
}

async fn serve(
    database: &Database,
    kafka: &Kafka,
    events: &EventStore,
    products_url: &str,
    secret_digit: char,
) -> (String, DropGuard) {
    let settings = testkit::settings(database, kafka);
    let products = Products::new(Peer::new(products_url, PRODUCTS_TIMEOUT).unwrap());
    let secret = secret_digit.to_string().repeat(64).parse().unwrap();
    let verifier = chassis::auth::Verifier::new(&settings).await.unwrap();
    let server = Server::bind(&settings, verifier).await.unwrap().add(CartServiceServer::new(Api::new(
        events.clone(),
        products,
        secret,
    )));
    let url = format!("http://{}", server.local_address());
    let stop = CancellationToken::new();
    tokio::spawn(server.serve(stop.clone()));
    (url, stop.drop_guard())
}

/// A request in nobody's name, or in somebody's.
pub(crate) fn request<M>(bearer: Option<&Bearer>, message: M) -> Request<M> {
    match bearer {
        Some(bearer) => bearer.request(message),
        None => Request::new(message),
    }
}

pub(crate) fn new_request_id() -> String {
    new_uuid().to_string()
}

pub(crate) fn new_cart(currency_code: &str) -> CreateCartRequest {
    CreateCartRequest { request_id: new_request_id(), currency_code: currency_code.to_owned() }
}

pub(crate) fn addition(cart_id: &str, sku: &str, quantity: i32) -> AddLineRequest {
    AddLineRequest {
        request_id: new_request_id(),
        cart_id: cart_id.to_owned(),
        guest_token: String::new(),
        sku: sku.to_owned(),
        quantity,
        price_version: 0,
        currency_code: String::new(),
    }
}

pub(crate) fn euro(units: i64, nanos: i32) -> Money {
    Money { currency_code: "EUR".to_owned(), units, nanos }
}

/// SKUs and quantities of a cart's lines.
pub(crate) fn lines(cart: &Cart) -> Vec<(&str, i32)> {
    cart.lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect()
}

/// What a caller who was refused is told: the code, the reason, and the fields at fault.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) fields: Vec<String>,
}

impl Refused {
    pub(crate) fn new(code: Code, reason: &str, fields: &[&str]) -> Self {
        Self { code, reason: reason.to_owned(), fields: fields.iter().map(|field| (*field).to_owned()).collect() }
    }

    pub(crate) fn invalid(fields: &[&str]) -> Self {
        Self::new(Code::InvalidArgument, "INVALID_REQUEST", fields)
    }
}

pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refused {
    let status = answer.expect_err("this should have been refused");
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    Refused {
        code: status.code(),
        reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
        fields: violations.into_iter().map(|violation| violation.field).collect(),
    }
}

/// An answer without its message, so that answers of different RPCs stand in one list.
pub(crate) fn outcome<T>(answer: Result<Response<T>, Status>) -> Result<(), Status> {
    answer.map(drop)
}
