//! The configuration of a browser, and a check that its parts are installed.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::BrowserError;

/// The supported version of `@zoom/meetingsdk`. Other versions may behave differently.
pub const SDK_VERSION: &str = "6.2.0";

/// The configuration of a browser.
#[derive(Debug, Clone)]
pub struct BrowserConfig {
    /// The Chromium program: a path, or a name that is searched in `PATH`.
    pub chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    pub sdk_dir: PathBuf,
    /// The folder of the profiles. There is one profile for each browser, and it is deleted when its browser closes. Several
    /// browsers may share the folder.
    pub state_dir: PathBuf,
    /// Replaces Zoom with the simulator.
    pub zoom_override: Option<ZoomOverride>,
    /// Whether Chromium's own sandbox is used. It does not work as root.
    pub sandbox: bool,
    /// How long a browser or a bot's page may be unresponsive before it counts as dead.
    pub answer_within: Duration,
}

/// Sends all requests for Zoom to another address, and blocks all others.
#[derive(Debug, Clone)]
pub struct ZoomOverride {
    /// `zoom.us` and `*.zoom.us` resolve to this address. Of all other hosts, only loopback can be reached.
    pub address: SocketAddr,
    /// The only certificate key that is trusted without an authority: the SHA-256 of its SPKI, in base64.
    pub spki: String,
}

impl BrowserConfig {
    /// Whether Chromium's sandbox can be used. It does not work as root.
    pub fn sandbox_works() -> bool {
        !rustix::process::geteuid().is_root()
    }

    /// Finds the program to start.
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
        // npm puts the package's `package.json` next to `dist`.
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
