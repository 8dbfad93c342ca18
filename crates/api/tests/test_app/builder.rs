//! The options of a test app.

use std::time::Duration;

use api::{Bounds, Rates};
use bots::BrowserSharing;
use webhooks::MailSettings;

/// The options of a test app.
pub(crate) struct Plan {
    /// The public URL behind a proxy; `None`: it is reached at its listener.
    pub(crate) public_base: Option<&'static str>,
    pub(crate) chromium: &'static str,
    pub(crate) capacity: u32,
    /// Networks that callbacks may call.
    pub(crate) networks: &'static [&'static str],
    /// A clock that moves only on command.
    pub(crate) manual: bool,
    /// Rate limits.
    pub(crate) rates: Option<Rates>,
    /// Limits for unauthenticated clients, if not the defaults.
    pub(crate) bounds: Option<Bounds>,
    /// The token of `/metrics`.
    pub(crate) metrics_token: Option<&'static str>,
    /// Whether pages say that the simulator may replace Zoom.
    pub(crate) simulated: bool,
    /// Whether apps are shown with their secrets.
    pub(crate) show_app_secrets: bool,
    /// Whether other servers of the installation run bots.
    pub(crate) bots_elsewhere: bool,
    /// The limit of waiting or running bots of a workspace.
    pub(crate) bots_of_a_workspace: u32,
    /// The limit of concurrent fetches of a workspace.
    pub(crate) fetches_of_a_workspace: usize,
    /// After how long a silent page counts as frozen.
    pub(crate) answer_within: Duration,
    /// How long a bot may be out of its meeting.
    pub(crate) rejoin_within: Duration,
    /// How bots share browsers, if not the default.
    pub(crate) sharing: Option<BrowserSharing>,
    /// The SMTP server.
    pub(crate) mail: Option<MailSettings>,
}

impl Plan {
    /// Behind a proxy with a path. No bot runs: there is no browser.
    pub(crate) const WITHOUT_BOTS: Self = Self {
        public_base: Some("https://latchkey.test/base"),
        chromium: "/nowhere/chromium",
        capacity: 0,
        networks: &[],
        manual: true,
        rates: None,
        bounds: None,
        metrics_token: None,
        simulated: false,
        show_app_secrets: false,
        bots_elsewhere: true,
        bots_of_a_workspace: 1000,
        fetches_of_a_workspace: 512,
        // A manual clock runs fast, but pages do not.
        answer_within: Duration::from_secs(3600),
        rejoin_within: Duration::from_secs(300),
        sharing: None,
        mail: None,
    };
}
