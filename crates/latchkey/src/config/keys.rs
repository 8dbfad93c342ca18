//! `[keys]`: the service that wraps the keys that open every stored secret.

use std::path::PathBuf;

use model::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::pasted::{pasted, pasted_or_none};

/// `[keys]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysSection {
    /// A key service; without one the keys are stored unwrapped.
    pub(crate) transit: Option<TransitSection>,
}

/// `[keys.transit]`: OpenBao, Vault, or another service with their transit engine's API.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransitSection {
    pub(crate) address: Url,
    /// Mount path of the engine.
    #[serde(default = "transit", deserialize_with = "pasted")]
    pub(crate) mount: String,
    /// Name of the key in the engine.
    #[serde(deserialize_with = "pasted")]
    pub(crate) key: String,
    #[serde(default, deserialize_with = "pasted_or_none")]
    pub(crate) namespace: Option<String>,
    #[serde(skip_serializing, default, deserialize_with = "pasted_or_none")]
    pub(crate) token: Option<Secret>,
    /// A file with the token, instead of `token`.
    pub(crate) token_file: Option<PathBuf>,
    /// An additional certificate authority to trust.
    pub(crate) ca_file: Option<PathBuf>,
}

fn transit() -> String {
    "transit".into()
}
