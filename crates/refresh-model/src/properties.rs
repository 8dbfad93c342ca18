//! The properties that must hold.

use std::collections::BTreeSet;

use stateright::Property;

use crate::{
    Refresh,
    steps::Step,
    world::{Answer, Cause, Status, Token, Work, World},
};

/// The properties that must always hold, and those that must hold in some run, which shows that the checker reaches the
/// interesting states.
pub(crate) fn all() -> Vec<Property<Refresh>> {
    vec![
        Property::always(NO_SILENT_LOSS, |_, world: &World| {
            world.zoom.live.is_none_or(|token| world.zoom.unheard || world.has(token))
        }),
        Property::always(NO_FALSE_REVOCATION, |_, world: &World| {
            world.row.status != Status::NeedsReauth(Cause::Revoked) || world.zoom.live.is_none()
        }),
        Property::always(DURABLE_FIRST, |_, world: &World| !world.answered_too_early),
        Property::always(NO_WAY_BACK, |_, world: &World| world.row.token == world.newest_stored),
        Property::always(ENDS_WELL, |_, world: &World| !world.is_over() || world.is_settled()),
        Property::sometimes("an account is reported as response_lost", |_, world: &World| {
            world.row.status == Status::NeedsReauth(Cause::ResponseLost)
        }),
        Property::sometimes("a late holder finds a newer generation", |_, world: &World| {
            world.committing().any(|from| world.row.generation > from)
        }),
        Property::sometimes(
            "an account is declared lost while its grant is in flight",
            |_, world: &World| {
                let declared = world.row.status == Status::NeedsReauth(Cause::ResponseLost);
                declared && world.committing().any(|from| world.row.generation == from)
            },
        ),
        Property::sometimes("a grant survives its server on the disk", |_, world: &World| {
            let left =
                |replica: usize| world.escrow[replica].iter().any(|it| it.from == world.row.generation);
            world.work.iter().enumerate().any(|(replica, work)| *work == Work::Down && left(replica))
        }),
    ]
}

/// Zoom's valid grant is in the store, on a disk, in a server's memory or in flight to a server; or its answer was lost.
pub const NO_SILENT_LOSS: &str = "no grant is lost silently";
/// An account is called revoked only when its user has withdrawn the consent.
pub const NO_FALSE_REVOCATION: &str = "a lost answer is never called a revocation";
/// No caller sees a token that a crash could lose.
pub const DURABLE_FIRST: &str = "no caller sees a token that is not durable";
/// A late write does not replace a newer grant.
pub const NO_WAY_BACK: &str = "no older grant replaces a newer one";
/// Every run ends with a healthy account, or with an account whose cause is right.
pub const ENDS_WELL: &str = "every account ends up healthy or says why not";

impl World {
    /// The store or a server has this grant, or is about to get it.
    fn has(&self, token: Token) -> bool {
        let in_hand = |work: &Work| match work {
            Work::Waiting(_, Some(Answer::Granted(held))) | Work::Holding(_, held) => *held == token,
            Work::Committing(deposit) => deposit.token == token,
            _ => false,
        };
        self.row.token == token
            || self.escrow.iter().flatten().any(|deposit| deposit.token == token)
            || self.work.iter().any(in_hand)
    }

    /// The start generations of servers that are about to commit.
    fn committing(&self) -> impl Iterator<Item = u8> {
        self.work.iter().filter_map(|work| match work {
            Work::Committing(deposit) => Some(deposit.from),
            _ => None,
        })
    }

    /// Whether only mishaps can still happen.
    fn is_over(&self) -> bool {
        !Step::all().any(|step| self.allows(step) && !self.is_mishap(step))
    }

    fn is_settled(&self) -> bool {
        let cause_is_true = match self.row.status {
            // A withdrawn consent is noticed at the next refresh.
            Status::Healthy => self.row.fresh && self.zoom.live.is_none_or(|live| live == self.row.token),
            Status::NeedsReauth(Cause::Revoked) => self.zoom.live.is_none(),
            // The consent may have been withdrawn since, which no server can know.
            Status::NeedsReauth(Cause::ResponseLost) => self.zoom.live.is_none() || self.zoom.unheard,
        };
        cause_is_true && self.escrow.iter().all(BTreeSet::is_empty)
    }
}
