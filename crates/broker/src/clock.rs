//! Compares this server's clock with Zoom's.

use std::{convert::Infallible, time::Duration};

use model::{Problem, Severity, Timestamp};

use crate::Broker;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(60);
/// Answers to other calls tell the time by the way; if none came for so long, Zoom is asked for it.
const TOLD_EVERY: Duration = Duration::from_secs(1800);

impl Broker {
    /// The time at Zoom, for what Zoom judges.
    pub fn time_at_zoom(&self) -> Timestamp {
        self.zoom.clock().now()
    }

    /// Asks Zoom for the time if no answer has told it of late, for as long as it is polled.
    pub async fn tend_clock(&self) -> Infallible {
        loop {
            self.zoom.ask_for_the_time(TOLD_EVERY).await;
            self.env.clock.sleep(LOOK).await;
        }
    }

    /// What is wrong with this server's clock. A difference is corrected where Zoom judges by the time; everything else (due
    /// times, tokens of others, other servers) goes by the clock as it is.
    pub(crate) fn clock_problem(&self) -> Option<Problem> {
        let clock = self.zoom.clock();
        let seconds = clock.ahead_of_zoom().filter(|_| clock.is_apart())?;
        let (by, side) = (seconds.unsigned_abs(), if seconds > 0 { "ahead of" } else { "behind" });
        Some(Problem {
            severity: Severity::Warning,
            cause: format!("this server's clock is {by} s {side} Zoom's"),
            consequence: "Signatures of others may be refused as stale, and bots come early or late. Set the clock, and \
                          keep it set (NTP); this server needs no restart."
                .into(),
        })
    }
}
