//! How many endpoints of each host are told at the moment, so that a host that hangs keeps a part of the places, and no more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::Secret;
use url::Url;

/// Endpoints of one host that are told at once: when there are so many, no more are claimed. What is claimed in one go may be
/// as many again.
pub(crate) const MAX_OF_A_HOST: u32 = 16;

/// The lane of an address: a digest of its host, so that the host itself is not shown. All mail has one lane: it goes to one
/// server.
pub(crate) fn lane_of(url: &Secret) -> String {
    if url.expose().starts_with("mailto:") {
        return "mail".to_owned();
    }
    let url = Url::parse(url.expose()).ok();
    let host = url.and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default())));
    let Some((host, port)) = host else { return String::new() };
    let digest = tenants::digest(&format!("{host}:{}", port.unwrap_or(0)));
    u64::from_le_bytes(digest[..8].try_into().expect("a digest is longer")).to_string()
}

/// Endpoints that are told, by lane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lanes(Arc<Mutex<HashMap<String, u32>>>);

/// One of them, for as long as it lives.
#[derive(Debug)]
pub(crate) struct LanePlace {
    lanes: Lanes,
    lane: String,
}

impl Lanes {
    fn locked(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those with enough.
    pub(crate) fn full(&self) -> Vec<String> {
        let lanes = self.locked();
        let full = lanes.iter().filter(|(lane, count)| !lane.is_empty() && **count >= MAX_OF_A_HOST);
        full.map(|(lane, _)| lane.clone()).collect()
    }

    /// Takes a place in a lane.
    pub(crate) fn enter(&self, lane: &str) -> LanePlace {
        *self.locked().entry(lane.to_owned()).or_default() += 1;
        LanePlace { lanes: self.clone(), lane: lane.to_owned() }
    }
}

impl Drop for LanePlace {
    fn drop(&mut self) {
        let mut lanes = self.lanes.locked();
        if let Some(count) = lanes.get_mut(&self.lane) {
            *count -= 1;
            if *count == 0 {
                lanes.remove(&self.lane);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_a_host_with_its_port() {
        let lane = |url: &str| lane_of(&Secret::new(url));
        assert_eq!(lane("https://a.test/one?x=1"), lane("https://A.test:443/two"));
        assert_ne!(lane("https://a.test/"), lane("https://b.test/"));
        assert_ne!(lane("http://a.test:1/"), lane("http://a.test:2/"));
        assert_eq!(lane("mailto:ops@a.test"), lane("mailto:ada@b.test"));
        assert_eq!(lane("nonsense"), "");
    }

    #[test]
    fn a_lane_is_full_until_a_call_ends() {
        let lanes = Lanes::default();
        let mut places: Vec<_> = (0..MAX_OF_A_HOST).map(|_| lanes.enter("a")).collect();
        let others: Vec<_> = (0..99).map(|_| lanes.enter("")).collect();
        assert_eq!(lanes.full(), ["a"]);
        drop(others);
        places.pop();
        assert!(lanes.full().is_empty());
        places.clear();
        assert!(lanes.locked().is_empty());
    }
}
