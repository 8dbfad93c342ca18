//! How many bots this server can run at once, and its share of the bots of the installation.

use std::{
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use browser::Usage;
use model::{CLOCK_TOLERANCE, Timestamp};
use store::BotServer;

use super::machine::{self, Machine};

/// Interval between measurements, and between a server's reports.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
/// A server whose last report is older than this counts as unavailable. Includes a tolerance for differing clocks.
const SERVER_REPORT_TTL: Duration = CLOCK_TOLERANCE.saturating_add(Duration::from_secs(30));
/// Memory that is reserved for everything except bots, in bytes.
const SPARE_MEMORY: u64 = 512 * 1024 * 1024;
/// Half-life of a CPU measurement, in bot-seconds.
const COST_HALF_LIFE: f64 = 600.0;
/// The measured CPU cost is used once it covers this many bot-seconds.
const MIN_SAMPLE_SECONDS: f64 = 120.0;
/// The largest measured capacity: more bots than any machine can run.
const MAX_MEASURED_BOTS: u32 = 4096;

/// How many bots a server can run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapacityRule {
    /// Always this many; 0 means that the server runs no bots.
    Fixed(u32),
    /// As many as memory and CPU allow, measured continuously.
    Measured(ExpectedCost),
}

/// The expected resource usage of one bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedCost {
    /// Memory of a bot, in bytes.
    pub memory_of_a_bot: u64,
    /// The most bots for each core. There are fewer if bots are measured to use more CPU time.
    pub most_of_a_core: NonZeroU32,
}

impl CapacityRule {
    /// Whether this server runs bots at all.
    pub fn runs_bots(self) -> bool {
        self != Self::Fixed(0)
    }

    /// The largest capacity that is possible under this rule.
    pub(crate) fn most(self) -> u32 {
        match self {
            Self::Fixed(bots) => bots,
            Self::Measured(_) => MAX_MEASURED_BOTS,
        }
    }
}

/// The capacity of this server.
#[derive(Debug)]
pub(crate) struct Capacity {
    rule: CapacityRule,
    now: AtomicU32,
    cost: Mutex<Cost>,
}

impl Capacity {
    /// Creates the capacity with a first measurement, while no bot runs.
    pub(crate) fn new(rule: CapacityRule) -> Self {
        let capacity = Self { rule, now: AtomicU32::new(rule.most()), cost: Mutex::default() };
        capacity.measure(Usage::default(), 0, Duration::ZERO);
        capacity
    }

    /// How many bots can run now. It may be less than the number of running bots, which are not stopped.
    pub(crate) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// Measures the capacity. `bots` is how many bots ran during the last `span`, `usage` is what their browsers use.
    pub(crate) fn measure(&self, usage: Usage, bots: u32, span: Duration) -> u32 {
        if let CapacityRule::Measured(reckoning) = self.rule {
            let mut cost = self.cost.lock().unwrap_or_else(PoisonError::into_inner);
            cost.note(usage.processor, bots, span);
            let bots = reckoning.bots(machine::look(), usage.memory, cost.of_a_bot());
            if self.now.swap(bots, Ordering::Relaxed) != bots {
                tracing::info!(bots, "the measured capacity has changed");
            }
        }
        self.now()
    }
}

/// How many bots the memory allows, including the running bots. `browsers` is the memory that their browsers use, in bytes.
/// `None` if the kernel does not report the available memory.
pub(crate) fn by_memory(machine: Machine, browsers: u64, memory_of_a_bot: u64) -> Option<u32> {
    let for_bots = (machine.available_memory? + browsers).saturating_sub(SPARE_MEMORY);
    Some(u32::try_from(for_bots / memory_of_a_bot.max(1)).unwrap_or(u32::MAX))
}

impl ExpectedCost {
    /// How many bots the machine can run, including the running bots. `browsers` is the memory that their browsers use, in
    /// bytes; `cost` is the measured CPU usage of one bot, in cores.
    fn bots(self, machine: Machine, browsers: u64, cost: Option<f64>) -> u32 {
        let memory = by_memory(machine, browsers, self.memory_of_a_bot);
        let reckoned = 1.0 / f64::from(self.most_of_a_core.get());
        let cost = cost.map_or(reckoned, |seen| seen.max(reckoned));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let processor = (f64::from(machine.cores) / cost + 0.001).min(f64::from(MAX_MEASURED_BOTS)) as u32;
        // At least one bot may always run, because the measurement may be wrong.
        memory.unwrap_or(u32::MAX).min(processor).clamp(1, MAX_MEASURED_BOTS)
    }
}

/// The measured CPU usage of bots, as an exponentially decaying average.
#[derive(Debug, Default)]
struct Cost {
    /// Decayed CPU time, in seconds.
    processor: f64,
    /// Decayed running time of bots, in bot-seconds.
    bots: f64,
    /// The CPU time at the last measurement.
    last: Duration,
}

