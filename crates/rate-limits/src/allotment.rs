//! How the servers share one limit: pure functions on the shared row.
//!
//! The servers share *slots*, not times. A slot is in use while its call is in flight, and for one second afterwards.
//! Whatever the network does between the start of a call and its answer, Zoom can't count two calls of one slot within a
//! second. So while all servers together have no more slots than the limit, no window of one second contains more calls,
//! wherever it begins. Clocks of servers are compared only for the shares of dead servers, and those cool down for long
//! enough.

use std::time::Duration;

use model::{LeaseToken, Timestamp};
use store::{LimitShare, ZoomLimit};
use zoom::LimitHit;

/// How long a server may begin calls with a share after it last confirmed it.
pub(super) const SHARE_TTL: Duration = Duration::from_secs(5);
/// When an unconfirmed share becomes free. By then its holder has stopped starting calls (5 s), the calls have
/// had their answer or timeout (15 s) and their slots have cooled down (1 s); the rest is for clock differences.
const SHARE_EXPIRY: Duration = Duration::from_secs(30);
/// How long Zoom must not have refused a call before the number of slots grows again.
const RECOVERY_TIME: Duration = Duration::from_secs(10);
/// Refusals within this time, on several servers, count as one.
const SAME_REFUSAL_WINDOW: Duration = Duration::from_secs(2);
/// The maximum strain: a 32nd of the limit, and pauses of 32 s.
const MAX_STRAIN: u32 = 5;
/// The longest wait; longer ones are shortened. Zoom's longest limit is daily.
const MAX_BLOCK: Duration = Duration::from_secs(25 * 3600);
/// A share that expires later than this was confirmed by a server whose clock is wrong. Servers whose clocks differ by
/// less than minutes don't lose their shares.
const MAX_SHARE_EXPIRY: Duration = Duration::from_secs(300);
/// The pause after a daily limit if Zoom doesn't say when it ends.
const DAILY_LIMIT_RETRY: Duration = Duration::from_secs(600);

/// A server's claim when it updates the shared row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    /// The server's id.
    pub(super) holder: LeaseToken,
    /// Slots in use, which can't be released yet.
    pub(super) in_use: u32,
    /// Slots that it could use, including those in use.
    pub(super) wanted: u32,
}

/// The server's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allotted {
    /// How many slots it may use; calls that exceed this number are already in flight.
    pub(super) slots: u32,
    /// How many slots it can have once the other servers have released their surplus.
    pub(super) fair: u32,
}

/// A limit that is not yet known.
pub(super) fn unknown(key: &str, now: Timestamp) -> ZoomLimit {
    ZoomLimit {
        lane: key.to_owned(),
        version: 0,
        per_second: None,
        strain: 0,
        strained_at: None,
        blocked_until: None,
        shares: Vec::new(),
        changed_at: now,
    }
}

/// The total number of slots; `least` if Zoom has not stated a limit. Each refusal halves it, because others may use the
/// account too.
pub(super) fn slots_of(limit: &ZoomLimit, least: u32) -> u32 {
    (limit.per_second.unwrap_or(least) >> limit.strain.min(MAX_STRAIN)).max(1)
}

/// Gives a server its share, at `now` by its clock.
pub(super) fn allot(limit: &mut ZoomLimit, least: u32, claim: Claim, now: Timestamp) -> Allotted {
    ease(limit, now);
    limit.shares.retain(|share| share.holder != claim.holder && share.lapses_at.holds(MAX_SHARE_EXPIRY, now));
    let slots_in_all = slots_of(limit, least);
    let others: u32 = limit.shares.iter().fold(0, |sum, share| sum.saturating_add(share.slots));
    let fair = fair_share(slots_in_all, claim.holder, &limit.shares, now);
    let slots = fair.min(claim.wanted).min(slots_in_all.saturating_sub(others));
    let kept = slots.max(claim.in_use);
    if kept > 0 || claim.wanted > 0 {
        limit.shares.push(LimitShare {
            holder: claim.holder,
            slots: kept,
            wanted: claim.wanted,
            lapses_at: now + SHARE_EXPIRY,
        });
    }
    limit.changed_at = now;
    Allotted { slots, fair }
}

