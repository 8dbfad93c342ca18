//! `[connections]`: limits for connections and unauthenticated callers.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use ::api::{Bounds, WorkspaceQuotas};
use serde::{Deserialize, Serialize};

use super::networks;

/// `[connections]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Connections {
    /// Most connections at once.
    pub(crate) most: NonZeroUsize,
    /// Most connections at once from one address.
    pub(crate) most_of_an_address: NonZeroUsize,
    /// Most requests of one workspace in progress at once.
    pub(crate) most_of_a_workspace: NonZeroUsize,
    /// Networks of reverse proxies; the limit per address does not apply to them.
    pub(crate) proxies: Vec<String>,
    /// Timeout for the head of a request, once it has begun.
    pub(crate) head_seconds: NonZeroU32,
    /// Timeout for the body.
    pub(crate) body_seconds: NonZeroU32,
    /// Idle timeout between an answer and the next request.
    pub(crate) idle_seconds: NonZeroU32,
    /// Memory for request bodies, in MiB.
    pub(crate) bodies_mib: NonZeroUsize,
    /// Timeout for requests in progress when the server stops.
    pub(crate) finish_seconds: NonZeroU32,
}

const MIB: usize = 1024 * 1024;

impl Default for Connections {
    fn default() -> Self {
        let Bounds {
            connections,
            of_an_address,
            of_a_workspace,
            proxies,
            head_within,
            body_within,
            idle,
            bodies,
            held: _,
        } = Bounds::default();
        let count = |count| NonZeroUsize::new(count).expect("not zero");
        let seconds = |span: Duration| {
            NonZeroU32::new(span.as_secs().try_into().expect("a short time")).expect("not zero")
        };
        Self {
            most: count(connections),
            most_of_an_address: count(of_an_address),
            most_of_a_workspace: count(of_a_workspace),
            proxies: proxies.iter().map(ToString::to_string).collect(),
            head_seconds: seconds(head_within),
            body_seconds: seconds(body_within),
            idle_seconds: seconds(idle),
            bodies_mib: count(bodies / MIB),
            finish_seconds: NonZeroU32::new(5).expect("not zero"),
        }
    }
}

impl Connections {
    /// The limits, with at most `possible` connections.
    pub(crate) fn bounds(&self, possible: usize) -> anyhow::Result<Bounds> {
        let seconds = |seconds: NonZeroU32| Duration::from_secs(seconds.get().into());
        Ok(Bounds {
            connections: self.most.get().min(possible),
            of_an_address: self.most_of_an_address.get(),
            of_a_workspace: self.most_of_a_workspace.get(),
            proxies: networks("connections.proxies", &self.proxies)?,
            head_within: seconds(self.head_seconds),
            body_within: seconds(self.body_seconds),
            idle: seconds(self.idle_seconds),
            bodies: self.bodies_mib.get().saturating_mul(MIB),
            held: WorkspaceQuotas::default(),
        })
    }

    /// Timeout for requests in progress when the server stops.
    pub(crate) fn finish_within(&self) -> Duration {
        Duration::from_secs(self.finish_seconds.get().into())
    }
}
