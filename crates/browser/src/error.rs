//! Errors of browsers and pages. Each message is one line that says what to do.

use std::{error::Error, io, path::PathBuf, time::Duration};

use crate::SDK_VERSION;

/// The failure of a browser, a page or a call. Never contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is no Chromium to start.
    #[error("no Chromium at {}: install Debian's `chromium` package, or set browser.chromium", path.display())]
    NoChromium {
        /// The path that was searched.
        path: PathBuf,
    },
    /// Zoom's SDK is not installed.
    #[error("no Zoom Meeting SDK at {}: run `npm ci` in web/, or set browser.sdk_dir", path.display())]
    NoSdk {
        /// The path that was searched.
        path: PathBuf,
    },
    /// The installed SDK has another version than the supported one.
    #[error("Zoom Meeting SDK {found} at {}, but Latchkey supports {SDK_VERSION}: run `npm ci` in web/", path.display())]
    SdkVersion {
        /// The path of the SDK.
        path: PathBuf,
        /// The version in its `package.json`.
        found: String,
    },
    /// The profile of a browser can't be written.
    #[error("cannot use {} for browser profiles ({source}): make it writable, or set browser.state_dir", path.display())]
    StateDir {
        /// `BrowserConfig::state_dir`.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Chromium did not start, or ended before its first response: the system's error, or Chromium's last output.
    #[error("Chromium did not start: {0}")]
    Launch(#[source] Box<dyn Error + Send + Sync>),
    /// There was no response in time.
    #[error("no response to {what} within {} s: the machine is overloaded or Chromium hangs; try again", span.as_secs())]
    Timeout {
        /// The call that timed out.
        what: &'static str,
        /// The time limit.
        span: Duration,
    },
    /// The page loaded, but the SDK in it did not start.
    #[error("Zoom's SDK did not start in its page ({message}): run `npm ci` in web/ and try again")]
    Sdk {
        /// The error that the page reported.
        message: String,
    },
    /// No element of a [`PlainPage`](crate::PlainPage) matches the selector.
    #[error("no element in the page matches {selector}: see its screenshot")]
    NoElement {
        /// The CSS selector.
        selector: String,
    },
    /// The page crashed or was closed.
    #[error("the page is gone: open another one")]
    PageGone,
    /// Chromium ended.
    #[error("the browser is gone: launch another one")]
    BrowserGone,
    /// Chromium refused a command, or its response could not be parsed.
    #[error("Chromium refused {what} ({cause}): report it, with Chromium's version")]
    Protocol {
        /// The command.
        what: String,
        /// Chromium's error, or what is wrong with the response.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
}
