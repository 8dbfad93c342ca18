//! `latchkey serve`: token broker, bots and API in one process.

use std::{convert::Infallible, future::pending, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::anyhow;
use futures_util::FutureExt as _;
use model::{Clock, Environment, chain};
use sd_notify::NotifyState;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use workers::Workers;

use crate::{
    config::{Bots, Config, OnStop},
    descriptors,
    server::Server,
    startup_warnings,
    stop_signal::{StopArguments, StopSignal},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on, instead of the configuration's `listen`.
    #[arg(long, env = "LATCHKEY_LISTEN")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    stop: StopArguments,
}

/// The listening sockets.
struct Listeners {
    api: TcpListener,
    /// For the metrics, if they have an address of their own.
    metrics: Option<TcpListener>,
}

/// Runs until told to stop. Prints one line of JSON when ready; for an empty store it contains the first API key.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut config = Config::read(arguments.config.as_deref())?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    let env = Environment::system();
    let most = descriptors::for_connections(config.connections.most.get())?;
    let bounds = config.connections.bounds(most)?;

    // The port comes first: a second server on the same data must fail before it touches the data.
    let listeners = Listeners::bind(&config).await?;
    let public_base = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{}", listeners.api.local_addr()?))?,
    };
    let metrics_access = api::MetricsAccess {
        enabled: config.metrics.enabled && listeners.metrics.is_none(),
        token: config.metrics.token()?,
    };
    let server = Server::start(&config, public_base.clone(), (bounds, metrics_access), env).await?;

    startup_warnings::say(&config, server.chromium.is_some());
    let stop = StopSignal::listen(arguments.stop)?;
    println!("{}", ready(&server, &public_base, &listeners)?);
    tell_systemd(NotifyState::Ready);
    if server.first.is_some() {
        eprintln!("latchkey: this is a new installation; the API key above is shown only this once");
        eprintln!(
            "latchkey: the link `console` above opens the console in a browser; it works once, within 15 minutes"
        );
    }
    serve(server, listeners, stop, &config).await;
    Ok(())
}

impl Listeners {
    async fn bind(config: &Config) -> anyhow::Result<Self> {
        let bind = async |listen: SocketAddr, setting: &str| {
            TcpListener::bind(listen).await.map_err(|error| {
                anyhow!(
                    "cannot listen on {listen} ({error}): stop the program that uses it, or set `{setting}`"
                )
            })
        };
        let api = bind(config.listen, "listen").await?;
        let metrics = match config.metrics.listen.filter(|_| config.metrics.enabled) {
            Some(listen) => Some(bind(listen, "metrics.listen").await?),
            None => None,
        };
        Ok(Self { api, metrics })
    }
}

/// The ready line, with the secrets that are shown only once.
fn ready(server: &Server, public_base: &Url, listeners: &Listeners) -> anyhow::Result<Value> {
    let url = public_base.as_str().trim_end_matches('/');
    let mut ready = json!({ "ready": true, "url": url, "chromium": server.chromium });
    if let Some(first) = &server.first {
        ready["api_key"] = first.api_key.expose().into();
        if let Some(console) = &first.console {
            ready["console"] = console.expose().into();
        }
    }
    if let Some(metrics) = &listeners.metrics {
        ready["metrics"] = format!("http://{}/metrics", metrics.local_addr()?).into();
    }
    Ok(ready)
}

/// Serves requests until told to stop, and then stops everything.
async fn serve(server: Server, listeners: Listeners, stop: StopSignal, config: &Config) {
    let (clock, stopping) = (Arc::clone(&server.api.env.clock), CancellationToken::new());
    let serving_metrics = serve_metrics(listeners.metrics, server.api.clone(), &server.workers);
    let handler = api::Server::new(server.api.clone(), server.pages.clone());
    let serving = api::serve(listeners.api, handler, &server.workers, async {
        // Token links and the API still work meanwhile.
        let supervisor = &server.supervisor;
        bring_out_bots(stop, supervisor.finish(), supervisor.stop(), &config.bots, &*clock).await;
        server.webhooks.end_streams();
        stopping.cancel();
    });
    let finish_within = config.connections.finish_within();
    tokio::select! {
        () = serving => {}
        () = stopping.cancelled().then(|()| clock.sleep(finish_within)) => {}
        never = serving_metrics => match never {},
    }
    server.stop().await;
}

/// Notifies systemd of the service's state. Does nothing without systemd.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(error = %chain(&error), "could not notify systemd");
    }
}

/// Serves metrics on their own address, if one is configured.
async fn serve_metrics(listener: Option<TcpListener>, state: api::State, workers: &Workers) -> Infallible {
    if let Some(listener) = listener {
        let metrics = api::MetricsAccess { enabled: true, ..state.metrics.clone() };
        let server = api::Server::metrics_only(api::State { metrics, ..state });
        api::serve(listener, server, workers, pending()).await;
    }
    pending().await
}

/// Waits for the signal to stop, and then until no bot runs here. A second signal hands over bots that would otherwise
/// finish; if bots are already being handed over, it has no effect. The next signal ends the process at once.
async fn bring_out_bots(
    mut stop: StopSignal,
    finish: impl Future<Output = ()>,
    hand_over: impl Future<Output = ()>,
    config: &Bots,
    clock: &dyn Clock,
) {
    stop.first().await;
    tell_systemd(NotifyState::Stopping);
    let mut signals = 1;
    if config.on_stop == OnStop::Finish {
        tracing::info!(
            "accepting no new bots; waiting for running bots to finish; a second signal hands them over"
        );
        tokio::select! {
            () = finish => {}
            () = stop.signalled() => signals += 1,
            () = clock.sleep(Duration::from_secs(config.stop_within.into())) => {}
        }
    }
    stop.while_handing_over(signals, hand_over).await;
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending, pin::pin};

    use futures_util::poll;
    use model::ManualClock;

    use super::*;
    use crate::stop_signal::tests::with_signals;

    /// Bots that do not finish are handed over after the timeout, or at the second signal.
    #[test]
    fn bots_that_do_not_finish_are_handed_over() {
        let config = Bots { on_stop: OnStop::Finish, stop_within: 60, ..Bots::default() };
        for by_signal in [false, true] {
            with_signals(async |sender| {
                let clock = ManualClock::new("2026-11-30T12:00:00Z".parse().unwrap());
                let handed_over = Cell::new(false);
                let hand_over = async { handed_over.set(true) };
                let stop = StopSignal::listen(StopArguments::default()).unwrap();
                let mut over = pin!(bring_out_bots(stop, pending(), hand_over, &config, &clock));
                sender.terminate().await;
                assert!(poll!(&mut over).is_pending());
                clock.advance(Duration::from_secs(59));
                for _ in 0..10 {
                    assert!(poll!(&mut over).is_pending() && !handed_over.get());
                    tokio::task::yield_now().await;
                }
                if by_signal {
                    sender.terminate().await;
                } else {
                    clock.advance(Duration::from_secs(1));
                }
                over.await;
                assert!(handed_over.get());
            });
        }
    }
}
