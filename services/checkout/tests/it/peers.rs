//! Cart, products, inventory and shipping, as far as checkout asks them: canned answers behind a real gRPC server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::routing::{MethodRouter, post};
use contracts::cart::v1::{Cart, CartLine, GetCartRequest, GetCartResponse};
use contracts::convert::timestamp_to_wire;
use contracts::google::r#type::{Money, PostalAddress};
use contracts::inventory::v1::{Availability, BatchGetAvailabilityRequest, BatchGetAvailabilityResponse};
use contracts::products::v1::{
    BatchGetVariantsRequest, BatchGetVariantsResponse, Price, ProductStatus, Variant, VariantOffer,
};
use contracts::shipping::v1::{Consignment, QuoteShippingRequest, QuoteShippingResponse, ShippingOffer, ShippingQuote};
use kernel::Timestamp;
use tokio::net::{TcpListener, TcpSocket};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;
use uuid::Uuid;

use crate::desk::{euro, new_uuid};

/// What the peers answer from now on, and what they were asked.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) cart: Cart,
    pub(crate) offers: Vec<VariantOffer>,
    pub(crate) available: BTreeMap<String, i64>,
    /// What every seller charges for sending, the cheapest first: the service, and the price in whole euro and cents.
    pub(crate) rates: Vec<(&'static str, i64, i32)>,
    /// Sellers who send nothing.
    pub(crate) senders_of_nothing: Vec<String>,
    /// Until when shipping honours its quotes.
    pub(crate) shipping_expires_at: Timestamp,
    /// Where to and about what shipping was last asked.
    pub(crate) to_be_sent: (PostalAddress, Vec<Consignment>),
    /// The `authorization` of each request, by RPC.
    pub(crate) tokens: Vec<(&'static str, Option<String>)>,
}

/// The four peers on one address.
#[derive(Debug)]
pub(crate) struct FakePeers {
    pub(crate) url: String,
    answers: Arc<Mutex<Answers>>,
}

impl FakePeers {
    /// Peers that know an empty cart of that buyer, in euro.
    pub(crate) async fn start(buyer_id: Uuid) -> Self {
        let cart = Cart {
            cart_id: new_uuid().to_string(),
            buyer_id: buyer_id.to_string(),
            currency_code: "EUR".to_owned(),
            ..Cart::default()
        };
        let answers = Answers {
            cart,
            offers: Vec::new(),
            available: BTreeMap::new(),
            rates: vec![("standard", 4, 99), ("express", 9, 99)],
            senders_of_nothing: Vec::new(),
            shipping_expires_at: Timestamp::MAX,
            to_be_sent: (PostalAddress::default(), Vec::new()),
            tokens: Vec::new(),
        };
        let answers = Arc::new(Mutex::new(answers));
        let get_variants = |answers: &mut Answers, request| Ok(batch_get_variants(answers, request));
        let get_availability = |answers: &mut Answers, request| Ok(batch_get_availability(answers, request));
        let get_shipping = |answers: &mut Answers, request| Ok(quote_shipping(answers, request));
        let router = Router::new()
            .route("/tradewind.cart.v1.CartService/GetCart", unary(&answers, "GetCart", get_cart))
            .route(
                "/tradewind.products.v1.ProductsService/BatchGetVariants",
                unary(&answers, "BatchGetVariants", get_variants),
            )
            .route(
                "/tradewind.inventory.v1.InventoryService/BatchGetAvailability",
                unary(&answers, "BatchGetAvailability", get_availability),
            )
            .route(
                "/tradewind.shipping.v1.ShippingRatesService/QuoteShipping",
                unary(&answers, "QuoteShipping", get_shipping),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let incoming = TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder().add_routes(Routes::from(router));
        tokio::spawn(server.serve_with_incoming(incoming));
        Self { url, answers }
    }

    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap()
    }
}

/// An address at which nobody answers, for as long as the socket is kept: it does not listen, and nobody else gets its port.
pub(crate) fn nobody() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (format!("http://{}", socket.local_addr().unwrap()), socket)
}

