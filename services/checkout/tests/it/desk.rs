//! A checkout service of one test's own, and what to ask of it.

use std::sync::Arc;
use std::time::Duration;

use chassis::group_commit;
use checkout::Outcomes;
use checkout::adapters::events::SUBSCRIPTIONS;
use checkout::adapters::grpc::{Api, Submissions};
use checkout::adapters::peers::{PeerUrls, Peers};
use checkout::adapters::tax_table::TaxTable;
use checkout::app::watch_checkout::Watchers;
use checkout::domain;
use checkout::domain::address::{Address, AddressText, Lines};
use checkout::domain::market::{Cart, CartLine, Market, Price, Title, Variant};
use checkout::domain::quote::{QuoteRequest, Terms};
use checkout::domain::shipping::{ShippingOffer, ShippingQuote};
use contracts::checkout::v1::checkout_service_client::CheckoutServiceClient;
use contracts::checkout::v1::checkout_service_server::CheckoutServiceServer;
use contracts::checkout::v1::{
    Checkout, CreateQuoteRequest, GetCheckoutRequest, Quote, SubmitCheckoutRequest, WatchCheckoutRequest,
    WatchCheckoutResponse,
};
use contracts::google::r#type::{Money, PostalAddress};
use contracts::payments::v1::payment_method::Method;
use contracts::payments::v1::{CashOnDelivery, PaymentMethod};
use kernel::{Currency, Id, Quantity, Sku, Timestamp};
use messaging::{Consumer, EventStore, Relay};
use testkit::{Bearer, Database, Kafka, TestClock, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Code, Response, Status, Streaming};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::peers::FakePeers;

/// A running service with its peers, a buyer and an operator.
pub(crate) struct Desk {
    pub(crate) client: CheckoutServiceClient<Channel>,
    pub(crate) peers: FakePeers,
    pub(crate) tokens: Tokens,
    pub(crate) buyer_id: Uuid,
    pub(crate) buyer: Bearer,
    pub(crate) other_buyer: Bearer,
    pub(crate) operator: Bearer,
    /// What it shows to services that answer only to services.
    pub(crate) service: Bearer,
    pub(crate) clock: TestClock,
    pub(crate) store: EventStore,
    pub(crate) kafka: Kafka,
    watchers: Watchers,
    stop: CancellationToken,
    _stop_at_the_end: DropGuard,
    _database: Database,
}

/// Names whoever has no type of its own in a test.
enum Anyone {}

pub(crate) fn new_uuid() -> Uuid {
    Id::<Anyone>::generate().uuid()
}

