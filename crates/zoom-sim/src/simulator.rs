//! Starting and stopping the simulator.

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::authority::Authority;
use crate::entropy::Entropy;
use crate::server::{self, Listening};
use crate::sim::{SharedSim, Sim};
use crate::webhooks::postman;
use crate::webhooks::wire::Wire;
use crate::world::World;
use crate::{control, zoom};

/// Where the simulator listens and keeps its certificate authority.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Port of the simulated Zoom (HTTPS) on 127.0.0.1; 0 takes any free one.
    pub zoom_port: u16,
    /// Port of the control API (plain HTTP) on 127.0.0.1; 0 takes any free one.
    pub control_port: u16,
    /// Directory of `ca.pem` and `ca-key.pem`; made when absent, reused when present.
    pub directory: PathBuf,
    /// Makes ids, codes and secrets repeat from run to run. `None` asks the operating system.
    pub seed: Option<u64>,
}

/// What a client needs to know to use a running simulator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Always true; makes the printed line easy to wait for.
    pub ready: bool,
    /// In place of `https://zoom.us`: `https://127.0.0.1:PORT`.
    pub zoom_base: String,
    /// In place of `https://api.zoom.us`; the same origin here.
    pub api_base: String,
    /// Base of the control API: `http://127.0.0.1:PORT/_sim`.
    pub control: String,
    /// The CA certificate (PEM) that HTTP clients must trust.
    pub ca_file: PathBuf,
    /// `127.0.0.1:PORT`, for Chromium's `--host-resolver-rules=MAP *.zoom.us …`.
    pub zoom_address: String,
    /// Base64 SHA-256 of the CA's public key, for Chromium's
    /// `--ignore-certificate-errors-spki-list`. It covers the leaf, whose chain carries the CA.
    pub spki: String,
}

/// Why the simulator did not start; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be bound.
    #[error(
        "cannot listen on 127.0.0.1:{port} ({source}): choose another port with {flag}, or 0 for any free one"
    )]
    Port {
        /// The port that was asked for.
        port: u16,
        /// The flag that chooses another.
        flag: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The certificate authority cannot be read or written.
    #[error(
        "cannot keep the simulator's certificate authority in {} ({reason}): \
         choose a writable directory, or remove its ca.pem and ca-key.pem", directory.display()
    )]
    Authority {
        /// The directory that was asked for.
        directory: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The client that delivers webhooks cannot be made.
    #[error("cannot set up HTTP for webhooks ({0}): report it")]
    Wire(#[source] reqwest::Error),
    /// A bound listener cannot be served.
    #[error("cannot serve the simulator ({0}): try again")]
    Serve(#[source] io::Error),
}

/// A running simulator.
pub struct Simulator {
    ready: Ready,
    sim: SharedSim,
    listening: [Listening; 2],
}

impl Simulator {
    /// Binds both ports and serves until [`Simulator::stop`].
    ///
    /// Needs a Tokio runtime. Dropping the value instead of stopping it leaves the servers running.
    #[expect(clippy::unused_async, reason = "starting needs a runtime; the signature says so")]
    pub async fn start(config: SimulatorConfig) -> Result<Self, StartError> {
        let (zoom_listener, zoom_port) = bind(config.zoom_port, "--zoom-port")?;
        let (control_listener, control_port) = bind(config.control_port, "--control-port")?;
        let authority = Authority::open(&config.directory).map_err(|error| StartError::Authority {
            directory: config.directory.clone(),
            reason: error.to_string(),
        })?;

        let origin = format!("https://127.0.0.1:{zoom_port}");
        let wire = Wire::new().map_err(StartError::Wire)?;
        let sim = Sim::new(origin.clone(), World::new(Entropy::new(config.seed)), wire);
        let zoom = server::serve_tls(&sim.tasks, zoom_listener, authority.tls, zoom::routes(&sim))
            .map_err(StartError::Serve)?;
        let control = server::serve_plain(&sim.tasks, control_listener, control::routes(&sim))
            .map_err(StartError::Serve)?;
        postman::start(&sim);
        tracing::info!(zoom_port, control_port, "the Zoom simulator listens");

        let ready = Ready {
            ready: true,
            zoom_base: origin.clone(),
            api_base: origin,
            control: format!("http://127.0.0.1:{control_port}/_sim"),
            ca_file: authority.ca_file,
            zoom_address: format!("127.0.0.1:{zoom_port}"),
            spki: authority.spki,
        };
        Ok(Self { ready, sim, listening: [zoom, control] })
    }

    /// How to reach it.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Closes sockets, lets requests in flight finish, and returns when every task has ended.
    pub async fn stop(self) {
        self.sim.stopping.cancel();
        for listening in &self.listening {
            listening.stop();
        }
        self.sim.tasks.close();
        self.sim.tasks.wait().await;
    }
}

fn bind(port: u16, flag: &'static str) -> Result<(TcpListener, u16), StartError> {
    let failed = |source| StartError::Port { port, flag, source };
    let listener = server::bind(port).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?.port();
    Ok((listener, bound))
}
