use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use contracts::event::DESCRIPTOR_SET;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::{Service, ServiceBuilder};

use super::deadline::{self, Timeouts};
use super::{overload, streams, trace, wire};
use crate::Settings;
use crate::auth::{self, Verifier};
use crate::settings::GrpcSettings;

/// A connection that shows no sign of life for that long is asked for one, and closed without.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Room for a token with many scopes, and an end to headers that have none.
const HEADER_BYTES_MAX: u32 = 32 * 1024;

/// Serves gRPC: the services that are added, their health, and reflection.
///
/// Every request passes, in this order: trace, load shedding, deadline, authorisation, limit of its size.
pub struct Server {
    listener: TcpListener,
    local_address: SocketAddr,
    limits: GrpcSettings,
    verifier: Verifier,
    routes: Routes,
    service_names: Vec<&'static str>,
}

impl Server {
    /// Takes the address to listen on. Nothing is answered before [`Server::serve`].
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(settings: &Settings, verifier: Verifier) -> anyhow::Result<Self> {
        let limits = settings.grpc.clone();
        let listener =
            TcpListener::bind(limits.listen).await.with_context(|| format!("cannot listen on {}", limits.listen))?;
        let local_address = listener.local_addr().context("a listening socket has an address")?;
        Ok(Self { listener, local_address, limits, verifier, routes: Routes::default(), service_names: Vec::new() })
    }

    /// Where the server listens.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Adds a generated service, such as `OrdersServiceServer`.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a server is no number")]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<tonic::body::Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.service_names.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }

    /// Serves until `stop`; then says that it is not serving, takes no more connections, ends streams, and returns when the
    /// last request is answered.
    ///
    /// # Errors
    /// The listening socket fails.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let (health, health_service) = tonic_health::server::health_reporter();
        set_health(&health, &self.service_names, ServingStatus::Serving).await;
        let routes = self.routes.add_service(health_service).add_service(reflection(&self.service_names)?);

        let draining = CancellationToken::new();
        let timeouts = Timeouts {
            default: self.limits.request_timeout_default,
            max: self.limits.request_timeout_max,
            streams: streams::Ending::new(draining.clone()),
        };
        let in_flight = Arc::new(Semaphore::new(self.limits.requests_in_flight_max as usize));
        let layers = ServiceBuilder::new()
            .layer(from_fn_with_state(trace::duration_metric(), trace::trace))
            .layer(from_fn_with_state(in_flight, overload::shed))
            .layer(from_fn_with_state(timeouts, deadline::enforce))
            .layer(from_fn_with_state(self.verifier, auth::authorise))
            .layer(from_fn_with_state(self.limits.request_bytes_max, wire::guard));
        let routes = Routes::from(routes.into_axum_router().layer(layers)).prepare();

        tracing::info!(address = %self.local_address, services = ?self.service_names, "serving");
        let stopped = async {
            stop.cancelled().await;
            set_health(&health, &self.service_names, ServingStatus::NotServing).await;
            draining.cancel();
            tracing::info!("no longer serving, requests in flight are finished");
        };
        tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            // More than are worked on at once: the excess is to be turned away, not to wait where nobody sees it.
            .max_concurrent_streams(self.limits.requests_in_flight_max.saturating_mul(2))
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .serve_with_incoming_shutdown(routes, TcpIncoming::from(self.listener).with_nodelay(Some(true)), stopped)
            .await
            .context("the gRPC server failed")
    }
}

/// The empty name stands for the process as a whole.
async fn set_health(health: &HealthReporter, service_names: &[&str], status: ServingStatus) {
    for name in service_names.iter().copied().chain([""]) {
        health.set_service_status(name, status).await;
    }
}

/// Reflection over what this process serves, out of the whole contract.
fn reflection(
    service_names: &[&'static str],
) -> anyhow::Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // So that a tool can show the details of an error.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health")
        .with_service_name("grpc.reflection.v1.ServerReflection");
    for name in service_names {
        builder = builder.with_service_name(*name);
    }
    builder.build_v1().context("the contract's descriptors cannot be read")
}
