//! Every RPC through the real server.

mod access;
mod delivery;
mod dispatch;
mod failure;
mod labels;
mod listing;
mod reading;
mod receiving;
mod remittance;
mod returns;

use std::future::Future;

use chassis::auth::Verifier;
use chassis::grpc::Server;
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::shipping_service_client::ShippingServiceClient;
use contracts::shipping::v1::shipping_service_server::ShippingServiceServer;
use kernel::Id;
use shipping::Shipping;
use shipping::adapters::grpc::Api;
use shipping::domain::ids::ShipmentId;
use testkit::{Bearer, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use crate::depot::Depot;
use crate::order::Order;

/// A running shipping, and an order of four cups and a pot here and two pans elsewhere.
struct Rpc {
    depot: Depot,
    order: Order,
    tokens: Tokens,
    buyer: Bearer,
    seller: Bearer,
    operator: Bearer,
    client: ShippingServiceClient<Channel>,
    _stop: DropGuard,
}

impl Rpc {
    async fn open() -> Self {
        Self::with(Order::of(&[("CUP", 4), ("POT", 1)]).and_elsewhere(&[("PAN", 2)])).await
    }

    async fn with(order: Order) -> Self {
        let depot = Depot::closed().await;
        depot.happen(vec![order.asked()]).await;
        let settings = testkit::settings(&depot.database, &depot.kafka);
        let api = Api::new(depot.store.clone(), Shipping, None);
        let server = Server::bind(&settings, Verifier::new(&settings).await.unwrap()).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let stop = CancellationToken::new();
        tokio::spawn(server.add(ShippingServiceServer::new(api)).serve(stop.clone()));
        let tokens = Tokens::new();
        Self {
            buyer: tokens.buyer(order.buyer_id.uuid()),
            seller: tokens.seller(order.seller_id.uuid()),
            operator: tokens.operator(),
            client: ShippingServiceClient::connect(url).await.unwrap(),
            tokens,
            depot,
            order,
            _stop: stop.drop_guard(),
        }
    }

    fn client(&self) -> ShippingServiceClient<Channel> {
        self.client.clone()
    }

    /// Where the cups and the pot are.
    fn here(&self) -> ShipmentId {
        self.order.shipments()[0]
    }

    /// Where the pans are.
    fn elsewhere(&self) -> ShipmentId {
        self.order.shipments()[1]
    }

    /// A buyer and a seller who have nothing to do with the order.
    fn strangers(&self) -> [Bearer; 2] {
        [self.tokens.buyer(Id::<Bearer>::generate().uuid()), self.tokens.seller(Id::<Bearer>::generate().uuid())]
    }

    async fn get(&self, shipment_id: ShipmentId) -> wire::Shipment {
        let request = self.operator.request(wire::GetShipmentRequest { shipment_id: shipment_id.to_string() });
        self.client().get_shipment(request).await.unwrap().into_inner().shipment.unwrap()
    }

    /// Hands a parcel over as the seller, and answers its id.
    async fn dispatch(&self, request: wire::DispatchParcelRequest) -> wire::DispatchParcelResponse {
        self.client().dispatch_parcel(self.seller.request(request)).await.unwrap().into_inner()
    }

    /// Sends everything there is of the order, and delivers it.
    async fn deliver_all(&self) {
        for shipment_id in self.order.shipments() {
            let parcel_id = self.dispatch(parcel(shipment_id, &[])).await.parcel_id;
            let request = self.operator.request(delivery(shipment_id, &parcel_id));
            self.client().record_delivery(request).await.unwrap();
        }
    }

    /// Rows in every table that a command writes to: a refused one leaves them as they are.
    async fn rows(&self) -> Vec<i64> {
        let counts = "SELECT unnest(ARRAY[
            (SELECT sum(version) FROM consignment)::bigint, (SELECT count(*) FROM parcel),
            (SELECT sum(dispatched) FROM shipment_line)::bigint, (SELECT sum(taken_back) FROM shipment_line)::bigint,
            (SELECT count(*) FROM goods_return), (SELECT count(*) FROM goods_receipt), (SELECT count(*) FROM return_label),
            (SELECT count(*) FROM journal), (SELECT count(*) FROM outbox), (SELECT count(*) FROM idempotency_key)])";
        sqlx::query_scalar(counts).fetch_all(self.depot.store.pool()).await.unwrap()
    }
}

/// An id that nothing has yet; also good as a request_id or a tracking number.
fn new_id() -> String {
    Id::<Rpc>::generate().to_string()
}

/// A parcel with these lines; without any, with everything that is left.
fn parcel(shipment_id: ShipmentId, lines: &[(&str, i64)]) -> wire::DispatchParcelRequest {
    let line = |(sku, quantity): &(&str, i64)| wire::ShipmentLine { sku: (*sku).to_owned(), quantity: *quantity };
    wire::DispatchParcelRequest {
        request_id: new_id(),
        shipment_id: shipment_id.to_string(),
        lines: lines.iter().map(line).collect(),
        carrier: "DHL".to_owned(),
        tracking_number: new_id(),
    }
}

fn delivery(shipment_id: ShipmentId, parcel_id: &str) -> wire::RecordDeliveryRequest {
    let parcel_id = parcel_id.to_owned();
    wire::RecordDeliveryRequest { request_id: new_id(), shipment_id: shipment_id.to_string(), parcel_id }
}

fn failure(shipment_id: ShipmentId, parcel_id: &str, failure: wire::ParcelFailure) -> wire::RecordFailureRequest {
    let (shipment_id, parcel_id) = (shipment_id.to_string(), parcel_id.to_owned());
    wire::RecordFailureRequest { request_id: new_id(), shipment_id, parcel_id, failure: failure.into() }
}

/// Code, reason and the fields at fault.
pub(crate) async fn refusal<T: std::fmt::Debug>(
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> (Code, String, Vec<String>) {
    let status = answer.await.expect_err("it is refused");
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|request| request.field_violations.clone()).unwrap_or_default();
    (status.code(), reason, violations.into_iter().map(|violation| violation.field).collect())
}

pub(crate) fn refused(code: Code, reason: &str, fields: &[&str]) -> (Code, String, Vec<String>) {
    (code, reason.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
}

pub(crate) fn invalid(fields: &[&str]) -> (Code, String, Vec<String>) {
    refused(Code::InvalidArgument, "INVALID_REQUEST", fields)
}

fn lines(lines: &[wire::ShipmentLine]) -> Vec<(&str, i64)> {
    lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect()
}
