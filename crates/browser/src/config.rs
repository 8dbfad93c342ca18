//! What a browser is started with, and whether all of it is there.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::BrowserError;

/// The one version of `@zoom/meetingsdk` whose behaviour is known.
pub const SDK_VERSION: &str = "6.2.0";

/// Where a browser's parts are.
#[derive(Debug, Clone)]
pub struct BrowserConfig {
    /// The program: a path, or a name to be found on `PATH`.
    pub chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    pub sdk_dir: PathBuf,
    /// Profiles live in here, one per browser, and are removed when it closes. May be shared by many browsers.
    pub state_dir: PathBuf,
    /// Another Zoom: the simulator.
    pub zoom_override: Option<ZoomOverride>,
    /// Chromium's own sandbox. It refuses to run as root.
    pub sandbox: bool,
    /// A browser, or a bot's page, that has answered nothing for so long is taken for gone.
    pub answer_within: Duration,
}

/// Sends everything meant for Zoom elsewhere, and everything else nowhere.
#[derive(Debug, Clone)]
pub struct ZoomOverride {
    /// `zoom.us` and `*.zoom.us` are mapped to this address; of all others only loopback can be reached.
    pub address: SocketAddr,
    /// The one key that is trusted without a certificate authority: SHA-256 of its SPKI, in base64.
    pub spki: String,
}

impl BrowserConfig {
    /// Whether Chromium's own sandbox can be used: it refuses to run as root.
    pub fn sandbox_works() -> bool {
        !rustix::process::geteuid().is_root()
    }

    /// The program to start.
    pub(crate) fn find_chromium(&self) -> Result<PathBuf, BrowserError> {
        let missing = || BrowserError::NoChromium { path: self.chromium.clone() };
        if self.chromium.components().count() > 1 {
            return if self.chromium.is_file() { Ok(self.chromium.clone()) } else { Err(missing()) };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .map(|folder| folder.join(&self.chromium))
            .find(|file| file.is_file())
            .ok_or_else(missing)
    }

    /// Whether the SDK is the one that is known.
    pub(crate) fn check_sdk(&self) -> Result<(), BrowserError> {
        #[derive(Deserialize)]
        struct Package {
            version: String,
        }

        let missing = || BrowserError::NoSdk { path: self.sdk_dir.clone() };
        // As npm lays it out: the package's description lies beside `dist`.
        let description = self.sdk_dir.parent().unwrap_or(Path::new(".")).join("package.json");
        let text = std::fs::read(description).map_err(|_| missing())?;
        let package: Package = serde_json::from_slice(&text).map_err(|_| missing())?;
        if !self.sdk_dir.is_dir() {
            return Err(missing());
        }
        if package.version != SDK_VERSION {
            return Err(BrowserError::SdkVersion { path: self.sdk_dir.clone(), found: package.version });
        }
        Ok(())
    }
}
