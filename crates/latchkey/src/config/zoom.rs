//! `[zoom]`: Zoom's addresses.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use anyhow::bail;
use serde::{Deserialize, Serialize};
use url::Url;

use super::pasted::pasted_or_none;

/// Longest `answer_seconds`. A refresh's lease lasts twice as long.
const MAX_ANSWER: NonZeroU32 = NonZeroU32::new(30).expect("not zero");

/// `[zoom]`: the real Zoom by default.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Zoom {
    /// Base URL of consent and token endpoint.
    pub(crate) oauth_base: Url,
    /// Base URL of the REST API.
    pub(crate) api_base: Url,
    /// Most refreshes per second, per app and for all servers together. Zoom publishes no limit.
    pub(crate) refreshes_per_second: NonZeroU32,
    /// Timeout of a call to Zoom, in seconds.
    pub(crate) answer_seconds: NonZeroU32,
    /// An additional certificate authority to trust: the simulator's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Send bots to this address instead of zoom.us: the simulator's.
    pub(crate) meeting_address: Option<SocketAddr>,
    /// The key that bots trust at `meeting_address`: SHA-256 of its SPKI, Base64.
    #[serde(deserialize_with = "pasted_or_none")]
    pub(crate) meeting_spki: Option<String>,
    /// The simulator's control API, on this machine: the console offers *Try it*.
    pub(crate) simulator_control: Option<Url>,
}

impl Default for Zoom {
    fn default() -> Self {
        let url = |text: &str| text.parse().expect("a literal");
        Self {
            oauth_base: url("https://zoom.us"),
            api_base: url("https://api.zoom.us"),
            refreshes_per_second: NonZeroU32::new(10).expect("not zero"),
            answer_seconds: NonZeroU32::new(15).expect("not zero"),
            ca_file: None,
            meeting_address: None,
            meeting_spki: None,
            simulator_control: None,
        }
    }
}

impl Zoom {
    /// Timeout of a call to Zoom.
    pub(crate) fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_seconds.get().into())
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.answer_seconds > MAX_ANSWER {
            bail!(
                "zoom.answer_seconds must be at most {MAX_ANSWER}: another server takes over a refresh after a minute"
            );
        }
        if self.meeting_address.is_some() != self.meeting_spki.is_some() {
            bail!("set both zoom.meeting_address and zoom.meeting_spki, or neither");
        }
        self.check_simulator()
    }

    /// Calls to the simulator must stay on this machine, and scripts must not be played when the server calls the real Zoom.
    fn check_simulator(&self) -> anyhow::Result<()> {
        let Some(control) = &self.simulator_control else { return Ok(()) };
        let is_here = match control.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        if control.scheme() != "http" || !is_here {
            bail!(
                "zoom.simulator_control must be http:// and an address of this machine, as `latchkey sim` prints it"
            );
        }
        if self.ca_file.is_none() {
            bail!(
                "zoom.simulator_control needs zoom.ca_file, the simulator's: `latchkey sim --write-config` writes both"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Zoom;

    #[test]
    fn calls_end_before_the_lease_and_simulator_settings_are_complete() {
        let checked = |text: &str| toml::from_str::<Zoom>(text).unwrap().check();
        checked("answer_seconds = 30").unwrap();
        let refused = checked("answer_seconds = 31").unwrap_err().to_string();
        assert!(refused.contains("zoom.answer_seconds must be at most 30"), "{refused}");
        let half = checked("meeting_address = '127.0.0.1:9443'").unwrap_err().to_string();
        assert!(half.contains("or neither"), "{half}");
    }
}
