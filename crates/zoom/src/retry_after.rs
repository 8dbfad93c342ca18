//! `Retry-After` in the forms that Zoom sends.

use std::time::Duration;

use jiff::fmt::rfc2822;
use model::Timestamp;

/// Longer waits are shortened to this, because Zoom's longest limit is daily.
const MAX_WAIT: Duration = Duration::from_secs(25 * 3600);

/// The wait that `header` demands, counted from `now`. `None` if it can't be read, because Zoom's limit headers are not
/// reliable.
///
/// Seconds and HTTP dates are HTTP's own forms; Zoom sends an ISO date-time for daily limits (documented). A time in
/// the past is a wait of zero.
pub(crate) fn parse(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds).min(MAX_WAIT));
    }
    let until = header.parse().ok().or_else(|| http_date(header))?;
    Some(until.since(now).min(MAX_WAIT))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let instant = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_second(instant.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_a_wait_from_now() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for (header, wait) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sat, 31 Jan 2026 12:00:30 GMT", Some(30)),
            ("2026-02-01T00:00:00Z", Some(12 * 3600)),
            ("2026-01-31T13:00:10+01:00", Some(10)),
            ("2026-01-31T11:00:00Z", Some(0)),
            ("18446744073709551615", Some(25 * 3600)),
            ("99999999999999999999999", None),
            ("9998-12-31T23:59:59Z", Some(25 * 3600)),
            ("tomorrow", None),
            ("-3", None),
            ("", None),
        ] {
            assert_eq!(parse(header, now), wait.map(Duration::from_secs), "{header:?}");
        }
    }
}
