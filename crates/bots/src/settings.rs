//! The operator's settings: time limits and retention periods.

use std::time::Duration;

/// The operator's time limits.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A bot that is later than this does not join.
    pub join_within: Duration,
    /// How long a bot that lost its connection to the meeting tries to rejoin.
    pub rejoin_within: Duration,
    /// How long a bot waits for Zoom's response to a join.
    pub join_timeout: Duration,
    /// How long the SDK may try to reconnect by itself.
    pub reconnect_timeout: Duration,
    /// How long a bot's lease lasts without a renewal.
    pub lease: Duration,
    /// Interval between queries for bots that are due.
    pub poll_interval: Duration,
    /// How long before its `join_at` a scheduled bot is leased and its page is opened.
    pub warm_up: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            join_within: Duration::from_secs(600),
            rejoin_within: Duration::from_secs(300),
            join_timeout: Duration::from_secs(60),
            reconnect_timeout: Duration::from_secs(60),
            lease: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
            warm_up: Duration::from_secs(30),
        }
    }
}

/// How long data of bots is stored.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Rows of bots that have ended, with their steps.
    pub bots: Duration,
    /// Pictures of bots' pages.
    pub screenshots: Duration,
    /// Entries of bots' logs.
    pub bot_log: Duration,
    /// Events of meetings, sealed: names, chat, captions. A request may set a shorter time.
    pub meeting_events: Duration,
    /// Interval between sweeps.
    pub sweep_interval: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            bots: days(90),
            screenshots: days(30),
            bot_log: days(30),
            meeting_events: days(30),
            sweep_interval: Duration::from_secs(3600),
        }
    }
}
