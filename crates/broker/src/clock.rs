//! Compares this server's clock with Zoom's.

use std::{convert::Infallible, time::Duration};

use model::{Environment, Problem, Severity};

use zoom::ZoomClient;

/// Interval between checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Zoom's answers contain the time. If none came for this long, Zoom is asked for it.
const ASK_INTERVAL: Duration = Duration::from_secs(1800);

/// Asks Zoom for the time if there was no recent answer, for as long as it is polled.
pub async fn run(zoom: &ZoomClient, env: &Environment) -> Infallible {
    loop {
        zoom.ask_for_the_time(ASK_INTERVAL).await;
        env.clock.sleep(CHECK_INTERVAL).await;
    }
}

/// The problem of this server's clock, if any. A difference is corrected where Zoom checks times; everything
/// else (due times, others' tokens, other servers) uses the clock as it is.
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
