//! Spans to an OpenTelemetry collector, over OTLP with HTTP. Address, protocol, headers and timeout are the standard
//! `OTEL_EXPORTER_OTLP_*` variables; the service's name is `OTEL_SERVICE_NAME`, or `latchkey`.

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer, registry::LookupSpan};

/// The default of `LATCHKEY_SPANS`: our own spans. Those of the HTTP client and the exporter would only describe the export
/// itself.
const EXPORTED: &str = "debug,h2=off,hyper=off,hyper_util=off,opentelemetry=off,opentelemetry_sdk=off,opentelemetry_otlp=off,reqwest=off,rustls=off,sqlx=off,tower=off";

/// A thread that sends finished spans in batches.
pub(super) struct SpanExport {
    provider: SdkTracerProvider,
    filter: EnvFilter,
}

impl SpanExport {
    pub(super) fn start() -> anyhow::Result<Self> {
        let named = std::env::var("LATCHKEY_SPANS");
        let filter = EnvFilter::try_new(named.as_deref().unwrap_or(EXPORTED))
            .context("LATCHKEY_SPANS is not a filter such as info,bots=debug")?;
        let exporter =
            SpanExporter::builder().with_http().build().context("cannot set up the OTLP exporter")?;
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("latchkey");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self { provider, filter })
    }

    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("latchkey"))
            .with_filter(self.filter.clone())
    }

    /// Waits until the remaining spans are sent, for at most five seconds.
    pub(super) fn stop(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(error = %model::chain(&error), "could not send the last spans to the collector");
        }
    }
}
