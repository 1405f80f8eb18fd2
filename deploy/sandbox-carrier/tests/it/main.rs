//! The carrier over HTTP, as its callers meet it.

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Response;
use sandbox_carrier::{Carrier, Label, Parcel, ScanKind, Subscriber, Teller, sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

const PACE: Duration = Duration::from_millis(40);
const SECRET: &[u8] = b"a key that both know";

/// What a subscriber took: the webhook's id and the scan's number.
type Taken = Arc<Mutex<Vec<(String, u64)>>>;

struct Depot {
    url: String,
    client: reqwest::Client,
    taken: Taken,
    _tasks: JoinSet<()>,
}

impl Depot {
    async fn open(state: Option<&Path>) -> Self {
        let carrier = Carrier::open(PACE, state).unwrap();
        let (listener, hook) = (bind().await, bind().await);
        let url = format!("http://{}", listener.local_addr().unwrap());
        let subscriber = Subscriber { url: format!("http://{}/", hook.local_addr().unwrap()), secret: SECRET.to_vec() };
        let taken = Taken::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(subscribe(hook, taken.clone()));
        tasks.spawn(Teller::new(carrier.clone(), subscriber).unwrap().run());
        tasks.spawn(async { sandbox_carrier::serve(listener, carrier).await.unwrap() });
        Self { url, client: reqwest::Client::new(), taken, _tasks: tasks }
    }

    async fn ask_for_label(&self, key: &str, line: &str) -> Response {
        let request = json!({ "key": key, "address_lines": ["1 Main Street", line] });
        self.client.post(format!("{}/v1/labels", self.url)).json(&request).send().await.unwrap()
    }

    /// For what is sent back from an address with that line.
    async fn label_back(&self, line: &str) -> Response {
        let key = format!("back {line}");
        let request = json!({ "key": key, "address_lines": ["1 Main Street", line], "return_to": "Harbour" });
        self.client.post(format!("{}/v1/labels", self.url)).json(&request).send().await.unwrap()
    }

    async fn label(&self, key: &str, line: &str) -> String {
        self.ask_for_label(key, line).await.json::<Label>().await.unwrap().tracking_number
    }

    async fn hand_over(&self, tracking_number: &str) {
        let url = format!("{}/v1/parcels/{tracking_number}/handover", self.url);
        assert_eq!(self.client.post(url).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    }

    async fn scans(&self, tracking_number: &str) -> Vec<ScanKind> {
        let url = format!("{}/v1/parcels/{tracking_number}", self.url);
        let parcel: Parcel = self.client.get(url).send().await.unwrap().json().await.unwrap();
        parcel.scans.iter().map(|scan| scan.kind).collect()
    }

    /// The numbers of the scans that were told of a parcel, once there are so many.
    async fn told(&self, tracking_number: &str, count: usize) -> Vec<u64> {
        for _ in 0..500 {
            let taken = self.taken.lock().unwrap().clone();
            let ours: Vec<_> = taken.into_iter().filter(|(id, _)| id.starts_with(tracking_number)).collect();
            if ours.len() >= count {
                return ours.into_iter().map(|(_, number)| number).collect();
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} webhooks about {tracking_number} did not come");
    }
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Takes webhooks whose signature is right; every second one only when it comes again.
async fn subscribe(listener: TcpListener, taken: Taken) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let hook = move |headers: HeaderMap, body: Bytes| async move {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let id = header("webhook-id");
        let expected = sign(SECRET, &id, header("webhook-timestamp").parse().unwrap(), &body);
        assert_eq!(header("webhook-signature"), expected);
        let is_new = !seen.lock().unwrap().contains(&id);
        if is_new {
            seen.lock().unwrap().push(id.clone());
        }
        let scan: Value = serde_json::from_slice(&body).unwrap();
        let number = scan["scan"]["number"].as_u64().unwrap();
        if is_new && number == 2 {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        taken.lock().unwrap().push((id, number));
        StatusCode::NO_CONTENT
    };
    axum::serve(listener, Router::new().route("/", post(hook))).await.unwrap();
}

#[tokio::test]
async fn a_parcel_is_scanned_step_by_step_and_each_scan_is_told_until_it_is_taken() {
    let depot = Depot::open(None).await;
    let number = depot.label("1", "Flat 2").await;
    assert_eq!(depot.scans(&number).await, []);
    depot.hand_over(&number).await;
    depot.hand_over(&number).await;
    assert_eq!(depot.told(&number, 3).await, [1, 2, 3]);
    assert_eq!(depot.scans(&number).await, [ScanKind::Accepted, ScanKind::InTransit, ScanKind::Delivered]);
}

#[tokio::test]
async fn a_test_address_chooses_the_end_the_order_and_the_number_of_what_is_told() {
    let depot = Depot::open(None).await;
    for (name, last) in [("lost", ScanKind::Lost), ("refused", ScanKind::Refused), ("returned", ScanKind::Returned)] {
        let number = depot.label(name, &format!("sandbox:{name}")).await;
        depot.hand_over(&number).await;
        depot.told(&number, 3).await;
        assert_eq!(depot.scans(&number).await.last(), Some(&last));
    }
    let shuffled = depot.label("shuffled", "sandbox:shuffled").await;
    depot.hand_over(&shuffled).await;
    assert_eq!(depot.told(&shuffled, 3).await, [3, 2, 1]);
    let repeated = depot.label("repeated", "sandbox:repeated").await;
    depot.hand_over(&repeated).await;
    assert_eq!(depot.told(&repeated, 9).await, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
    let silent = depot.label("silent", "sandbox:silent").await;
    depot.hand_over(&silent).await;
    sleep(PACE * 4).await;
    assert_eq!(depot.scans(&silent).await.last(), Some(&ScanKind::Delivered));
    assert_eq!(depot.told(&silent, 0).await, [0; 0]);
}

#[tokio::test]
async fn what_is_sent_back_is_scanned_on_its_way_to_the_warehouse_and_its_address_chooses_the_end() {
    let depot = Depot::open(None).await;
    let there = depot.label("there", "sandbox:return-lost").await;
    depot.hand_over(&there).await;
    let mut sold = Vec::new();
    for (line, last) in [
        ("Flat 2", ScanKind::Delivered),
        ("sandbox:refused", ScanKind::Delivered),
        ("sandbox:lost", ScanKind::Lost),
        ("sandbox:return-lost", ScanKind::Lost),
    ] {
        let number = depot.label_back(line).await.json::<Label>().await.unwrap().tracking_number;
        depot.hand_over(&number).await;
        assert_eq!(depot.told(&number, 3).await, [1, 2, 3]);
        assert_eq!(depot.scans(&number).await.last(), Some(&last), "{line}");
        sold.push(number);
    }
    // On the way there it is delivered.
    assert_eq!(depot.scans(&there).await.last(), Some(&ScanKind::Delivered));
    let answer = depot.client.get(format!("{}/v1/labels", depot.url)).send().await.unwrap();
    let labels: Value = answer.json().await.unwrap();
    assert_eq!(labels["labels"][0]["return_to"], Value::Null);
    assert_eq!(
        labels["labels"][1],
        json!({ "tracking_number": sold[0], "key": "back Flat 2", "return_to": "Harbour" })
    );
    assert_eq!(labels["labels"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn nothing_is_taken_back_from_some_addresses_and_nothing_is_collected_on_the_way() {
    let depot = Depot::open(None).await;
    assert_eq!(depot.label_back("sandbox:no-returns").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(depot.ask_for_label("there", "sandbox:no-returns").await.status(), StatusCode::OK);
    let request = json!({ "key": "1", "address_lines": ["Flat 2"], "return_to": "Harbour", "cash_minor": 100 });
    let refused = depot.client.post(format!("{}/v1/labels", depot.url)).json(&request).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    // The same key does not lead another way.
    let number = depot.label("back Flat 2", "Flat 2").await;
    assert_eq!(depot.label_back("Flat 2").await.status(), StatusCode::CONFLICT);
    assert_eq!(depot.label("back Flat 2", "Flat 2").await, number);
}

#[tokio::test]
async fn a_key_has_one_label_and_what_is_wrong_is_told() {
    let depot = Depot::open(None).await;
    let number = depot.label("1", "Flat 2").await;
    assert_eq!(depot.label("1", "Flat 2").await, number);
    let refused = async |key: &str, line: &str| depot.ask_for_label(key, line).await.status();
    assert_eq!(refused("1", "Flat 3").await, StatusCode::CONFLICT);
    assert_eq!(refused("", "Flat 3").await, StatusCode::BAD_REQUEST);
    assert_eq!(refused("2", "sandbox:eaten").await, StatusCode::BAD_REQUEST);
    let unknown = depot.client.get(format!("{}/v1/parcels/SBX999", depot.url)).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_restart_forgets_no_label_and_tells_again_under_the_same_ids() {
    let state = state_file();
    let first = Depot::open(Some(&state)).await;
    let number = first.label("1", "Flat 2").await;
    first.hand_over(&number).await;
    first.told(&number, 3).await;
    drop(first);
    let second = Depot::open(Some(&state)).await;
    assert_eq!(second.label("1", "Flat 2").await, number);
    assert_eq!(second.told(&number, 3).await, [1, 2, 3]);
    std::fs::remove_file(state).unwrap();
}

fn state_file() -> PathBuf {
    std::env::temp_dir().join(format!("sandbox-carrier-{}.jsonl", std::process::id()))
}
