//! Logs on stderr. With the cargo feature `otlp`, spans are also sent to an OpenTelemetry collector.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[cfg(feature = "otlp")]
use self::otlp::SpanExport;

#[cfg(feature = "otlp")]
mod otlp;

/// OpenTelemetry's variables for the address of a collector; the first one that is set counts.
const COLLECTOR_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Must be stopped when the process ends.
#[must_use = "unsent spans are lost"]
pub(crate) struct Observability {
    #[cfg(feature = "otlp")]
    spans: Option<SpanExport>,
}

/// Starts logging with this filter, and the export of spans if a collector is configured.
///
/// # Errors
///
/// If the filter is invalid, or the export cannot be started.
pub(crate) fn start(filter: &str) -> anyhow::Result<Observability> {
    let filter = EnvFilter::try_new(filter).context("--log is not a filter such as info,bots=debug")?;
    // Logs go to stderr: stdout is for machine-readable output.
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
    /// Sends the unsent spans.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(clippy::unused_self, reason = "spans exist only with the feature")
    )]
    pub(crate) fn stop(self) {
        #[cfg(feature = "otlp")]
        if let Some(spans) = self.spans {
            spans.stop();
        }
    }
}
