//! `[bots]`: the bots of this process.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    ops::RangeInclusive,
    time::Duration,
};

use anyhow::bail;
use bots::{BrowserSharing, CapacityRule, ExpectedCost, Timing, WarmPages};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MIB: u64 = 1024 * 1024;

/// `[bots]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Bots {
    /// How many bots run here at once; with 0 the server is only a token broker and needs no Chromium.
    pub(crate) capacity: NumberOrMeasured,
    /// Assumed memory of one bot in MiB, if the capacity is measured.
    pub(crate) memory_of_a_bot_mib: NonZeroU64,
    /// Assumed number of bots per CPU core, if the capacity is measured.
    pub(crate) most_of_a_core: NonZeroU32,
    /// Most bots that share a browser.
    pub(crate) most_of_a_browser: NonZeroU32,
    /// Memory limit in MiB, per bot and for the browser itself. A browser above it is replaced.
    pub(crate) replace_browser_above_mib: NonZeroU64,
    /// Spare pages with the SDK started, so that a bot only has to join; each takes some 100 MB.
    pub(crate) warm_pages: NumberOrMeasured,
    /// Seconds before its join time that a scheduled bot's page is opened.
    pub(crate) warm_up_seconds: u32,
    /// Seconds after its join time until which a bot still joins.
    pub(crate) join_within: u32,
    /// Seconds for which a bot that lost its meeting tries to rejoin.
    pub(crate) rejoin_within: u32,
    /// Seconds without an answer after which a browser or a bot's page is replaced.
    pub(crate) answer_within: NonZeroU32,
    /// Seconds that Zoom may take to answer a join.
    pub(crate) join_timeout: NonZeroU32,
    /// Seconds for which Zoom's SDK may try to restore a connection by itself.
    pub(crate) reconnect_timeout: NonZeroU32,
    /// Lease duration of a bot in seconds: how long it belongs to a server that no longer responds.
    pub(crate) lease_seconds: u32,
    /// Interval between searches for due bots, in seconds.
    pub(crate) poll_seconds: NonZeroU32,
    /// Most waiting or running bots of a workspace, on all servers.
    pub(crate) most_of_a_workspace: NonZeroU32,
    /// Retention of ended bots, in days.
    pub(crate) keep_days: NonZeroU32,
    /// What happens to bots when this process is told to stop.
    pub(crate) on_stop: OnStop,
    /// Seconds that `finish` waits for the last bot.
    pub(crate) stop_within: u32,
}

/// A number, or `"measured"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberOrMeasured {
    Number(u32),
    Measured,
}

/// What happens to bots when their process is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnStop {
    /// They leave, and the next server lets them rejoin.
    HandOver,
    /// They run until they end, for at most `stop_within`.
    Finish,
}

impl Bots {
    /// Range of `lease_seconds`: servers with different values still accept each other's leases.
    const LEASE_SECONDS: RangeInclusive<u32> = 15..=45;
    /// Range of `warm_up_seconds`: a page takes a few seconds to start, and uses its memory from then on.
    const WARM_UP_SECONDS: RangeInclusive<u32> = 5..=300;

    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, seconds, range) in [
            ("lease_seconds", self.lease_seconds, Self::LEASE_SECONDS),
            ("warm_up_seconds", self.warm_up_seconds, Self::WARM_UP_SECONDS),
        ] {
            if !range.contains(&seconds) {
                bail!("bots.{name} must be from {} to {}", range.start(), range.end());
            }
        }
        Ok(())
    }

    /// Timeouts and intervals of bots.
    pub(crate) fn timing(&self) -> Timing {
        let seconds = |count: u32| Duration::from_secs(count.into());
        Timing {
            join_within: seconds(self.join_within),
            rejoin_within: seconds(self.rejoin_within),
            join_timeout: seconds(self.join_timeout.get()),
            reconnect_timeout: seconds(self.reconnect_timeout.get()),
            lease: seconds(self.lease_seconds),
            poll_interval: seconds(self.poll_seconds.get()),
            warm_up: seconds(self.warm_up_seconds),
        }
    }

    /// How many bots run here at once.
    pub(crate) fn capacity(&self) -> CapacityRule {
        match self.capacity {
            NumberOrMeasured::Number(bots) => CapacityRule::Fixed(bots),
            NumberOrMeasured::Measured => CapacityRule::Measured(ExpectedCost {
                memory_of_a_bot: self.memory_of_a_bot(),
                most_of_a_core: self.most_of_a_core,
            }),
        }
    }

    /// Assumed memory of one bot, in bytes.
    fn memory_of_a_bot(&self) -> u64 {
        self.memory_of_a_bot_mib.get().saturating_mul(MIB)
    }

    /// How bots share browsers.
    pub(crate) fn browsers(&self) -> BrowserSharing {
        BrowserSharing {
            most_of_a_browser: self.most_of_a_browser,
            warm_pages: match self.warm_pages {
                NumberOrMeasured::Number(pages) => WarmPages::Fixed(pages as usize),
                NumberOrMeasured::Measured => WarmPages::Measured { memory_of_a_bot: self.memory_of_a_bot() },
            },
            most_memory_of_a_bot: self.replace_browser_above_mib.get().saturating_mul(MIB),
        }
    }
}