impl Cost {
    /// Adds a measurement. `processor` is the CPU time of all running browsers since their start.
    fn note(&mut self, processor: Duration, bots: u32, span: Duration) {
        let worked = processor.saturating_sub(self.last);
        self.last = processor;
        let seen = f64::from(bots) * span.as_secs_f64();
        if seen == 0.0 {
            return;
        }
        let fades = 0.5_f64.powf(seen / COST_HALF_LIFE);
        self.processor = self.processor * fades + worked.as_secs_f64();
        self.bots = self.bots * fades + seen;
    }

    /// The CPU usage of one bot in cores, once enough was measured.
    fn of_a_bot(&self) -> Option<f64> {
        (self.bots >= MIN_SAMPLE_SECONDS).then(|| self.processor / self.bots)
    }
}

/// How many bots all available servers together can run at once. `own` is this server's id and its current capacity.
pub(crate) fn of_all(servers: &[BotServer], own: (&str, u32), now: Timestamp) -> u64 {
    let others = servers.iter().filter(|server| server.id != own.0);
    let fresh =
        others.filter(|server| server.seen_at.was_within(SERVER_REPORT_TTL, now) || server.seen_at > now);
    fresh.map(|server| u64::from(server.capacity)).sum::<u64>() + u64::from(own.1)
}

/// This server's share of `bots`, proportional to its capacity and rounded up. So the shares of all servers together cover
/// all bots.
pub(crate) fn share(bots: u64, own: u32, of_all: u64) -> u32 {
    let part = bots.saturating_mul(own.into()).div_ceil(of_all.max(1));
    u32::try_from(part).unwrap_or(u32::MAX).min(own)
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use model::Timestamp;
    use store::BotServer;

    use super::{Cost, ExpectedCost, of_all, share};
    use crate::servers::machine::Machine;

    const GIB: u64 = 1024 * 1024 * 1024;
    const EXPECTED_COST: ExpectedCost =
        ExpectedCost { memory_of_a_bot: 300 * 1024 * 1024, most_of_a_core: NonZeroU32::new(10).unwrap() };

    fn machine(cores: u32, gib: u64) -> Machine {
        Machine { cores, available_memory: Some(gib * GIB) }
    }

    #[test]
    fn the_scarcer_resource_decides() {
        assert_eq!(EXPECTED_COST.bots(machine(2, 20), 0, None), 20);
        assert_eq!(EXPECTED_COST.bots(machine(8, 4), 0, None), 11);
        assert_eq!(EXPECTED_COST.bots(Machine { cores: 2, available_memory: None }, 0, None), 20);
        assert_eq!(EXPECTED_COST.bots(machine(1, 0), 0, None), 1, "one bot may always run");
    }

    #[test]
    fn memory_of_running_bots_counts_as_memory_for_bots() {
        let before = EXPECTED_COST.bots(machine(8, 4), 0, None);
        assert_eq!(EXPECTED_COST.bots(machine(8, 2), 2 * GIB, None), before);
    }

    #[test]
    fn a_higher_cpu_cost_allows_fewer_bots() {
        assert_eq!(EXPECTED_COST.bots(machine(2, 20), 0, Some(0.5)), 4);
        assert_eq!(
            EXPECTED_COST.bots(machine(2, 20), 0, Some(0.01)),
            20,
            "a low measured cost allows no more than expected"
        );
    }

    #[test]
    fn the_cost_is_known_after_a_while_and_follows_changes() {
        let mut cost = Cost::default();
        let (mut taken, span) = (Duration::ZERO, Duration::from_secs(10));
        cost.note(taken, 4, span);
        assert_eq!(cost.of_a_bot(), None, "too little was measured");
        let mut run = |each: f64, times: u32| {
            for _ in 0..times {
                taken += span.mul_f64(each * 4.0);
                cost.note(taken, 4, span);
            }
            cost.of_a_bot().unwrap()
        };
        let quiet = run(0.05, 100);
        assert!((0.04..0.06).contains(&quiet), "{quiet}");
        let busy = run(1.0, 100);
        assert!(busy > 0.9, "{busy}");
    }

    #[test]
    fn servers_share_all_bots_by_capacity() {
        let now = Timestamp::from_second(1_800_000_000);
        let server = |id: &str, capacity, ago| BotServer {
            id: id.to_owned(),
            capacity,
            seen_at: now - Duration::from_secs(ago),
        };
        let servers = [server("a", 100, 5), server("b", 200, 5), server("c", 400, 3600)];
        let all = of_all(&servers, ("a", 120), now);
        assert_eq!(all, 320, "a server's own capacity is current, and a silent server has none");
        let shares = [share(320, 120, all), share(320, 200, all)];
        assert_eq!(shares, [120, 200]);
        for bots in 1..=320 {
            assert!(u64::from(share(bots, 120, all) + share(bots, 200, all)) >= bots, "{bots}");
        }
        assert_eq!(share(1000, 120, all), 120, "no more than its capacity");
        assert_eq!(share(5, 0, 0), 0);
    }
}