pub(crate) fn new_request_id() -> String {
    new_uuid().to_string()
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let buyer_id = new_uuid();
        let peers = FakePeers::start(buyer_id).await;
        let url = peers.url.clone();
        let urls = PeerUrls { cart: &url, products: &url, inventory: &url, shipping: &url };
        Self::open_with(buyer_id, peers, urls).await
    }

    /// With the services that it asks at these addresses.
    pub(crate) async fn open_with(buyer_id: Uuid, peers: FakePeers, urls: PeerUrls<'_>) -> Self {
        let database = Database::migrated(&checkout::SERVICE).await;
        let kafka = Kafka::connect().await;
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let settings = testkit::settings(&database, &kafka);
        let store = EventStore::new(checkout::SERVICE.name, database.pool().clone(), clock.clock());
        let watchers = Watchers::default();
        let stop = CancellationToken::new();
        let tokens = Tokens::new();
        let service = tokens.service();
        let (submissions, committer) = group_commit(store.clone(), Submissions);
        tokio::spawn(committer.run(stop.clone()));
        let api = Api::new(
            store.clone(),
            submissions,
            Peers::new(urls, service.token().parse().unwrap()).unwrap(),
            terms(),
            watchers.clone(),
        );

        let verifier = chassis::auth::Verifier::new(&settings).await.unwrap();
        let server = chassis::grpc::Server::bind(&settings, verifier).await.unwrap();
        let server = server.add(CheckoutServiceServer::new(api));
        let url = format!("http://{}", server.local_address());
        tokio::spawn(server.serve(stop.clone()));

        Self {
            client: CheckoutServiceClient::connect(url).await.unwrap(),
            peers,
            buyer: tokens.buyer(buyer_id),
            other_buyer: tokens.buyer(new_uuid()),
            operator: tokens.operator(),
            service,
            buyer_id,
            tokens,
            clock,
            store,
            kafka,
            watchers,
            _stop_at_the_end: stop.clone().drop_guard(),
            stop,
            _database: database,
        }
    }

    /// With a cart of two sellers, three pieces, all on sale as the cart shows them.
    pub(crate) async fn open_with_a_cart() -> Self {
        let desk = Self::open().await;
        desk.fill_cart();
        desk
    }

    pub(crate) fn fill_cart(&self) {
        let mut answers = self.peers.answers();
        answers.put_into_cart("MUG-1", 2, 10);
        answers.put_into_cart("TEA-1", 1, 5);
        answers.offer("MUG-1", new_uuid(), 10, 9);
        answers.offer("TEA-1", new_uuid(), 5, 9);
    }

    /// Publishes what is committed.
    pub(crate) async fn relay(&self) {
        self.kafka.create_topics(checkout::SERVICE.topics).await;
        tokio::spawn(Relay::new(self.store.clone(), self.kafka.config()).run(self.stop.clone()));
    }

    /// Hears of orders, on the replica that serves.
    pub(crate) async fn hear_of_orders(&self) {
        self.consume(Outcomes::new(self.watchers.clone())).await;
    }

    /// Hears of orders, on a replica of which the one that serves knows nothing.
    pub(crate) async fn hear_of_orders_elsewhere(&self) {
        self.consume(Outcomes::default()).await;
    }

    async fn consume(&self, outcomes: Outcomes) {
        self.kafka.create_topics(&["tradewind.orders.v1"]).await;
        let (store, kafka) = (self.store.clone(), self.kafka.config());
        let consumer = Consumer::new(store, kafka, checkout::CONSUMER, SUBSCRIPTIONS, Arc::new(outcomes));
        tokio::spawn(consumer.run(self.stop.clone()));
    }

    /// Tells the server to end.
    pub(crate) fn drain(&self) {
        self.stop.cancel();
    }

    pub(crate) fn quote_request(&self) -> CreateQuoteRequest {
        let cart_id = self.peers.answers().cart.cart_id.clone();
        let (request_id, ship_to) = (new_request_id(), Some(address()));
        CreateQuoteRequest { request_id, cart_id, ship_to, shipping_choices: Vec::new() }
    }

    pub(crate) async fn create_quote(&self, request: CreateQuoteRequest) -> Result<Quote, Refused> {
        let answer = self.client.clone().create_quote(self.buyer.request(request)).await;
        Ok(answer.map_err(|status| refused(&status))?.into_inner().quote.unwrap())
    }

    /// A quote for the cart as it is.
    pub(crate) async fn quote(&self) -> Quote {
        self.create_quote(self.quote_request()).await.unwrap()
    }

    pub(crate) async fn submit(&self, request: SubmitCheckoutRequest) -> Result<Checkout, Refused> {
        let answer = self.client.clone().submit_checkout(self.buyer.request(request)).await;
        Ok(answer.map_err(|status| refused(&status))?.into_inner().checkout.unwrap())
    }

    /// A checkout of the cart as it is, paid by card.
    pub(crate) async fn check_out(&self) -> Checkout {
        let quote = self.quote().await;
        self.submit(submission(&quote)).await.unwrap()
    }

    pub(crate) async fn checkout(&self, checkout_id: &str) -> Checkout {
        let request = self.buyer.request(GetCheckoutRequest { checkout_id: checkout_id.to_owned() });
        self.client.clone().get_checkout(request).await.unwrap().into_inner().checkout.unwrap()
    }

    pub(crate) async fn watch(&self, checkout_id: &str) -> Watch {
        let request = self.buyer.request(WatchCheckoutRequest { checkout_id: checkout_id.to_owned() });
        Watch(self.client.clone().watch_checkout(request).await.unwrap().into_inner())
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let statement = match table {
            "quote" => "SELECT count(*) FROM quote",
            "checkout" => "SELECT count(*) FROM checkout",
            "checkout_order" => "SELECT count(*) FROM checkout_order",
            "journal" => "SELECT count(*) FROM journal",
            "idempotency_key" => "SELECT count(*) FROM idempotency_key",
            "parked_event" => "SELECT count(*) FROM parked_event",
            other => panic!("no test counts {other}"),
        };
        sqlx::query_scalar(statement).fetch_one(self.store.pool()).await.unwrap()
    }
}

/// Tax as the table that ships has it.
pub(crate) fn terms() -> Terms {
    Terms { tax_rates: Arc::new(TaxTable::built_in()), validity: Duration::from_mins(15) }
}

