//! `[meetings]`

use std::{num::NonZeroU32, time::Duration};

use anyhow::bail;
use broker::Timing;
use serde::{Deserialize, Serialize};

use super::refresh::{Refresh, whole_seconds};

/// `[meetings]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Meetings {
    /// Interval between searches for accounts whose meetings are due to be listed, in seconds.
    poll_seconds: NonZeroU32,
    /// Most accounts whose meetings are listed at once.
    most_at_once: NonZeroU32,
    /// Hours after which an account's meetings are listed again.
    list_every_hours: u32,
    /// The same for accounts of an app whose webhooks report changes in between.
    list_every_hours_with_webhooks: u32,
}

impl Default for Meetings {
    fn default() -> Self {
        let Timing { list_poll, lists_at_once, list_every, list_every_with_webhooks, .. } = Timing::default();
        Self {
            poll_seconds: whole_seconds(list_poll),
            most_at_once: lists_at_once,
            list_every_hours: whole_seconds(list_every).get() / 3600,
            list_every_hours_with_webhooks: whole_seconds(list_every_with_webhooks).get() / 3600,
        }
    }
}

impl Meetings {
    /// Servers take a due time beyond the longest interval for an effect of a wrong clock, so the intervals are limited.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let longest = store::MAX_SYNC_PAUSE.as_secs() / 3600;
        for (name, hours) in [
            ("list_every_hours", self.list_every_hours),
            ("list_every_hours_with_webhooks", self.list_every_hours_with_webhooks),
        ] {
            if !(1..=longest).contains(&hours.into()) {
                bail!("meetings.{name} must be from 1 to {longest}");
            }
        }
        Ok(())
    }
}

/// Concurrency and intervals of the broker's workers.
pub(super) fn timing(refresh: &Refresh, meetings: &Meetings) -> Timing {
    let seconds = |count: NonZeroU32| Duration::from_secs(count.get().into());
    let hours = |count: u32| Duration::from_secs(u64::from(count) * 3600);
    Timing {
        refresh_poll: seconds(refresh.poll_seconds),
        refreshes_at_once: refresh.most_at_once,
        list_poll: seconds(meetings.poll_seconds),
        lists_at_once: meetings.most_at_once,
        list_every: hours(meetings.list_every_hours),
        list_every_with_webhooks: hours(meetings.list_every_hours_with_webhooks),
    }
}

#[cfg(test)]
mod tests {
    use super::Meetings;

    #[test]
    fn list_intervals_have_limits() {
        for (hours, is_allowed) in [(0, false), (1, true), (48, true), (49, false)] {
            let meetings: Meetings = toml::from_str(&format!("list_every_hours = {hours}")).unwrap();
            assert_eq!(meetings.check().is_ok(), is_allowed, "{hours}");
        }
        assert!(Meetings::default().check().is_ok());
    }
}
