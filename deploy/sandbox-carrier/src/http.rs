//! The HTTP API of the carrier. What the answers are, the book decides.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use crate::book::{Carrier, LabelRequest, Refusal};

/// Serves the carrier until it is dropped.
///
/// # Errors
/// None in practice; axum leaves the possibility open.
pub async fn serve(listener: TcpListener, carrier: Carrier) -> std::io::Result<()> {
    let app = Router::new()
        .route("/v1/labels", post(post_label).get(get_labels))
        .route("/v1/parcels/{tracking_number}/handover", post(post_handover))
        .route("/v1/parcels/{tracking_number}", get(get_parcel))
        .route("/health", get(|| async { "up" }))
        .with_state(carrier);
    axum::serve(listener, app).await
}

async fn post_label(State(carrier): State<Carrier>, Json(request): Json<LabelRequest>) -> Response {
    tracing::info!(key = request.key, "a label is asked for");
    answer(carrier.label(request).map(Json))
}

async fn get_labels(State(carrier): State<Carrier>) -> Response {
    Json(json!({ "labels": carrier.labels() })).into_response()
}

async fn post_handover(State(carrier): State<Carrier>, Path(tracking_number): Path<String>) -> Response {
    answer(carrier.hand_over(&tracking_number).map(|()| StatusCode::NO_CONTENT))
}

async fn get_parcel(State(carrier): State<Carrier>, Path(tracking_number): Path<String>) -> Response {
    answer(carrier.parcel(&tracking_number).map(Json))
}

fn answer(result: Result<impl IntoResponse, Refusal>) -> Response {
    match result {
        Ok(body) => body.into_response(),
        Err(Refusal::Invalid(what)) => problem(StatusCode::BAD_REQUEST, &what),
        Err(Refusal::Conflict) => problem(StatusCode::CONFLICT, "the key was used for another label"),
        Err(Refusal::Unknown) => problem(StatusCode::NOT_FOUND, "no label has this number"),
        Err(Refusal::Storage(error)) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot remember it: {error}"))
        }
    }
}

fn problem(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}
