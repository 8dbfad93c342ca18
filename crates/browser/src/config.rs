//! The configuration of a browser, and a check that its parts are installed.

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
    /// The program: a path, or a name that is searched on `PATH`.
    pub chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    pub sdk_dir: PathBuf,
    /// The folder of the profiles, one per browser, each deleted when its browser closes. Several browsers
    /// may share it.
    pub state_dir: PathBuf,
    /// Replaces Zoom by the simulator.
    pub zoom_override: Option<ZoomOverride>,
    /// Whether Chromium's own sandbox is used. It can't run as root.
    pub sandbox: bool,
    /// How long a browser or a bot's page may be silent before it counts as dead.
    pub answer_within: Duration,
}

/// Sends all requests for Zoom to another address, and blocks all others.
#[derive(Debug, Clone)]
pub struct ZoomOverride {
    /// `zoom.us` and `*.zoom.us` resolve to this address; of other hosts only loopback can be reached.
    pub address: SocketAddr,
    /// The one certificate key that is trusted without an authority: SHA-256 of its SPKI, in base64.
    pub spki: String,
}

impl BrowserConfig {
    /// Whether Chromium's sandbox can be used: it can't run as root.
    pub fn sandbox_works() -> bool {
        !rustix::process::geteuid().is_root()
    }

    /// The program to start.
    pub fn find_chromium(&self) -> Result<PathBuf, BrowserError> {
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

    /// Checks that the installed SDK is the supported version.
    pub fn check_sdk(&self) -> Result<(), BrowserError> {
        #[derive(Deserialize)]
        struct Package {
            version: String,
        }

        let missing = || BrowserError::NoSdk { path: self.sdk_dir.clone() };
        // npm puts the package's description beside `dist`.
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
