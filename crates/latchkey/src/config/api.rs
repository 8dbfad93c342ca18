//! `[api]`: what the API shows.

use serde::{Deserialize, Serialize};
use url::Url;

/// `[api]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    /// Whether Zoom apps are shown with their secrets.
    pub(crate) show_app_secrets: bool,
    /// Origins that browsers may be sent on to after an account was connected.
    pub(crate) return_origins: Vec<Url>,
}
