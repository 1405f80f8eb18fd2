//! The sandbox carrier as a process would be: it sells labels, is handed parcels, and tells by webhooks what it sees, or is asked.

mod returns;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chassis::auth::Verifier;
use chassis::grpc::Server;
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::shipping_service_client::ShippingServiceClient;
use contracts::shipping::v1::shipping_service_server::ShippingServiceServer;
use reqwest::StatusCode;
use sandbox_carrier::{Carrier, Subscriber, Teller, sign};
use serde_json::{Value, json};
use shipping::Shipping;
use shipping::adapters::carriers::Sandbox;
use shipping::adapters::grpc::Api;
use shipping::adapters::webhooks::Webhooks;
use shipping::domain::fact::Fact;
use shipping::domain::ids::ParcelId;
use shipping::domain::parcel::{ParcelFailure, ParcelState};
use shipping::jobs::ask_carrier::ask_carrier;
use shipping::jobs::take_webhooks::{self, take_webhooks};
use sqlx::Row;
use testkit::{Bearer, TestClock, Tokens, eventually};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::depot::Depot;
use crate::order::Order;

const KEY: [u8; 24] = [7; 24];
const PACE: Duration = Duration::from_millis(20);

/// Shipping with its webhooks and jobs, and the carrier beside it.
struct Yard {
    depot: Depot,
    client: ShippingServiceClient<Channel>,
    tokens: Tokens,
    operator: Bearer,
    http: reqwest::Client,
    carrier_url: String,
    webhook_url: String,
    sandbox: Sandbox,
    _stop: DropGuard,
}

impl Yard {
    async fn open() -> Self {
        let depot = Depot::closed().await;
        // The signatures are of now.
        depot.clock.set(TestClock::now().shown());
        let stop = CancellationToken::new();
        let (carrier_listener, hook_listener) = (bind().await, bind().await);
        let carrier_url = format!("http://{}", carrier_listener.local_addr().unwrap());
        let webhook_url = format!("http://{}/webhooks/carriers/sandbox", hook_listener.local_addr().unwrap());

        let carrier = Carrier::open(PACE, None).unwrap();
        let subscriber = Subscriber { url: webhook_url.clone(), secret: KEY.to_vec() };
        tokio::spawn(Teller::new(carrier.clone(), subscriber).unwrap().run());
        tokio::spawn(sandbox_carrier::serve(carrier_listener, carrier));
        let (came, key) = (Arc::new(Notify::new()), format!("whsec_{}", STANDARD.encode(KEY)).parse().unwrap());
        let webhooks = Webhooks::new(depot.store.clone(), key, came.clone());
        tokio::spawn(webhooks.serve(hook_listener, stop.clone()));
        tokio::spawn(take_webhooks::run(depot.store.clone(), came, stop.clone()));

        let sandbox = Sandbox::new(&carrier_url, Duration::from_secs(5)).unwrap();
        let settings = testkit::settings(&depot.database, &depot.kafka);
        let server = Server::bind(&settings, Verifier::new(&settings).await.unwrap()).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let api = Api::new(depot.store.clone(), Shipping, Some(sandbox.clone()));
        tokio::spawn(server.add(ShippingServiceServer::new(api)).serve(stop.clone()));
        Self {
            client: ShippingServiceClient::connect(url).await.unwrap(),
            operator: Tokens::new().operator(),
            tokens: Tokens::new(),
            http: reqwest::Client::new(),
            depot,
            carrier_url,
            webhook_url,
            sandbox,
            _stop: stop.drop_guard(),
        }
    }

    /// An order of two cups to an address with that line.
    async fn order(&self, line: &str) -> Order {
        self.sent_to(line, Order::of(&[("CUP", 2)])).await
    }

    /// Has an order sent to an address with that line.
    async fn sent_to(&self, line: &str, order: Order) -> Order {
        let mut asked = order.asked();
        let Fact::ShipRequested { instruction, .. } = &mut asked else { panic!("{asked:?}") };
        instruction.terms.ship_to.address_lines = vec!["1 Main Street".to_owned(), line.to_owned()];
        self.depot.happen(vec![asked]).await;
        order
    }

