//! `[callbacks]`: calls to URLs that customers set.

use serde::{Deserialize, Serialize};

/// `[callbacks]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Callbacks {
    /// Private networks that `zak_url` may point into, such as `10.1.0.0/16`.
    pub(crate) allow_networks: Vec<String>,
}
