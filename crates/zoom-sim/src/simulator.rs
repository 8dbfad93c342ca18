//! Starting and stopping the simulator.

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::certificate_authority::Authority;
use crate::entropy::Entropy;
use crate::listeners::{self, Listening};
use crate::script::{self, Script, ScriptError};
use crate::state::{SharedSim, Sim};
use crate::webhooks::delivery;
use crate::webhooks::wire::Wire;
use crate::world::World;
use crate::{control, routes};

/// Where the simulator listens and stores its certificate authority.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Port of the simulated Zoom (HTTPS) on 127.0.0.1; 0 chooses a free one.
    pub zoom_port: u16,
    /// Port of the control API (plain HTTP) on 127.0.0.1; 0 chooses a free one.
    pub control_port: u16,
    /// Directory of `ca.pem` and `ca-key.pem`; created if absent, reused if present.
    pub directory: PathBuf,
    /// Makes ids, codes and secrets reproducible. `None` uses the operating system's randomness.
    pub seed: Option<u64>,
}

/// Addresses and trust data that clients of a running simulator need.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Always true, so that a script can wait for the printed line.
    pub ready: bool,
    /// Replaces `https://zoom.us`: `https://127.0.0.1:PORT`, or that name itself under [`Simulator::start_as_zoom`].
    pub zoom_base: String,
    /// Replaces `https://api.zoom.us`; it is the same server.
    pub api_base: String,
    /// Base URL of the control API: `http://127.0.0.1:PORT/_sim`.
    pub control: String,
    /// Path of the CA certificate (PEM) that HTTP clients must trust.
    pub ca_file: PathBuf,
    /// `127.0.0.1:PORT`, for Chromium's `--host-resolver-rules=MAP *.zoom.us …`.
    pub zoom_address: String,
    /// Base64 SHA-256 of the CA's public key, for Chromium's `--ignore-certificate-errors-spki-list`. It covers the leaf
    /// certificate, whose chain contains the CA.
    pub spki: String,
}

/// The meeting in which a script plays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlayedMeeting {
    /// 9 to 11 digits.
    pub meeting_number: String,
    /// The link for participants.
    pub join_url: String,
}

