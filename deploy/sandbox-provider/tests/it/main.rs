//! The provider over HTTP, as its callers meet it.

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;
use sandbox_provider::{Answer, Charge, Kind, Mode, Operation, Sandbox, Status, Tuning};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

struct Provider {
    url: String,
    client: reqwest::Client,
    task: AbortHandle,
}

impl Provider {
    async fn start() -> Self {
        Self::with_state(None).await
    }

    async fn with_state(state: Option<&Path>) -> Self {
        let tuning = Tuning { slow_delay: Duration::from_millis(300), down_attempts: 2 };
        let sandbox = Sandbox::open(tuning, state).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(sandbox_provider::serve(listener, sandbox)).abort_handle();
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The lost answer must be ours to see, not retried by the client on another connection.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { url, client, task }
    }

    async fn post(&self, operation: &Operation) -> reqwest::Result<reqwest::Response> {
        self.client.post(format!("{}/v1/operations", self.url)).json(operation).send().await
    }

    async fn ask(&self, operation: &Operation) -> Answer {
        let response = self.post(operation).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    async fn get(&self, key: &str) -> reqwest::Response {
        self.client.get(format!("{}/v1/operations/{key}", self.url)).send().await.unwrap()
    }

    async fn charge(&self, payment: &str) -> Charge {
        let response = self.client.get(format!("{}/v1/charges?payment={payment}", self.url)).send().await.unwrap();
        let mut body: Value = response.json().await.unwrap();
        serde_json::from_value(body["charges"][0].take()).unwrap()
    }

    async fn control(&self, mode: Mode) {
        let response = self.client.post(format!("{}/control", self.url)).json(&mode).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn authorize(token: &str) -> Operation {
    Operation {
        key: "order-1:authorize:1".to_owned(),
        kind: Kind::Authorize,
        payment: "order-1".to_owned(),
        amount_minor: 1_500,
        currency: "EUR".to_owned(),
        card_token: Some(token.to_owned()),
    }
}

fn capture() -> Operation {
    Operation { key: "order-1:capture:1".to_owned(), kind: Kind::Capture, card_token: None, ..authorize("") }
}

fn refund(number: i32) -> Operation {
    Operation { key: format!("order-1:refund:{number}"), kind: Kind::Refund, ..capture() }
}

fn succeeded() -> Answer {
    Answer { status: Status::Succeeded, reason: None }
}

#[tokio::test]
async fn the_same_key_is_answered_alike_and_charged_once() {
    let provider = Provider::start().await;
    for operation in [authorize("tok_approved"), capture(), capture(), authorize("tok_approved"), capture()] {
        assert_eq!(provider.ask(&operation).await, succeeded());
    }
    let charge = provider.charge("order-1").await;
    assert_eq!((charge.captures, charge.charged_minor, charge.held_minor), (1, 1_500, 0));
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict() {
    let provider = Provider::start().await;
    provider.ask(&authorize("tok_approved")).await;
    let other = Operation { amount_minor: 1_501, ..authorize("tok_approved") };
    assert_eq!(provider.post(&other).await.unwrap().status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_lost_answer_is_found_by_its_key() {
    let provider = Provider::start().await;
    assert_eq!(provider.get("order-1:authorize:1").await.status(), StatusCode::NOT_FOUND);
    for operation in [authorize("tok_lost_answer"), capture()] {
        assert!(provider.post(&operation).await.is_err(), "the connection is cut");
        assert_eq!(provider.get(&operation.key).await.json::<Answer>().await.unwrap(), succeeded());
        assert_eq!(provider.ask(&operation).await, succeeded());
    }
    assert_eq!(provider.charge("order-1").await.captures, 1);
}

#[tokio::test]
async fn a_slow_authorization_is_processing_until_it_is_answered() {
    let provider = Provider::start().await;
    let operation = authorize("tok_slow");
    let (late, asked_meanwhile) = tokio::join!(provider.ask(&operation), async {
        let mut response = provider.get(&operation.key).await;
        while response.status() == StatusCode::NOT_FOUND {
            response = provider.get(&operation.key).await;
        }
        response
    });
    assert_eq!(asked_meanwhile.status(), StatusCode::ACCEPTED);
    assert_eq!(asked_meanwhile.json::<Answer>().await.unwrap().status, Status::Processing);
    assert_eq!(late, succeeded());
}

#[tokio::test]
async fn a_token_that_is_down_does_nothing_the_first_times() {
    let provider = Provider::start().await;
    for _ in 0..2 {
        assert_eq!(provider.post(&authorize("tok_down")).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(provider.get("order-1:authorize:1").await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(provider.ask(&authorize("tok_down")).await, succeeded());
}

#[tokio::test]
async fn a_refund_that_is_refused_may_be_asked_for_again_under_its_key() {
    let provider = Provider::start().await;
    for operation in [authorize("tok_refund_fails_2"), capture()] {
        assert_eq!(provider.ask(&operation).await, succeeded());
    }
    let refused = Answer { status: Status::Declined, reason: Some("REFUND_REFUSED".to_owned()) };
    for number in [1, 2] {
        let refund = Operation { amount_minor: 700, ..refund(number) };
        for _ in 0..2 {
            assert_eq!(provider.ask(&refund).await, refused);
            assert_eq!(provider.get(&refund.key).await.status(), StatusCode::NOT_FOUND);
        }
        for _ in 0..2 {
            assert_eq!(provider.ask(&refund).await, succeeded());
        }
        assert_eq!(provider.get(&refund.key).await.json::<Answer>().await.unwrap(), succeeded());
    }
    let charge = provider.charge("order-1").await;
    assert_eq!((charge.refunds, charge.charged_minor), (2, 100));
}

#[tokio::test]
async fn a_refund_of_more_than_is_left_is_not_remembered_either() {
    let provider = Provider::start().await;
    for operation in [authorize("tok_approved"), capture()] {
        provider.ask(&operation).await;
    }
    let too_large = Operation { amount_minor: 1_501, ..refund(1) };
    assert_eq!(provider.ask(&too_large).await.reason.as_deref(), Some("AMOUNT_TOO_LARGE"));
    assert_eq!(provider.ask(&refund(1)).await, succeeded());
    assert_eq!(provider.charge("order-1").await.charged_minor, 0);
}

#[tokio::test]
async fn the_whole_provider_can_be_put_down_and_up_and_made_slow() {
    let provider = Provider::start().await;
    provider.control(Mode::Down).await;
    assert_eq!(provider.post(&authorize("tok_approved")).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(provider.get("order-1:authorize:1").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    provider.control(Mode::Slow { delay_ms: 50 }).await;
    assert_eq!(provider.ask(&authorize("tok_approved")).await, succeeded());
    provider.control(Mode::Up).await;
    assert_eq!(provider.ask(&capture()).await, succeeded());
}

#[tokio::test]
async fn a_provider_that_loses_its_answers_has_acted_all_the_same() {
    let provider = Provider::start().await;
    provider.control(Mode::Losing).await;
    for operation in [authorize("tok_approved"), capture()] {
        assert!(provider.post(&operation).await.is_err(), "the connection is cut");
        assert_eq!(provider.ask(&operation).await, succeeded());
    }
    assert_eq!(provider.charge("order-1").await.captures, 1);
}

#[tokio::test]
async fn what_was_answered_survives_a_restart_and_a_torn_line_does_not() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox-survives-a-restart.jsonl");
    let _ = std::fs::remove_file(&path);
    let provider = Provider::with_state(Some(&path)).await;
    provider.ask(&authorize("tok_approved")).await;
    provider.ask(&capture()).await;
    drop(provider);

    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str(r#"{"operation":{"key":"torn"#);
    std::fs::write(&path, text).unwrap();

    let provider = Provider::with_state(Some(&path)).await;
    assert_eq!(provider.ask(&capture()).await, succeeded());
    assert_eq!(provider.charge("order-1").await.captures, 1);
    assert_eq!(provider.ask(&refund(1)).await, succeeded());
    drop(provider);
    let provider = Provider::with_state(Some(&path)).await;
    assert_eq!(provider.charge("order-1").await.charged_minor, 0);
}

#[tokio::test]
async fn a_request_that_is_wrong_in_itself_is_refused() {
    let provider = Provider::start().await;
    let wrong = [
        Operation { amount_minor: 0, ..authorize("tok_approved") },
        Operation { currency: "eur".to_owned(), ..authorize("tok_approved") },
        Operation { key: String::new(), ..authorize("tok_approved") },
        Operation { card_token: None, ..authorize("") },
        Operation { card_token: Some("tok_approved".to_owned()), ..capture() },
    ];
    for operation in wrong {
        assert_eq!(provider.post(&operation).await.unwrap().status(), StatusCode::BAD_REQUEST, "{operation:?}");
    }
    let url = format!("{}/control", provider.url);
    let response = provider.client.post(url).json(&json!({"mode": "sideways"})).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
