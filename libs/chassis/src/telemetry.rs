//! Logs to standard error; traces and metrics to a collector over OTLP, when one is named.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::settings::LogFormat;
use crate::{Service, Settings};

/// Keeps telemetry going; sends what is still buffered when dropped.
#[must_use = "telemetry ends when this is dropped"]
pub struct Telemetry(Option<(SdkTracerProvider, SdkMeterProvider)>);

/// Starts logging and, if a collector is named, traces and metrics. Call it once, inside the tokio runtime.
///
/// # Errors
/// The log filter or the collector's address cannot be read.
pub fn init(service: &Service, settings: &Settings) -> anyhow::Result<Telemetry> {
    // The propagator stands whether or not anything is exported, so that a context that came in is passed on.
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporters = match &settings.telemetry.otlp_endpoint {
        Some(endpoint) => Some(
            exporters(endpoint, resource(service, settings))
                .with_context(|| format!("cannot send traces and metrics to {endpoint}"))?,
        ),
        None => None,
    };
    let spans = exporters.as_ref().map(|(tracers, meters)| {
        global::set_meter_provider(meters.clone());
        // The log filter is for logs: who asks for warnings only wants their traces all the same.
        tracing_opentelemetry::layer().with_tracer(tracers.tracer(service.name)).with_filter(LevelFilter::INFO)
    });
    let filter = EnvFilter::try_new(&settings.telemetry.log_filter).context("cannot read the log filter")?;
    let lines = match settings.telemetry.log_format {
        LogFormat::Text => fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
    };
    // Fails only where a subscriber stands already, such as that of a test, which then serves as well.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init();
    Ok(Telemetry(exporters))
}

fn resource(service: &Service, settings: &Settings) -> Resource {
    let replica = settings.replica.clone().unwrap_or_else(|| service.name.to_owned());
    Resource::builder()
        .with_service_name(service.name)
        .with_attribute(KeyValue::new("service.namespace", "tradewind"))
        .with_attribute(KeyValue::new("service.instance.id", replica))
        .build()
}

fn exporters(endpoint: &str, resource: Resource) -> anyhow::Result<(SdkTracerProvider, SdkMeterProvider)> {
    let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let metrics = MetricExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let tracers = SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).with_resource(resource).build();
    Ok((tracers, meters))
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let Some((tracers, meters)) = &self.0 else { return };
        for outcome in [tracers.shutdown(), meters.shutdown()] {
            if let Err(error) = outcome {
                tracing::warn!(%error, "some traces or metrics were not sent");
            }
        }
    }
}
