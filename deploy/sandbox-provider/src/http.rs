use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

use crate::book::Charge;
use crate::connection::{CuttableListener, Scissors};
use crate::operation::{Answer, Operation};
use crate::sandbox::{Mode, Reception, Sandbox};

/// Serves the provider until it is dropped.
///
/// # Errors
/// None in practice; axum leaves the possibility open.
pub async fn serve(listener: TcpListener, sandbox: Sandbox) -> std::io::Result<()> {
    let app = router(sandbox).into_make_service_with_connect_info::<Scissors>();
    axum::serve(CuttableListener(listener), app).await
}

fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/v1/operations", post(post_operation))
        .route("/v1/operations/{key}", get(get_operation))
        .route("/v1/charges", get(get_charges))
        .route("/control", get(get_control).post(post_control))
        .route("/health", get(|| async { "up" }))
        .with_state(sandbox)
}

async fn post_operation(
    State(sandbox): State<Sandbox>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    Json(operation): Json<Operation>,
) -> Response {
    if let Some(fault) = operation.fault() {
        return problem(StatusCode::BAD_REQUEST, fault);
    }
    tracing::info!(key = operation.key, amount_minor = operation.amount_minor, currency = operation.currency, "asked");
    match sandbox.receive(operation, Instant::now()) {
        Ok(reception) => answer(reception, &scissors).await,
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot remember the operation: {error}")),
    }
}

async fn get_operation(
    State(sandbox): State<Sandbox>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    Path(key): Path<String>,
) -> Response {
    match sandbox.find(&key, Instant::now()) {
        Some(reception) => answer(reception, &scissors).await,
        None => problem(StatusCode::NOT_FOUND, "no operation has this key"),
    }
}

async fn answer(reception: Reception, scissors: &Scissors) -> Response {
    match reception {
        Reception::Unavailable => problem(StatusCode::SERVICE_UNAVAILABLE, "the provider is down"),
        Reception::Conflict => problem(StatusCode::CONFLICT, "the key was used for another operation"),
        Reception::Processing => (StatusCode::ACCEPTED, Json(Answer::processing())).into_response(),
        Reception::Lost => {
            scissors.cut();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Reception::Answered(answer, at) => {
            if let Some(at) = at {
                sleep_until(at).await;
            }
            Json(answer).into_response()
        }
    }
}

#[derive(Deserialize)]
struct ChargesQuery {
    payment: Option<String>,
}

#[derive(Serialize)]
struct Charges {
    charges: Vec<Charge>,
}

async fn get_charges(State(sandbox): State<Sandbox>, Query(query): Query<ChargesQuery>) -> Json<Charges> {
    Json(Charges { charges: sandbox.charges(query.payment.as_deref()) })
}

async fn get_control(State(sandbox): State<Sandbox>) -> Json<Mode> {
    Json(sandbox.mode())
}

async fn post_control(State(sandbox): State<Sandbox>, Json(mode): Json<Mode>) -> Json<Mode> {
    tracing::info!(?mode, "told to behave");
    sandbox.set_mode(mode);
    Json(mode)
}

fn problem(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}