/// How many slots a server can have, regardless of what it wants. Servers that want few slots get those; the others share
/// the rest evenly.
fn fair_share(slots_in_all: u32, holder: LeaseToken, others: &[LimitShare], now: Timestamp) -> u32 {
    let mut wants: Vec<_> = others.iter().map(|share| (share.wanted, share.holder)).collect();
    wants.push((u32::MAX, holder));
    wants.retain(|(wanted, _)| *wanted > 0);
    let count = wants.len();
    if count > slots_in_all as usize {
        // Fewer slots than servers: the servers take turns of a few seconds. Differing clocks only make that unfair.
        wants.sort_unstable_by_key(|(_, whose)| *whose);
        let first = usize::try_from(now.as_second() / 2).unwrap_or(0) % count;
        let mut turns = wants.iter().cycle().skip(first).take(slots_in_all as usize);
        return turns.any(|(_, whose)| *whose == holder).into();
    }
    wants.sort_unstable();
    let mut left = slots_in_all;
    for (index, (wanted, whose)) in wants.into_iter().enumerate() {
        let heads = u32::try_from(count - index).unwrap_or(u32::MAX);
        let share = wanted.min(left.div_ceil(heads));
        if whose == holder {
            return share;
        }
        left -= share;
    }
    0
}

/// Records that Zoom refused a call, and pauses all calls for a while.
pub(super) fn refuse(limit: &mut ZoomLimit, hit: LimitHit, now: Timestamp) {
    let until = now + pause(hit, limit.strain);
    limit.blocked_until = limit.blocked_until.max(Some(until));
    let counted = limit.strained_at.is_some_and(|at| now.since(at) < SAME_REFUSAL_WINDOW && limit.strain > 0);
    if !hit.daily && !counted {
        limit.strain = limit.strain.saturating_add(1).min(MAX_STRAIN);
        limit.strained_at = Some(now);
    }
}

/// How long to pause after a refusal: as long as Zoom says, or else longer each time.
pub(super) fn pause(hit: LimitHit, strain: u32) -> Duration {
    let ours = if hit.daily { DAILY_LIMIT_RETRY } else { Duration::from_secs(1 << strain.min(MAX_STRAIN)) };
    // A date in the past gives zero, because a clock is wrong.
    hit.retry_after.filter(|pause| !pause.is_zero()).unwrap_or(ours).min(MAX_BLOCK)
}

/// Whether the server that last changed the limit has a clock that is minutes ahead of ours.
pub(super) fn is_of_a_wrong_clock(limit: &ZoomLimit, now: Timestamp) -> bool {
    limit.changed_at > now + MAX_SHARE_EXPIRY
}

