//! What can go wrong between us and Chromium, each in one line that says what to do.

use std::{io, path::PathBuf, time::Duration};

use crate::SDK_VERSION;

/// A browser, a page or a call that failed. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is no Chromium to start.
    #[error("no Chromium at {}: install Debian's `chromium` package, or set browser.chromium", path.display())]
    NoChromium {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Zoom's SDK is not installed.
    #[error("no Zoom Meeting SDK at {}: run `npm ci` in web/, or set browser.sdk_dir", path.display())]
    NoSdk {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another SDK than the one whose behaviour is known.
    #[error("Zoom Meeting SDK {found} at {}, but Latchkey knows {SDK_VERSION}: run `npm ci` in web/", path.display())]
    SdkVersion {
        /// Where it is.
        path: PathBuf,
        /// What its `package.json` says.
        found: String,
    },
    /// The profile of a browser cannot be kept.
    #[error("cannot use {} for browser profiles ({source}): make it writable, or set browser.state_dir", path.display())]
    StateDir {
        /// `BrowserConfig::state_dir`.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Chromium ended before it answered.
    #[error("Chromium did not start: {detail}")]
    Launch {
        /// Its last words.
        detail: String,
    },
    /// No answer in time.
    #[error("no answer to {what} within {} s: the machine is overloaded or Chromium hangs; try again", span.as_secs())]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// How long it was given.
        span: Duration,
    },
    /// The page loaded, but the SDK in it did not start.
    #[error("Zoom's SDK did not start in its page ({message}): run `npm ci` in web/ and try again")]
    Sdk {
        /// What the page reported.
        message: String,
    },
    /// No element matches, in a page that is not a bot's.
    #[error("nothing in the page matches {selector}: see its screenshot")]
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
    /// Chromium refused a command.
    #[error("Chromium refused {0}: report it, with Chromium's version")]
    Protocol(String),
}
