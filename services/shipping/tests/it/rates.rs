//! What sending costs, through the real server.

mod profiles;
mod quotes;

use std::time::Duration;

use chassis::auth::Verifier;
use chassis::grpc::Server;
use contracts::google::r#type::{Money, PostalAddress};
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::shipping_rates_service_client::ShippingRatesServiceClient;
use contracts::shipping::v1::shipping_rates_service_server::ShippingRatesServiceServer;
use kernel::Id;
use shipping::adapters::grpc_rates::RatesApi;
use shipping::domain::ids::SellerId;
use testkit::{Bearer, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::depot::Depot;

/// How long quotes are honoured here.
const VALIDITY: Duration = Duration::from_mins(30);

/// A running shipping, a seller, and the marketplace's operators.
struct Rates {
    depot: Depot,
    tokens: Tokens,
    seller_id: SellerId,
    seller: Bearer,
    operator: Bearer,
    client: ShippingRatesServiceClient<Channel>,
    _stop: DropGuard,
}

impl Rates {
    async fn open() -> Self {
        let depot = Depot::closed().await;
        let settings = testkit::settings(&depot.database, &depot.kafka);
        let api = RatesApi::new(depot.store.clone(), VALIDITY);
        let server = Server::bind(&settings, Verifier::new(&settings).await.unwrap()).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let stop = CancellationToken::new();
        tokio::spawn(server.add(ShippingRatesServiceServer::new(api)).serve(stop.clone()));
        let tokens = Tokens::new();
        let seller_id = SellerId::generate();
        Self {
            seller: tokens.seller(seller_id.uuid()),
            operator: tokens.operator(),
            client: ShippingRatesServiceClient::connect(url).await.unwrap(),
            seller_id,
            tokens,
            depot,
            _stop: stop.drop_guard(),
        }
    }

    fn client(&self) -> ShippingRatesServiceClient<Channel> {
        self.client.clone()
    }

    /// Sets a profile, and answers it.
    async fn set(&self, bearer: &Bearer, profile: wire::ShippingProfile) -> wire::ShippingProfile {
        let answer = self.client().set_shipping_profile(bearer.request(setting(profile))).await.unwrap();
        answer.into_inner().profile.unwrap()
    }

    /// Sets what the marketplace charges for sellers without a profile of their own.
    async fn set_marketplaces(&self, price: Money) {
        self.set(&self.operator, profile("", vec![everywhere(vec![rate("standard", price)])])).await;
    }

    async fn get(&self, bearer: &Bearer, seller_id: &str) -> Result<wire::ShippingProfile, tonic::Status> {
        let request = wire::GetShippingProfileRequest { seller_id: seller_id.to_owned() };
        let answer = self.client().get_shipping_profile(bearer.request(request)).await?;
        Ok(answer.into_inner().profile.unwrap())
    }

    /// The quotes for half a kilogram of each seller for twenty euro, to Hamburg.
    async fn quotes(&self, sellers: &[SellerId]) -> Vec<wire::ShippingQuote> {
        let question = question(sellers.iter().map(|seller_id| consignment(*seller_id, 500, euro(20))).collect());
        self.quotes_for(question).await
    }

    async fn quotes_for(&self, question: wire::QuoteShippingRequest) -> Vec<wire::ShippingQuote> {
        let answer = self.client().quote_shipping(self.tokens.service().request(question)).await.unwrap();
        answer.into_inner().quotes
    }
}

fn new_uuid() -> Uuid {
    Id::<Rates>::generate().uuid()
}

fn new_id() -> String {
    new_uuid().to_string()
}

fn euro(units: i64) -> Money {
    Money { currency_code: "EUR".to_owned(), units, nanos: 0 }
}

fn setting(profile: wire::ShippingProfile) -> wire::SetShippingProfileRequest {
    wire::SetShippingProfileRequest { request_id: new_id(), profile: Some(profile) }
}

fn profile(seller_id: &str, zones: Vec<wire::ShippingZone>) -> wire::ShippingProfile {
    wire::ShippingProfile { seller_id: seller_id.to_owned(), zones, version: 0 }
}

fn zone(regions: &[(&str, &[&str])], rates: Vec<wire::RateRule>) -> wire::ShippingZone {
    let region = |(code, prefixes): &(&str, &[&str])| wire::ShippingRegion {
        region_code: (*code).to_owned(),
        postal_code_prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
    };
    wire::ShippingZone { name: "A zone".to_owned(), regions: regions.iter().map(region).collect(), rates }
}

fn everywhere(rates: Vec<wire::RateRule>) -> wire::ShippingZone {
    zone(&[("*", &[])], rates)
}

/// For any weight.
fn rate(service: &str, price: Money) -> wire::RateRule {
    wire::RateRule {
        service: service.to_owned(),
        price: Some(price),
        per_kilogram: None,
        weight_grams_min: 0,
        weight_grams_max: 0,
        free_from: None,
        days_min: 2,
        days_max: 4,
    }
}

fn hamburg() -> PostalAddress {
    PostalAddress { region_code: "DE".to_owned(), postal_code: "20457".to_owned(), ..PostalAddress::default() }
}

fn question(consignments: Vec<wire::Consignment>) -> wire::QuoteShippingRequest {
    wire::QuoteShippingRequest { ship_to: Some(hamburg()), consignments }
}

fn consignment(seller_id: SellerId, weight_grams: i64, subtotal: Money) -> wire::Consignment {
    wire::Consignment { seller_id: seller_id.to_string(), weight_grams, subtotal: Some(subtotal) }
}

/// The services and prices of a quote, in whole euro.
fn offers(quote: &wire::ShippingQuote) -> Vec<(&str, i64)> {
    quote.offers.iter().map(|offer| (offer.service.as_str(), offer.price.as_ref().unwrap().units)).collect()
}
