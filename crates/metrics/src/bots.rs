//! Metrics of bots, of their browsers, and of their stored data.

use std::time::Duration;

use model::{BotStatus, SubCode};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{Labels, Metrics, histogram, registered};

/// The outcomes of switching a bot's camera: values of a label.
const CAMERA_OUTCOMES: [&str; 3] = ["on", "off", "failed"];
/// The outcomes of a bot's chat message: values of a label.
const CHAT_OUTCOMES: [&str; 5] = ["sent", "nobody", "forbidden", "unconfirmed", "failed"];

/// Why a browser gets no more bots.
#[derive(Debug, Clone, Copy)]
pub enum ReplacedBrowser {
    /// It uses too much memory.
    Grown,
    /// It does not respond.
    Silent,
}

pub(crate) struct BotSeries {
    steps: Family<Labels<2>, Counter>,
    join_seconds: Histogram,
    late_seconds: Histogram,
    running: Gauge,
    pub(crate) waiting: Gauge,
    capacity: Gauge,
    warm: Gauge,
    warm_pages: Gauge,
    browsers: Family<Labels<1>, Gauge>,
    browsers_replaced: Family<Labels<1>, Counter>,
    outputs: Family<Labels<2>, Counter>,
    screenshots: Family<Labels<1>, Counter>,
    meeting_events_kept: Counter,
    meeting_events_missed: Counter,
    log_kept: Counter,
    log_missed: Counter,
}

impl BotSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let series = Self {
            steps: registered(registry, "bot_steps", "Status changes of bots on this server"),
            join_seconds: histogram(
                registry,
                "bot_join_seconds",
                "Time from joining_call until a bot was in the meeting or its waiting room, for the first time",
                (0.5, 1.6, 12),
            ),
            late_seconds: histogram(
                registry,
                "bot_late_seconds",
                "How long after it was due a bot began its first join",
                (0.05, 2.0, 12),
            ),
            running: registered(registry, "bots_running", "Bots that run on this server"),
            waiting: registered(registry, "bots_waiting", "Bots that are due and run on no server"),
            capacity: registered(registry, "bots_capacity", "Bots that can run on this server at once"),
            warm: registered(
                registry,
                "bots_warm",
                "Scheduled bots that wait for their join time with an open page",
            ),
            warm_pages: registered(registry, "warm_pages", "Pages that wait for a bot, with the SDK started"),
            browsers: registered(
                registry,
                "browsers",
                "Browsers of this server, by whether they accept more bots",
            ),
            browsers_replaced: registered(
                registry,
                "browsers_replaced",
                "Browsers that were replaced, by the reason",
            ),
            outputs: registered(
                registry,
                "bot_outputs",
                "Camera changes and chat messages of bots on this server",
            ),
            screenshots: registered(registry, "screenshots", "Screenshots of bots' pages"),
            meeting_events_kept: registered(
                registry,
                "meeting_events_kept",
                "Events of meetings that were stored",
            ),
            meeting_events_missed: registered(
                registry,
                "meeting_events_missed",
                "Events of meetings that were dropped because of a limit",
            ),
            log_kept: registered(registry, "bot_log_kept", "Entries of bots' logs that were stored"),
            log_missed: registered(
                registry,
                "bot_log_missed",
                "Entries of bots' logs that were dropped because of a limit",
            ),
        };
        series.begin();
        series
    }

    /// Creates all series that are known in advance, with the value zero.
    fn begin(&self) {
        for status in BotStatus::ALL {
            self.step(*status, None).inc_by(0);
        }
        for kept in [true, false] {
            self.screenshot(kept).inc_by(0);
        }
        for outcome in CAMERA_OUTCOMES {
            self.output("camera", outcome).inc_by(0);
        }
        for outcome in CHAT_OUTCOMES {
            self.output("chat", outcome).inc_by(0);
        }
        for why in [ReplacedBrowser::Grown, ReplacedBrowser::Silent] {
            self.replaced(why).inc_by(0);
        }
        self.count_browsers(0, 0);
    }

    fn step(&self, status: BotStatus, sub_code: Option<SubCode>) -> Counter {
        let sub_code = sub_code.map_or("none", SubCode::as_str);
        self.steps.get_or_create(&[("code", status.as_str()), ("sub_code", sub_code)]).clone()
    }

    fn screenshot(&self, kept: bool) -> Counter {
        self.screenshots.get_or_create(&[("outcome", if kept { "kept" } else { "failed" })]).clone()
    }

    fn output(&self, what: &'static str, outcome: &'static str) -> Counter {
        self.outputs.get_or_create(&[("what", what), ("outcome", outcome)]).clone()
    }

    fn replaced(&self, why: ReplacedBrowser) -> Counter {
        let why = match why {
            ReplacedBrowser::Grown => "grown",
            ReplacedBrowser::Silent => "silent",
        };
        self.browsers_replaced.get_or_create(&[("why", why)]).clone()
    }

    fn count_browsers(&self, open: usize, drained: usize) {
        for (state, browsers) in [("open", open), ("drained", drained)] {
            let gauge = self.browsers.get_or_create(&[("state", state)]);
            gauge.set(i64::try_from(browsers).unwrap_or(i64::MAX));
        }
    }
}