impl Default for Bots {
    fn default() -> Self {
        let count = |count| NonZeroU32::new(count).expect("not zero");
        let BrowserSharing { most_of_a_browser, most_memory_of_a_bot, .. } = BrowserSharing::default();
        Self {
            capacity: NumberOrMeasured::Measured,
            memory_of_a_bot_mib: NonZeroU64::new(300).expect("not zero"),
            most_of_a_core: count(10),
            most_of_a_browser,
            replace_browser_above_mib: NonZeroU64::new(most_memory_of_a_bot / MIB).expect("not zero"),
            warm_pages: NumberOrMeasured::Number(1),
            warm_up_seconds: 30,
            join_within: 600,
            rejoin_within: 300,
            answer_within: count(60),
            join_timeout: count(60),
            reconnect_timeout: count(60),
            lease_seconds: 30,
            poll_seconds: NonZeroU32::MIN,
            most_of_a_workspace: count(10_000),
            keep_days: count(90),
            on_stop: OnStop::HandOver,
            stop_within: 3600,
        }
    }
}

impl Serialize for NumberOrMeasured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Measured => serializer.serialize_str("measured"),
        }
    }
}

impl<'de> Deserialize<'de> for NumberOrMeasured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = NumberOrMeasured;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or \"measured\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                let read = u32::try_from(number).map(NumberOrMeasured::Number);
                read.map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                match word {
                    "measured" => Ok(NumberOrMeasured::Measured),
                    // Values from the environment are text.
                    number => {
                        let read = number.parse().map(NumberOrMeasured::Number);
                        read.map_err(|_| E::invalid_value(de::Unexpected::Str(word), &self))
                    }
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bots, NumberOrMeasured};

    #[test]
    fn a_capacity_is_a_number_or_measured() {
        for (text, expected) in [
            ("8", NumberOrMeasured::Number(8)),
            ("0", NumberOrMeasured::Number(0)),
            ("'3'", NumberOrMeasured::Number(3)),
            ("'measured'", NumberOrMeasured::Measured),
        ] {
            let bots: Bots = toml::from_str(&format!("capacity = {text}")).unwrap();
            assert_eq!(bots.capacity, expected);
        }
        for wrong in ["-1", "'many'", "1.5", "4294967296", "true"] {
            let error = toml::from_str::<Bots>(&format!("capacity = {wrong}")).unwrap_err();
            assert!(error.message().contains("a number, or \"measured\""), "{error}");
        }
    }

    #[test]
    fn times_have_limits() {
        for (line, is_allowed) in [
            ("lease_seconds = 14", false),
            ("lease_seconds = 15", true),
            ("warm_up_seconds = 4", false),
            ("warm_up_seconds = 300", true),
        ] {
            let bots: Bots = toml::from_str(line).unwrap();
            assert_eq!(bots.check().is_ok(), is_allowed, "{line}");
        }
    }
}
