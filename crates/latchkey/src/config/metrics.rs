//! `[metrics]`: counters for Prometheus.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::bail;
use model::Secret;
use serde::{Deserialize, Serialize};

use super::pasted::{pasted_or_none, secret_in};

/// `[metrics]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// Whether `/metrics` is answered.
    pub(crate) enabled: bool,
    /// Where it is answered, and nothing else is; where the API listens if not given.
    pub(crate) listen: Option<SocketAddr>,
    /// What a scraper has to bring.
    #[serde(skip_serializing, deserialize_with = "pasted_or_none")]
    pub(crate) token: Option<Secret>,
    /// A file that holds it, in its stead.
    pub(crate) token_file: Option<PathBuf>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, listen: None, token: None, token_file: None }
    }
}

impl Metrics {
    /// What a scraper has to bring, if anything.
    pub(crate) fn token(&self) -> anyhow::Result<Option<Secret>> {
        match (&self.token, &self.token_file) {
            (Some(_), Some(_)) => bail!("metrics.token and metrics.token_file are both set: keep one"),
            (Some(token), None) => Ok(Some(token.clone())),
            (None, Some(path)) => secret_in("metrics.token_file", path).map(Some),
            (None, None) => Ok(None),
        }
    }
}
