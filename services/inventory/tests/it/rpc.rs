//! Every RPC through the real server, with a products service behind the wire.

mod availability;
mod held;
mod movements;
mod policy;
mod products;
mod reservations;
mod stock;
mod transfers;
mod views;
mod warehouses;

use std::sync::Arc;
use std::time::Duration;

use chassis::Settings;
use chassis::auth::Verifier;
use chassis::grpc::{Peer, Server};
use contracts::inventory::v1 as wire;
use contracts::inventory::v1::inventory_service_client::InventoryServiceClient;
use contracts::inventory::v1::inventory_service_server::InventoryServiceServer;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use inventory::SERVICE;
use inventory::adapters::grpc::Api;
use inventory::domain::ids::SellerId;
use kernel::Id;
use messaging::EventStore;
use testkit::{Bearer, Database, Kafka, TestClock, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::marketplace::inventory;
use products::Catalogue;

/// More than any call of these tests takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A running inventory, a catalogue that it asks, and a seller who sells CUP and POT.
struct Rpc {
    settings: Settings,
    store: EventStore,
    tokens: Tokens,
    client: InventoryServiceClient<Peer>,
    seller_id: SellerId,
    /// A token of the seller's.
    seller: Bearer,
    /// Another seller, who sells PLATE.
    other_seller_id: SellerId,
    other_seller: Bearer,
    _stop: DropGuard,
}

impl Rpc {
    async fn open() -> Self {
        let database = Database::migrated(&SERVICE).await;
        let settings = testkit::settings(&database, &Kafka::connect().await);
        let clock = TestClock::at("2026-03-01T09:00:00Z").clock();
        let store = EventStore::new(SERVICE.name, database.pool().clone(), clock);
        let (seller_id, other_seller_id) = (Id::generate(), Id::generate());
        let stop = CancellationToken::new();
        let catalogue = Catalogue::new([("CUP", seller_id), ("POT", seller_id), ("PLATE", other_seller_id)]);
        let products_url = catalogue.serve(&settings, stop.clone()).await;
        let client = serve(&settings, &store, &products_url, stop.clone()).await;
        let tokens = Tokens::new();
        Self {
            seller: tokens.seller(seller_id.uuid()),
            other_seller: tokens.seller(other_seller_id.uuid()),
            settings,
            store,
            tokens,
            client,
            seller_id,
            other_seller_id,
            _stop: stop.drop_guard(),
        }
    }

    /// Another server on the same database, whose products service is down.
    async fn without_products(&self) -> (InventoryServiceClient<Peer>, DropGuard) {
        let stop = CancellationToken::new();
        let client = serve(&self.settings, &self.store, "http://127.0.0.1:1", stop.clone()).await;
        (client, stop.drop_guard())
    }

    fn client(&self) -> InventoryServiceClient<Peer> {
        self.client.clone()
    }

    /// A new warehouse of the seller.
    async fn warehouse(&self, code: &str) -> String {
        let request = wire::CreateWarehouseRequest {
            request_id: code.to_owned(),
            code: code.to_owned(),
            name: "A warehouse".to_owned(),
            ..wire::CreateWarehouseRequest::default()
        };
        let answer = self.client().create_warehouse(self.seller.request(request)).await.unwrap();
        answer.into_inner().warehouse.unwrap().warehouse_id
    }

    /// The seller takes goods in.
    async fn add(&self, warehouse_id: &str, sku: &str, quantity: i64) -> wire::StockItem {
        let request = wire::AddStockRequest {
            request_id: new_id(),
            warehouse_id: warehouse_id.to_owned(),
            sku: sku.to_owned(),
            quantity,
            reason: "delivery".to_owned(),
        };
        let answer = self.client().add_stock(self.seller.request(request)).await.unwrap();
        answer.into_inner().stock_item.unwrap()
    }

    /// Rows in every table that a command writes to: a refused one leaves them as they are.
    async fn rows(&self) -> Vec<i64> {
        let counts = "SELECT unnest(ARRAY[
            (SELECT count(*) FROM warehouse), (SELECT count(*) FROM stock_item), (SELECT count(*) FROM stock_movement),
            (SELECT count(*) FROM stock_policy), (SELECT count(*) FROM sku_policy), (SELECT count(*) FROM transfer),
            (SELECT count(*) FROM journal), (SELECT count(*) FROM outbox), (SELECT count(*) FROM idempotency_key)])";
        sqlx::query_scalar(counts).fetch_all(self.store.pool()).await.unwrap()
    }
}

async fn serve(
    settings: &Settings,
    store: &EventStore,
    products_url: &str,
    stop: CancellationToken,
) -> InventoryServiceClient<Peer> {
    let products = ProductsServiceClient::new(Peer::new(products_url, Duration::from_secs(2)).unwrap());
    let api = Api::new(store.clone(), Arc::new(inventory()), products);
    let server = Server::bind(settings, Verifier::new(settings).await.unwrap()).await.unwrap();
    let url = format!("http://{}", server.local_address());
    tokio::spawn(server.add(InventoryServiceServer::new(api)).serve(stop));
    InventoryServiceClient::new(Peer::new(&url, TIMEOUT).unwrap())
}

/// An id that nothing has yet; also good as a request_id.
fn new_id() -> String {
    Id::<Rpc>::generate().to_string()
}

/// Code, reason and the fields at fault.
fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String, Vec<String>) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|request| request.field_violations.clone()).unwrap_or_default();
    (status.code(), reason, violations.into_iter().map(|violation| violation.field).collect())
}

fn refused(code: Code, reason: &str, fields: &[&str]) -> (Code, String, Vec<String>) {
    (code, reason.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
}

fn invalid(fields: &[&str]) -> (Code, String, Vec<String>) {
    refused(Code::InvalidArgument, "INVALID_REQUEST", fields)
}
