//! Logs on stderr; with the cargo feature `otlp`, spans to an OpenTelemetry collector as well.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[cfg(feature = "otlp")]
use self::otlp::SpanExport;

#[cfg(feature = "otlp")]
mod otlp;

/// The variables by which a collector is named, as OpenTelemetry defines them; the first that is set counts.
const COLLECTOR_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What is left to do when the process ends.
#[must_use = "spans that were not sent yet are lost"]
pub(crate) struct Observability {
    #[cfg(feature = "otlp")]
    spans: Option<SpanExport>,
}

/// Starts logging with this filter, and the export of spans if a collector is named.
///
/// # Errors
///
/// The filter cannot be read, or the export cannot be started.
pub(crate) fn start(filter: &str) -> anyhow::Result<Observability> {
    let filter = EnvFilter::try_new(filter).context("--log is not a filter such as info,bots=debug")?;
    // On stderr: stdout belongs to what other programs read.
    let logs = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_filter(filter);
    let registry = tracing_subscriber::registry().with(logs);
    let collector = COLLECTOR_VARIABLES
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));

    #[cfg(feature = "otlp")]
    {
        let spans = collector.map(|_| SpanExport::start()).transpose()?;
        registry.with(spans.as_ref().map(SpanExport::layer)).init();
        Ok(Observability { spans })
    }
    #[cfg(not(feature = "otlp"))]
    {
        registry.init();
        if let Some(name) = collector {
            tracing::warn!("{name} has no effect: this binary was built without the cargo feature `otlp`");
        }
        Ok(Observability {})
    }
}

impl Observability {
    /// Sends the spans that were not sent yet.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(clippy::unused_self, reason = "there are spans with the feature alone")
    )]
    pub(crate) fn stop(self) {
        #[cfg(feature = "otlp")]
        if let Some(spans) = self.spans {
            spans.stop();
        }
    }
}
