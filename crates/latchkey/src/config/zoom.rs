//! `[zoom]`: which Zoom.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use anyhow::bail;
use serde::{Deserialize, Serialize};
use url::Url;

use super::pasted::pasted_or_none;

/// Seconds. A refresh's lease lasts twice as long.
const LONGEST_ANSWER: NonZeroU32 = NonZeroU32::new(30).expect("not zero");

/// `[zoom]`: real unless told otherwise.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Zoom {
    /// Consent and token endpoint.
    pub(crate) oauth_base: Url,
    /// REST API.
    pub(crate) api_base: Url,
    /// How many refreshes a second Zoom is asked for, for each app and by all servers. Zoom publishes no limit.
    pub(crate) refreshes_per_second: NonZeroU32,
    /// How long a call of Zoom may take, in seconds.
    pub(crate) answer_seconds: NonZeroU32,
    /// One more certificate authority to trust: the simulator's.
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
    /// How long a call may take.
    pub(crate) fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_seconds.get().into())
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.answer_seconds > LONGEST_ANSWER {
            bail!(
                "zoom.answer_seconds must be {LONGEST_ANSWER} at most: another server takes a refresh over after a minute"
            );
        }
        if self.meeting_address.is_some() != self.meeting_spki.is_some() {
            bail!("zoom.meeting_address and zoom.meeting_spki belong together: set both or none");
        }
        self.check_simulator()
    }

    /// What the simulator is told must stay on this machine, and nothing is played where Zoom itself is spoken to.
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
    fn a_call_ends_before_its_lease_and_a_simulator_has_an_address_and_a_key() {
        let checked = |text: &str| toml::from_str::<Zoom>(text).unwrap().check();
        checked("answer_seconds = 30").unwrap();
        let refused = checked("answer_seconds = 31").unwrap_err().to_string();
        assert!(refused.contains("zoom.answer_seconds must be 30 at most"), "{refused}");
        let half = checked("meeting_address = '127.0.0.1:9443'").unwrap_err().to_string();
        assert!(half.contains("set both or none"), "{half}");
    }
}
