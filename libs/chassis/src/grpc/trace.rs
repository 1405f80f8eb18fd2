use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use contracts::access;
use http::HeaderMap;
use opentelemetry::metrics::Histogram;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::{KeyValue, global};
use tonic::Code;
use tracing::{Instrument as _, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The metric of how long requests take.
pub(super) fn duration_metric() -> Histogram<f64> {
    global::meter("chassis")
        .f64_histogram("rpc.server.call.duration")
        .with_unit("s")
        .with_description("Time from a request to its answer, or to the start of a streamed one")
        .build()
}

/// Puts a request into a span that goes on in the caller's trace, and measures it.
pub(super) async fn trace(State(duration): State<Histogram<f64>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    // Anyone can make up paths; a metric with a series for each would never stop growing.
    let method = access::rule(request.uri().path()).map_or("other", |rule| rule.path.trim_start_matches('/'));
    let span = tracing::info_span!(
        "rpc",
        otel.name = method,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = field::Empty
    );
    let parent = global::get_text_map_propagator(|propagator| propagator.extract(&Headers(request.headers())));
    // Fails only when no tracer is installed; then there is nothing to go on in.
    let _ = span.set_parent(parent);

    let response = next.run(request).instrument(span.clone()).await;

    let code = response.headers().get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
    let elapsed = started.elapsed();
    span.record("rpc.response.status_code", field::debug(code));
    tracing::debug!(parent: &span, elapsed_us = elapsed.as_micros() as u64, ?code, "answered");
    let labels = [KeyValue::new("rpc.method", method), KeyValue::new("rpc.response.status_code", format!("{code:?}"))];
    duration.record(elapsed.as_secs_f64(), &labels);
    response
}

/// Writes the current span's trace context into the headers of a request to another service.
pub(super) fn inject(headers: &mut HeaderMap) {
    let context = tracing::Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut HeadersMut(headers)));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(key), http::HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
