//! Where carriers tell us what they see: `POST /webhooks/carriers/{carrier}`. A webhook whose signature is right is kept as it came, and
//! answered; what is made of it comes afterwards, so that whatever goes wrong then is not told to the carrier and loses nothing.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chassis::webhook::{Rejected, WebhookKey};
use messaging::EventStore;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::carriers::SANDBOX;
use super::postgres::carrier::store_webhook;

/// More than any scan takes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Takes webhooks in.
#[derive(Clone, Debug)]
pub struct Webhooks {
    store: EventStore,
    key: WebhookKey,
    /// Wakes whoever makes something of them.
    came: Arc<Notify>,
}

impl Webhooks {
    /// Over a store, from a carrier that signs with that key.
    pub fn new(store: EventStore, key: WebhookKey, came: Arc<Notify>) -> Self {
        Self { store, key, came }
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// None in practice; axum leaves the possibility open.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
        let app = Router::new()
            .route("/webhooks/carriers/{carrier}", post(take))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(self);
        axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

async fn take(
    State(webhooks): State<Webhooks>,
    Path(carrier): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if carrier != SANDBOX {
        return (StatusCode::NOT_FOUND, "no such carrier").into_response();
    }
    let now = webhooks.store.now();
    let id = match webhooks.key.verify(&headers, &body, now) {
        Ok(id) => id,
        Err(rejected) => {
            tracing::warn!(carrier, %rejected, "a webhook is not taken");
            let status = match rejected {
                Rejected::Header(_) => StatusCode::BAD_REQUEST,
                Rejected::Stale | Rejected::Signature => StatusCode::UNAUTHORIZED,
            };
            return (status, rejected.to_string()).into_response();
        }
    };
    match store_webhook(webhooks.store.pool(), &carrier, id, &body, now).await {
        Ok(()) => {
            webhooks.came.notify_one();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => {
            tracing::warn!(carrier, %error, "a webhook cannot be kept; the carrier sends it again");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