impl Answers {
    /// Puts units of a SKU into the cart, at a price in whole euro that its buyer saw.
    pub(crate) fn put_into_cart(&mut self, sku: &str, quantity: i32, seen_euro: i64) {
        let unit_price = Some(euro(seen_euro, 0));
        self.cart.lines.push(CartLine { sku: sku.to_owned(), quantity, unit_price, ..CartLine::default() });
    }

    /// Puts a SKU on sale, at a price in whole euro.
    pub(crate) fn offer(&mut self, sku: &str, seller_id: Uuid, price_euro: i64, available: i64) {
        let price = Price { amount: Some(euro(price_euro, 0)), price_version: 2, effective_time: None };
        self.offers.push(VariantOffer {
            variant: Some(Variant {
                sku: sku.to_owned(),
                prices: vec![price],
                weight_grams: 300,
                ..Variant::default()
            }),
            product_id: new_uuid().to_string(),
            seller_id: seller_id.to_string(),
            title: format!("Product {sku}"),
            status: ProductStatus::Published.into(),
        });
        self.available.insert(sku.to_owned(), available);
    }

    pub(crate) fn asked(&self) -> Vec<&'static str> {
        self.tokens.iter().map(|(rpc, _)| *rpc).collect()
    }
}

fn get_cart(answers: &mut Answers, request: GetCartRequest) -> Result<GetCartResponse, Status> {
    if request.cart_id != answers.cart.cart_id {
        return Err(Status::not_found("there is no such cart"));
    }
    Ok(GetCartResponse { cart: Some(answers.cart.clone()) })
}

fn batch_get_variants(answers: &Answers, request: BatchGetVariantsRequest) -> BatchGetVariantsResponse {
    let is_asked = |offer: &&VariantOffer| request.skus.contains(&offer.variant.as_ref().unwrap().sku);
    let offers = answers.offers.iter().filter(is_asked).cloned().collect();
    BatchGetVariantsResponse { offers, unknown_skus: Vec::new() }
}

fn batch_get_availability(answers: &Answers, request: BatchGetAvailabilityRequest) -> BatchGetAvailabilityResponse {
    let availability = |sku: String| {
        let available = answers.available.get(&sku).copied().unwrap_or_default();
        Availability { sku, available, backorder_available: 0 }
    };
    BatchGetAvailabilityResponse { availabilities: request.skus.into_iter().map(availability).collect() }
}

/// In the currency of the goods.
fn quote_shipping(answers: &mut Answers, request: QuoteShippingRequest) -> QuoteShippingResponse {
    answers.to_be_sent = (request.ship_to.unwrap(), request.consignments.clone());
    let quote = |consignment: Consignment| {
        let offer = |(service, units, cents): &(&str, i64, i32)| ShippingOffer {
            service: (*service).to_owned(),
            price: Some(Money { units: *units, nanos: cents * 10_000_000, ..consignment.subtotal.clone().unwrap() }),
            days_min: 2,
            days_max: 4,
        };
        let sends = !answers.senders_of_nothing.contains(&consignment.seller_id);
        ShippingQuote {
            quote_id: new_uuid().to_string(),
            offers: answers.rates.iter().filter(|_| sends).map(offer).collect(),
            expire_time: Some(timestamp_to_wire(answers.shipping_expires_at)),
            seller_id: consignment.seller_id,
        }
    };
    QuoteShippingResponse { quotes: request.consignments.into_iter().map(quote).collect() }
}

/// One RPC without streams.
fn unary<Q, A>(
    answers: &Arc<Mutex<Answers>>,
    rpc: &'static str,
    answer: fn(&mut Answers, Q) -> Result<A, Status>,
) -> MethodRouter
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
{
    let answers = answers.clone();
    post(move |request: axum::extract::Request| async move {
        let service = service_fn(move |request: Request<Q>| {
            let token = request.metadata().get("authorization").map(|token| token.to_str().unwrap().to_owned());
            let mut answers = answers.lock().unwrap();
            answers.tokens.push((rpc, token));
            std::future::ready(answer(&mut answers, request.into_inner()).map(Response::new))
        });
        tonic::server::Grpc::new(ProstCodec::<A, Q>::default()).unary(service, request).await
    })
}
