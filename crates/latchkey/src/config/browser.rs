//! `[browser]`: Chromium and Zoom's SDK.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[browser]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BrowserSection {
    /// Chromium: a path, or a name on `PATH`.
    pub(crate) chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    pub(crate) sdk_dir: PathBuf,
    /// Chromium's own sandbox, which does not work as root. Default: on, unless running as root.
    pub(crate) sandbox: Option<bool>,
}

impl Default for BrowserSection {
    fn default() -> Self {
        Self {
            chromium: "chromium".into(),
            sdk_dir: "web/node_modules/@zoom/meetingsdk/dist".into(),
            sandbox: None,
        }
    }
}
