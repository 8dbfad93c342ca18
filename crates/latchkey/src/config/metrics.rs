//! `[metrics]`: metrics for Prometheus.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::bail;
use model::Secret;
use serde::{Deserialize, Serialize};

use super::pasted::{pasted_or_none, secret_in};

/// `[metrics]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// Whether `/metrics` is served.
    pub(crate) enabled: bool,
    /// A separate address that serves only `/metrics`; the API's address if not set.
    pub(crate) listen: Option<SocketAddr>,
    /// Bearer token that a scraper must send.
    #[serde(skip_serializing, deserialize_with = "pasted_or_none")]
    pub(crate) token: Option<Secret>,
    /// A file with the token, instead of `token`.
    pub(crate) token_file: Option<PathBuf>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, listen: None, token: None, token_file: None }
    }
}

impl Metrics {
    /// The token that a scraper must send, if one is configured.
    pub(crate) fn token(&self) -> anyhow::Result<Option<Secret>> {
        match (&self.token, &self.token_file) {
            (Some(_), Some(_)) => bail!("metrics.token and metrics.token_file are both set: remove one"),
            (Some(token), None) => Ok(Some(token.clone())),
            (None, Some(path)) => secret_in("metrics.token_file", path).map(Some),
            (None, None) => Ok(None),
        }
    }
}