/// Lowers the strain if Zoom has not refused a call for a while.
fn ease(limit: &mut ZoomLimit, now: Timestamp) {
    // A pause that was written by a wrong clock counts as over, whenever it ends.
    let wrong = is_of_a_wrong_clock(limit, now);
    if limit.blocked_until.is_some_and(|until| wrong || !until.holds(MAX_BLOCK, now)) {
        limit.blocked_until = None;
    }
    limit.strained_at = limit.strained_at.map(|at| at.min(now));
    let quiet_since = limit.strained_at.filter(|_| limit.blocked_until.is_none());
    if limit.strain > 0 && quiet_since.is_some_and(|at| now.since(at) >= RECOVERY_TIME) {
        limit.strain -= 1;
        limit.strained_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use model::{Environment, ManualClock, SeededEntropy};

    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1000);
    const LEAST: u32 = 4;
    const QPS: LimitHit = LimitHit { retry_after: None, daily: false };

    fn servers<const N: usize>() -> [LeaseToken; N] {
        let clock = std::sync::Arc::new(ManualClock::new(NOW));
        let env = Environment { clock, entropy: std::sync::Arc::new(SeededEntropy::new(1)) };
        [(); N].map(|()| LeaseToken::generate(&env))
    }

    fn claim(limit: &mut ZoomLimit, holder: LeaseToken, in_use: u32, wanted: u32, now: Timestamp) -> u32 {
        allot(limit, LEAST, Claim { holder, in_use, wanted }, now).slots
    }

    #[test]
    fn small_demands_are_met_and_the_others_share_the_rest() {
        let [a, b, c] = servers();
        let mut limit = ZoomLimit { per_second: Some(30), ..unknown("limit", NOW) };
        assert_eq!(claim(&mut limit, a, 0, 100, NOW), 30, "no other server wants slots");
        assert_eq!(claim(&mut limit, b, 0, 100, NOW), 0, "they are not free yet");
        assert_eq!(claim(&mut limit, c, 0, 2, NOW), 0);
        // The first server updates again: 20 of its slots are still in use, and no new calls begin on them.
        assert_eq!(claim(&mut limit, a, 20, 100, NOW), 14);
        assert_eq!(claim(&mut limit, c, 0, 2, NOW), 2);
        assert_eq!(claim(&mut limit, b, 0, 100, NOW), 8);
        assert_eq!(claim(&mut limit, a, 10, 100, NOW), 14);
        assert_eq!(claim(&mut limit, b, 8, 100, NOW), 14);
        let held: u32 = limit.shares.iter().map(|share| share.slots).sum();
        assert_eq!(held, 30);
        assert_eq!(claim(&mut limit, a, 0, 0, NOW), 0);
        assert_eq!(limit.shares.len(), 2, "a server that wants no slots is removed");
    }

    #[test]
    fn with_fewer_slots_than_servers_they_take_turns() {
        let holders = servers::<3>();
        let mut limit = ZoomLimit { per_second: Some(1), ..unknown("limit", NOW) };
        let mut served = [0; 3];
        for second in 0..12 {
            for (holder, served) in holders.into_iter().zip(&mut served) {
                *served += claim(&mut limit, holder, 0, 5, NOW + Duration::from_secs(second));
            }
        }
        assert!(served.iter().all(|turns| *turns >= 2), "{served:?}");
    }

    #[test]
    fn a_share_is_freed_only_after_its_server_is_dead() {
        let [dead, alive] = servers();
        let mut limit = unknown("limit", NOW);
        assert_eq!(claim(&mut limit, dead, 0, 4, NOW), 4);
        let later = NOW + SHARE_EXPIRY;
        assert_eq!(claim(&mut limit, alive, 0, 4, later - Duration::from_millis(1)), 0);
        assert_eq!(claim(&mut limit, alive, 0, 4, later), 4);
        assert!(
            SHARE_EXPIRY > SHARE_TTL + Duration::from_secs(16),
            "calls are over, and their slots have cooled down"
        );
    }

    #[test]
    fn each_refusal_halves_the_slots_and_time_without_one_restores_them() {
        let [server] = servers();
        let mut limit = ZoomLimit { per_second: Some(30), ..unknown("limit", NOW) };
        refuse(&mut limit, QPS, NOW);
        assert_eq!((slots_of(&limit, LEAST), limit.blocked_until), (15, Some(NOW + Duration::from_secs(1))));
        refuse(&mut limit, QPS, NOW + Duration::from_secs(1));
        assert_eq!(
            slots_of(&limit, LEAST),
            15,
            "a refusal at about the same time on another server counts once"
        );
        let again = NOW + Duration::from_secs(3);
        refuse(&mut limit, QPS, again);
        assert_eq!((slots_of(&limit, LEAST), limit.blocked_until), (7, Some(again + Duration::from_secs(2))));
        let mut numbers = Vec::new();
        for quiet in [9, 10, 19, 20] {
            claim(&mut limit, server, 0, 30, again + Duration::from_secs(quiet));
            numbers.push(slots_of(&limit, LEAST));
        }
        assert_eq!(numbers, [7, 15, 15, 30]);
        assert_eq!(limit.blocked_until, None);
    }

    #[test]
    fn times_from_a_wrong_clock_delay_no_server() {
        let [wrong, right] = servers();
        let (mut limit, ahead) = (unknown("limit", NOW), NOW + Duration::from_secs(6 * 3600));
        assert_eq!(claim(&mut limit, wrong, 0, 4, ahead), 4);
        refuse(&mut limit, LimitHit { retry_after: Some(Duration::from_secs(60)), daily: false }, ahead);
        assert_eq!(claim(&mut limit, right, 0, 4, NOW), 2, "halved, as after any refusal");
        assert_eq!(limit.blocked_until, None);
        let later = NOW + RECOVERY_TIME;
        assert_eq!(claim(&mut limit, right, 0, 4, later), 4, "and restored after a while");
    }

    #[test]
    fn a_pause_is_zooms_or_ours_and_never_too_long() {
        let said = |seconds, daily| LimitHit { retry_after: Some(Duration::from_secs(seconds)), daily };
        for (hit, strain, seconds) in [
            (QPS, 0, 1),
            (QPS, 3, 8),
            (QPS, 30, 32),
            (said(7, false), 3, 7),
            (said(0, false), 1, 2),
            (said(43_200, true), 0, 43_200),
            (said(u64::MAX, true), 0, 90_000),
            (LimitHit { retry_after: None, daily: true }, 0, 600),
        ] {
            assert_eq!(pause(hit, strain), Duration::from_secs(seconds), "{hit:?} {strain}");
        }
        let mut limit = ZoomLimit { per_second: Some(30), ..unknown("limit", NOW) };
        refuse(&mut limit, said(60, true), NOW);
        assert_eq!(slots_of(&limit, LEAST), 30, "a daily limit doesn't change the limit per second");
    }
}
