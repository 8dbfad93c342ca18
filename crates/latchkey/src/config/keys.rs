//! `[keys]`: who has wrapped the keys that open every stored secret.

use std::path::PathBuf;

use model::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::pasted::{pasted, pasted_or_none};

/// `[keys]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysSection {
    /// A key service; keys lie in the clear if not given.
    pub(crate) transit: Option<TransitSection>,
}

/// `[keys.transit]`: OpenBao, Vault, or whatever else speaks their transit engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransitSection {
    pub(crate) address: Url,
    /// Where the engine is mounted.
    #[serde(default = "transit", deserialize_with = "pasted")]
    pub(crate) mount: String,
    /// The key's name there.
    #[serde(deserialize_with = "pasted")]
    pub(crate) key: String,
    #[serde(default, deserialize_with = "pasted_or_none")]
    pub(crate) namespace: Option<String>,
    #[serde(skip_serializing, default, deserialize_with = "pasted_or_none")]
    pub(crate) token: Option<Secret>,
    /// A file that holds it, in its stead.
    pub(crate) token_file: Option<PathBuf>,
    /// One more certificate authority to trust.
    pub(crate) ca_file: Option<PathBuf>,
}

fn transit() -> String {
    "transit".into()
}