/// Why the simulator did not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port could not be bound.
    #[error("cannot listen on 127.0.0.1:{port} ({source}): {}", advice(*port, flag, source))]
    Port {
        /// The requested port.
        port: u16,
        /// The command-line flag that chooses another port.
        flag: &'static str,
        /// The error from the operating system.
        source: io::Error,
    },
    /// The certificate authority could not be read or written.
    #[error(
        "cannot store the simulator's certificate authority in {} ({reason}): \
         choose a writable directory, or remove its ca.pem and ca-key.pem", directory.display()
    )]
    Authority {
        /// The configured directory.
        directory: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The HTTP client for webhooks could not be created.
    #[error("cannot set up HTTP for webhooks ({0}): report it")]
    Wire(#[source] reqwest::Error),
    /// A bound listener could not be served.
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
    /// Binds both ports and serves requests until [`Simulator::stop`].
    ///
    /// Needs a Tokio runtime. Dropping the value instead of stopping it leaves the servers running.
    #[expect(clippy::unused_async, reason = "starting needs a runtime; the signature says so")]
    pub async fn start(config: SimulatorConfig) -> Result<Self, StartError> {
        Self::start_under(Names::Loopback, &config)
    }

    /// Like [`Simulator::start`], but under Zoom's own host names: for clients that know no others, on a machine that
    /// resolves those names to 127.0.0.1. Such clients expect port 443; with another port, the returned addresses contain
    /// it.
    #[expect(clippy::unused_async, reason = "starting needs a runtime; the signature says so")]
    pub async fn start_as_zoom(config: SimulatorConfig) -> Result<Self, StartError> {
        Self::start_under(Names::Zoom, &config)
    }

    fn start_under(names: Names, config: &SimulatorConfig) -> Result<Self, StartError> {
        let (zoom_listener, zoom_port) = bind(config.zoom_port, "--zoom-port")?;
        let (control_listener, control_port) = bind(config.control_port, "--control-port")?;
        let authority = Authority::open(&config.directory).map_err(|error| StartError::Authority {
            directory: config.directory.clone(),
            reason: error.to_string(),
        })?;

        let (zoom_base, api_base) = names.origins(zoom_port);
        let wire = Wire::new().map_err(StartError::Wire)?;
        let sim = Sim::new(api_base.clone(), World::new(Entropy::new(config.seed)), wire);
        let zoom = listeners::serve_tls(&sim.tasks, zoom_listener, authority.tls, routes::routes(&sim))
            .map_err(StartError::Serve)?;
        let control = listeners::serve_plain(&sim.tasks, control_listener, control::routes(&sim))
            .map_err(StartError::Serve)?;
        delivery::start(&sim);
        tracing::info!(zoom_port, control_port, "the Zoom simulator is listening");

        let ready = Ready {
            ready: true,
            zoom_base,
            api_base,
            control: format!("http://127.0.0.1:{control_port}/_sim"),
            ca_file: authority.ca_file,
            zoom_address: format!("127.0.0.1:{zoom_port}"),
            spki: authority.spki,
        };
        Ok(Self { ready, sim, listening: [zoom, control] })
    }

    /// The simulator's addresses.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Creates the meeting of a script and plays the script. The README shows an example.
    pub fn play(&self, script: &str) -> Result<PlayedMeeting, ScriptError> {
        let playing = script::play(&self.sim, Script::read(script)?, None)?;
        self.sim.happened();
        Ok(PlayedMeeting { meeting_number: playing.meeting_number.0, join_url: playing.join_url })
    }

    /// Closes sockets, lets requests in flight finish, and returns when all tasks have ended.
    pub async fn stop(self) {
        self.sim.stopping.cancel();
        for listening in &self.listening {
            listening.stop();
        }
        self.sim.tasks.close();
        self.sim.tasks.wait().await;
    }
}

/// The host names that clients use.
#[derive(Clone, Copy, Debug)]
enum Names {
    Loopback,
    Zoom,
}

impl Names {
    /// The origins that replace `https://zoom.us` and `https://api.zoom.us`.
    fn origins(self, port: u16) -> (String, String) {
        match (self, port) {
            (Self::Loopback, _) => {
                let origin = format!("https://127.0.0.1:{port}");
                (origin.clone(), origin)
            }
            (Self::Zoom, 443) => ("https://zoom.us".to_owned(), "https://api.zoom.us".to_owned()),
            (Self::Zoom, _) => (format!("https://zoom.us:{port}"), format!("https://api.zoom.us:{port}")),
        }
    }
}

/// Advice for a port that could not be bound.
fn advice(port: u16, flag: &str, source: &io::Error) -> String {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return format!(
            "ports this low need root. Allow them once with \
             `sysctl net.ipv4.ip_unprivileged_port_start={port}`, run this as root, or choose another port with {flag}"
        );
    }
    format!("choose another port with {flag}, or 0 for any free port")
}

fn bind(port: u16, flag: &'static str) -> Result<(TcpListener, u16), StartError> {
    let failed = |source| StartError::Port { port, flag, source };
    let listener = listeners::bind(port).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?.port();
    Ok((listener, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_error_has_its_own_advice() {
        let denied = advice(443, "--zoom-port", &io::ErrorKind::PermissionDenied.into());
        assert!(denied.contains("ip_unprivileged_port_start=443") && denied.contains("--zoom-port"));
        let taken = advice(443, "--zoom-port", &io::ErrorKind::AddrInUse.into());
        assert!(taken.contains("0 for any free port") && !taken.contains("sysctl"));
    }

    #[test]
    fn zooms_own_names_contain_a_port_only_when_necessary() {
        let zoom = |port| Names::Zoom.origins(port).1;
        assert_eq!([zoom(443), zoom(8443)], ["https://api.zoom.us", "https://api.zoom.us:8443"]);
        assert_eq!(
            Names::Loopback.origins(1),
            ("https://127.0.0.1:1".to_owned(), "https://127.0.0.1:1".to_owned())
        );
    }
}
