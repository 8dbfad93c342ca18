//! `[api]`: what the API shows.

use serde::{Deserialize, Serialize};
use url::Url;

/// `[api]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    /// Whether the API shows the secrets of Zoom apps.
    pub(crate) show_app_secrets: bool,
    /// Origins to which browsers may be redirected after an account was connected.
    pub(crate) return_origins: Vec<Url>,
}
