//! Compares this server's clock with Zoom's.

use std::{convert::Infallible, time::Duration};

use model::{Environment, Problem, Severity};

use zoom::ZoomClient;

/// How often it is looked.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Answers to other calls tell the time by the way; if none came for so long, Zoom is asked for it.
const ASK_INTERVAL: Duration = Duration::from_secs(1800);

/// Asks Zoom for the time if no answer has told it of late, for as long as it is polled.
pub async fn run(zoom: &ZoomClient, env: &Environment) -> Infallible {
    loop {
        zoom.ask_for_the_time(ASK_INTERVAL).await;
        env.clock.sleep(CHECK_INTERVAL).await;
    }
}

/// What is wrong with this server's clock. A difference is corrected where Zoom judges by the time; everything else (due
/// times, tokens of others, other servers) goes by the clock as it is.
pub(crate) fn problem(zoom: &ZoomClient) -> Option<Problem> {
    let clock = zoom.clock();
    let seconds = clock.ahead_of_zoom().filter(|_| clock.is_apart())?;
    let (by, side) = (seconds.unsigned_abs(), if seconds > 0 { "ahead of" } else { "behind" });
    Some(Problem {
        severity: Severity::Warning,
        cause: format!("this server's clock is {by} s {side} Zoom's"),
        consequence:
            "Signatures of others may be refused as stale, and bots come early or late. Set the clock, and \
                      keep it set (NTP); this server needs no restart."
                .into(),
    })
}