    /// Has everything of an order leave by a label that is bought for it.
    async fn dispatch(&self, order: &Order, request_id: &str) -> Result<wire::Parcel, Status> {
        let request = wire::DispatchParcelRequest {
            request_id: request_id.to_owned(),
            shipment_id: order.shipments()[0].to_string(),
            carrier: "sandbox".to_owned(),
            ..wire::DispatchParcelRequest::default()
        };
        let answer = self.client.clone().dispatch_parcel(self.operator.request(request)).await?.into_inner();
        Ok(answer.shipment.unwrap().parcels.remove(0))
    }

    /// The warehouse hands a parcel to the carrier.
    async fn hand_over(&self, parcel: &wire::Parcel) {
        self.hand_over_number(&parcel.tracking_number).await;
    }

    async fn hand_over_number(&self, tracking_number: &str) {
        let url = format!("{}/v1/parcels/{tracking_number}/handover", self.carrier_url);
        assert_eq!(self.http.post(url).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    }

    async fn state(&self, order: &Order, parcel: &wire::Parcel) -> ParcelState {
        let found = self.depot.shipment(order.shipments()[0]).await;
        found.shipment.parcels[&parcel.parcel_id.parse::<ParcelId>().unwrap()].state
    }

    async fn ended(&self, order: &Order, parcel: &wire::Parcel) -> ParcelState {
        eventually("the end of the parcel", async || {
            Some(self.state(order, parcel).await).filter(|state| *state != ParcelState::Dispatched)
        })
        .await
    }

    /// Posts a webhook, signed with that key at that time.
    async fn post(&self, id: &str, body: &str, key: &[u8], at_seconds: i64) -> StatusCode {
        let signature = sign(key, id, u64::try_from(at_seconds).unwrap(), body.as_bytes());
        let request = self.http.post(&self.webhook_url).header("webhook-id", id).body(body.to_owned());
        let request = request.header("webhook-timestamp", at_seconds).header("webhook-signature", signature);
        request.send().await.unwrap().status()
    }

    fn now_seconds(&self) -> i64 {
        self.depot.clock.shown().unix_micros() / 1_000_000
    }

    /// What was made of the webhooks that were kept, by their ids.
    async fn outcomes(&self) -> Vec<(String, Option<String>)> {
        let rows = sqlx::query("SELECT webhook_id, outcome FROM carrier_webhook ORDER BY webhook_id")
            .fetch_all(self.depot.store.pool())
            .await
            .unwrap();
        rows.iter().map(|row| (row.get("webhook_id"), row.get("outcome"))).collect()
    }
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn scan(tracking_number: &str, kind: &str) -> String {
    let scan: Value = json!({ "number": 1, "kind": kind, "at_ms": 0 });
    json!({ "tracking_number": tracking_number, "scan": scan }).to_string()
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().map(|info| info.reason).unwrap_or_default())
}

#[tokio::test]
async fn what_the_carrier_sees_takes_effect_whatever_the_order_and_number_in_which_it_is_told() {
    let yard = Yard::open().await;
    for line in ["Flat 2", "sandbox:shuffled", "sandbox:repeated"] {
        let order = yard.order(line).await;
        let parcel = yard.dispatch(&order, &line.replace(' ', "-")).await.unwrap();
        yard.hand_over(&parcel).await;
        assert!(matches!(yard.ended(&order, &parcel).await, ParcelState::Delivered { .. }), "{line}");
        let history = yard.depot.history(&order).await;
        assert_eq!(history, ["ShipmentCreated", "ShipmentDispatched", "ShipmentDelivered"], "{line}");
    }
    for (line, expected) in [
        ("sandbox:lost", ParcelFailure::Lost),
        ("sandbox:refused", ParcelFailure::Refused),
        ("sandbox:returned", ParcelFailure::ReturnedToSender),
    ] {
        let order = yard.order(line).await;
        let parcel = yard.dispatch(&order, &line.replace(' ', "-")).await.unwrap();
        yard.hand_over(&parcel).await;
        let state = yard.ended(&order, &parcel).await;
        assert!(matches!(state, ParcelState::Failed { failure, .. } if failure == expected), "{state:?}");
    }
}

#[tokio::test]
async fn a_parcel_of_which_nothing_is_told_is_asked_about() {
    let yard = Yard::open().await;
    let order = yard.order("sandbox:silent").await;
    let parcel = yard.dispatch(&order, "1").await.unwrap();
    let silence = Duration::from_mins(1);
    // It was just dispatched, and then it was not handed over: the carrier knows nothing.
    assert_eq!(ask_carrier(&yard.depot.store, &yard.sandbox, silence).await.unwrap(), 0);
    yard.hand_over(&parcel).await;
    tokio::time::sleep(PACE * 4).await;
    assert_eq!(ask_carrier(&yard.depot.store, &yard.sandbox, silence).await.unwrap(), 0);
    yard.depot.clock.advance(silence);
    assert_eq!(ask_carrier(&yard.depot.store, &yard.sandbox, silence).await.unwrap(), 1);
    assert!(matches!(yard.state(&order, &parcel).await, ParcelState::Delivered { .. }));
    yard.depot.clock.advance(silence);
    assert_eq!(ask_carrier(&yard.depot.store, &yard.sandbox, silence).await.unwrap(), 0);
}

#[tokio::test]
async fn a_webhook_that_is_not_the_carriers_or_not_of_now_is_not_kept() {
    let yard = Yard::open().await;
    let (now, body) = (yard.now_seconds(), scan("SBX1", "delivered"));
    assert_eq!(yard.post("1", &body, &[8; 24], now).await, StatusCode::UNAUTHORIZED);
    assert_eq!(yard.post("2", &body, &KEY, now - 301).await, StatusCode::UNAUTHORIZED);
    let unsigned = yard.http.post(&yard.webhook_url).body(body.clone()).send().await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::BAD_REQUEST);
    let elsewhere = yard.webhook_url.replace("/sandbox", "/nobody");
    assert_eq!(yard.http.post(elsewhere).body(body).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(yard.outcomes().await, []);
}

#[tokio::test]
async fn whatever_the_carrier_signs_is_kept_once_and_says_what_became_of_it() {
    let yard = Yard::open().await;
    let order = yard.order("Flat 2").await;
    let parcel = yard.dispatch(&order, "1").await.unwrap();
    let number = &parcel.tracking_number;
    let now = yard.now_seconds();
    for (id, body) in [
        ("1", scan(number, "in_transit")),
        ("2", scan(number, "delivered")),
        ("2", scan(number, "delivered")),
        ("3", scan(number, "lost")),
        ("4", scan("SBX999", "delivered")),
        ("5", "{".to_owned()),
    ] {
        assert_eq!(yard.post(id, &body, &KEY, now).await, StatusCode::NO_CONTENT);
        take_webhooks(&yard.depot.store).await.unwrap();
        // Another may have it at hand.
        eventually("what became of it", async || {
            yard.outcomes().await.iter().all(|(_, outcome)| outcome.is_some()).then_some(())
        })
        .await;
    }
    let outcomes = yard.outcomes().await;
    let told: Vec<_> = outcomes.iter().map(|(id, outcome)| (id.as_str(), outcome.as_deref().unwrap())).collect();
    let refused = format!("refused: parcel {} was delivered", parcel.parcel_id);
    assert_eq!(
        told[..4],
        [("1", "it goes on"), ("2", "taken"), ("3", refused.as_str()), ("4", "no parcel has the number \"SBX999\"")]
    );
    assert!(told[4].1.starts_with("malformed: "), "{told:?}");
    assert!(matches!(yard.state(&order, &parcel).await, ParcelState::Delivered { .. }));
}

#[tokio::test]
async fn a_label_is_bought_once_for_each_parcel_and_a_refusal_is_told() {
    let yard = Yard::open().await;
    let order = yard.order("Flat 2").await;
    let parcel = yard.dispatch(&order, "1").await.unwrap();
    assert_eq!(yard.dispatch(&order, "1").await.unwrap(), parcel);
    let label = yard.http.get(format!("{}/v1/parcels/{}", yard.carrier_url, parcel.tracking_number)).send();
    let label: serde_json::Value = label.await.unwrap().json().await.unwrap();
    assert_eq!(label["service"], "express");
    let nowhere = yard.order("sandbox:eaten").await;
    let refused = yard.dispatch(&nowhere, "2").await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "LABEL_REFUSED".to_owned()));
    assert!(refused.message().contains("sandbox address \"eaten\""), "{}", refused.message());
}