/// An offer of one mug, made without asking anybody.
pub(crate) fn a_quote(now: Timestamp) -> domain::quote::Quote {
    let euro = |minor| kernel::Money::from_minor(minor, Currency::EUR);
    let sku = Sku::new("MUG-1").unwrap();
    let variant = Variant {
        product_id: Id::generate(),
        seller_id: Id::generate(),
        title: Title::new("Mug").unwrap(),
        is_on_sale: true,
        price: Some(Price { amount: euro(1_000), version: 1 }),
        weight_grams: 300,
    };
    let offer = ShippingOffer { service: "standard".parse().unwrap(), price: euro(499), days_min: 2, days_max: 4 };
    let shipping = ShippingQuote { offers: vec![offer], expires_at: now + Duration::from_mins(30) };
    let market = Market {
        shipping: [(variant.seller_id, shipping)].into(),
        variants: [(sku.clone(), variant)].into(),
        available: [(sku.clone(), 9)].into(),
        backorder_available: [].into(),
    };
    let buyer_id = Id::generate();
    let line = CartLine { sku, quantity: Quantity::ONE, seen_price: euro(1_000) };
    let cart = Cart { id: Id::generate(), buyer_id: Some(buyer_id), currency: Currency::EUR, lines: vec![line] };
    let (ship_to, shipping_choices) = (domain_address(), Vec::new());
    let request = QuoteRequest { id: Id::generate(), buyer_id, ship_to, cart, shipping_choices };
    domain::quote::Quote::make(request, &market, &terms(), now).unwrap()
}

/// An open stream of a checkout.
pub(crate) struct Watch(Streaming<WatchCheckoutResponse>);

impl Watch {
    /// What comes next; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Checkout>, Refused> {
        let next = tokio::time::timeout(Duration::from_secs(30), self.0.message()).await;
        let next = next.expect("the stream goes on or ends").map_err(|status| refused(&status))?;
        Ok(next.map(|response| response.checkout.unwrap()))
    }
}

/// In Germany, where tax is 19 %.
pub(crate) fn address() -> PostalAddress {
    PostalAddress {
        region_code: "DE".to_owned(),
        postal_code: "20457".to_owned(),
        locality: "Hamburg".to_owned(),
        address_lines: vec!["Am Sandtorkai 1".to_owned()],
        recipients: vec!["Ada Byron".to_owned()],
        ..PostalAddress::default()
    }
}

/// The same, as the domain has it.
pub(crate) fn domain_address() -> Address {
    let address = address();
    let text = |text: String| AddressText::new(text).unwrap();
    let lines = |lines: Vec<String>| Lines::new(lines.into_iter().map(text).collect()).unwrap();
    Address {
        region: address.region_code.parse().unwrap(),
        language_code: None,
        postal_code: Some(text(address.postal_code)),
        sorting_code: None,
        administrative_area: None,
        locality: Some(text(address.locality)),
        sublocality: None,
        address_lines: lines(address.address_lines),
        recipients: lines(address.recipients),
        organization: None,
    }
}

pub(crate) fn euro(units: i64, nanos: i32) -> Money {
    Money { currency_code: "EUR".to_owned(), units, nanos }
}

/// The acceptance of a quote as it was shown, paid by card.
pub(crate) fn submission(quote: &Quote) -> SubmitCheckoutRequest {
    SubmitCheckoutRequest {
        request_id: new_request_id(),
        quote_id: quote.quote_id.clone(),
        quote_hash: quote.hash.clone(),
        payment_method: Some(card("tok_approved")),
    }
}

pub(crate) fn card(token: &str) -> PaymentMethod {
    PaymentMethod { method: Some(Method::CardToken(token.to_owned())) }
}

pub(crate) fn cash_on_delivery() -> PaymentMethod {
    PaymentMethod { method: Some(Method::CashOnDelivery(CashOnDelivery {})) }
}

/// What a caller who was refused is told: the code, the reason, the fields at fault, and the words.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) fields: Vec<String>,
    /// Everything that the caller can read.
    pub(crate) words: String,
}

impl Refused {
    pub(crate) fn code_and_reason(&self) -> (Code, &str) {
        (self.code, &self.reason)
    }
}

pub(crate) fn refused(status: &Status) -> Refused {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    Refused {
        code: status.code(),
        reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
        words: format!("{} {violations:?}", status.message()),
        fields: violations.into_iter().map(|violation| violation.field).collect(),
    }
}

/// How a call was refused.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Refused {
    refused(&answer.expect_err("this should have been refused"))
}