impl Metrics {
    /// Counts a status change of a bot.
    pub fn bot_step(&self, status: BotStatus, sub_code: Option<SubCode>) {
        self.0.bots.step(status, sub_code).inc();
    }

    /// Records how long a bot's first join took.
    pub fn bot_joined(&self, took: Duration) {
        self.0.bots.join_seconds.observe(took.as_secs_f64());
    }

    /// Records how long after it was due a bot began its first join.
    pub fn bot_began(&self, late: Duration) {
        self.0.bots.late_seconds.observe(late.as_secs_f64());
    }

    /// Adds to the number of bots that run here.
    pub fn bots_running(&self, more: i64) {
        self.0.bots.running.inc_by(more);
    }

    /// Sets how many bots can run here at once.
    pub fn bots_capacity(&self, bots: u32) {
        self.0.bots.capacity.set(i64::from(bots));
    }

    /// Adds to the number of scheduled bots that wait with an open page.
    pub fn bots_warm(&self, more: i64) {
        self.0.bots.warm.inc_by(more);
    }

    /// Sets how many pages are warm.
    pub fn warm_pages(&self, pages: usize) {
        self.0.bots.warm_pages.set(i64::try_from(pages).unwrap_or(i64::MAX));
    }

    /// Sets how many browsers accept more bots, and how many are drained.
    pub fn browsers(&self, open: usize, drained: usize) {
        self.0.bots.count_browsers(open, drained);
    }

    /// Counts a browser that gets no more bots.
    pub fn browser_replaced(&self, why: ReplacedBrowser) {
        self.0.bots.replaced(why).inc();
    }

    /// Counts the outcome of an output: `what` is `camera` or `chat`.
    pub fn bot_output(&self, what: &'static str, outcome: &'static str) {
        self.0.bots.output(what, outcome).inc();
    }

    /// Counts a screenshot of a bot's page, and whether it was stored.
    pub fn screenshot(&self, kept: bool) {
        self.0.bots.screenshot(kept).inc();
    }

    /// Counts events of a meeting that were stored.
    pub fn meeting_events_kept(&self, events: u64) {
        self.0.bots.meeting_events_kept.inc_by(events);
    }

    /// Counts events of a meeting that were dropped because of a limit.
    pub fn meeting_events_missed(&self, events: u64) {
        self.0.bots.meeting_events_missed.inc_by(events);
    }

    /// Counts entries of bots' logs that were stored.
    pub fn bot_log_kept(&self, entries: u64) {
        self.0.bots.log_kept.inc_by(entries);
    }

    /// Counts entries of bots' logs that were dropped because of a limit.
    pub fn bot_log_missed(&self, entries: u64) {
        self.0.bots.log_missed.inc_by(entries);
    }
}
