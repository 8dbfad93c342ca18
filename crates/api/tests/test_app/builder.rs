//! What a test app is built with.

use std::time::Duration;

use api::{Bounds, Rates};
use bots::BrowserSharing;
use webhooks::MailSettings;

/// What an app is built with.
pub(crate) struct Plan {
    /// Behind it, or nothing when it is reached where it listens.
    pub(crate) public_base: Option<&'static str>,
    pub(crate) chromium: &'static str,
    pub(crate) capacity: u32,
    /// Networks that callbacks may go to.
    pub(crate) networks: &'static [&'static str],
    /// A clock that moves only when told to.
    pub(crate) manual: bool,
    /// How often it may be called.
    pub(crate) rates: Option<Rates>,
    /// What callers that are not known yet may take, if not the usual.
    pub(crate) bounds: Option<Bounds>,
    /// What `/metrics` asks for.
    pub(crate) metrics_token: Option<&'static str>,
    /// Whether pages say that this may not be Zoom.
    pub(crate) simulated: bool,
    /// Whether apps are shown with their secrets.
    pub(crate) show_app_secrets: bool,
    /// Whether other servers of the installation run bots.
    pub(crate) bots_elsewhere: bool,
    /// How many bots of a workspace may be waiting or running.
    pub(crate) bots_of_a_workspace: u32,
    /// How many fetches of a workspace are answered at once.
    pub(crate) fetches_of_a_workspace: usize,
    /// After how long a silent page is taken for frozen.
    pub(crate) answer_within: Duration,
    /// How long a bot may be away.
    pub(crate) rejoin_within: Duration,
    /// How bots share browsers, if not as usual.
    pub(crate) sharing: Option<BrowserSharing>,
    /// The SMTP server.
    pub(crate) mail: Option<MailSettings>,
}

impl Plan {
    /// Behind a proxy with a path of its own. No bot runs: there is no browser here.
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
        // A manual clock hurries, and pages don't.
        answer_within: Duration::from_secs(3600),
        rejoin_within: Duration::from_secs(300),
        sharing: None,
        mail: None,
    };
}
