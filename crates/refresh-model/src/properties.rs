//! What must hold.

use std::collections::BTreeSet;

use stateright::Property;

use crate::{
    Refresh,
    steps::Step,
    world::{Answer, Cause, Status, Token, Work, World},
};

/// A lost grant is accounted for, a revocation is one, callers see stored tokens, nothing old overwrites, and every run ends
/// well. Then what shows that the checker has been to the interesting places.
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
            "an account is declared lost while its grant is on its way",
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

/// Zoom's live grant is in the store, on a disk, in a server's hands or on its way to one; or its answer never arrived.
pub const NO_SILENT_LOSS: &str = "no grant is lost in silence";
/// An account is called revoked only when its person has withdrawn her consent.
pub const NO_FALSE_REVOCATION: &str = "a lost answer is never called a revocation";
/// No caller sees a token that a crash could take away.
pub const DURABLE_FIRST: &str = "no caller sees a token that is not durable";
/// A late write finds that it is late.
pub const NO_WAY_BACK: &str = "no older grant replaces a newer one";
/// Every run ends: with a healthy account, or with one that says truly why it needs a person.
pub const ENDS_WELL: &str = "every account ends up healthy or says why not";

impl World {
    /// Somebody of ours has this grant, or is about to hear of it.
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

    /// The generations that servers who are about to commit started from.
    fn committing(&self) -> impl Iterator<Item = u8> {
        self.work.iter().filter_map(|work| match work {
            Work::Committing(deposit) => Some(deposit.from),
            _ => None,
        })
    }

    /// Nothing more happens, but for bad luck.
    fn is_over(&self) -> bool {
        !Step::all().any(|step| self.allows(step) && !self.is_mishap(step))
    }

    fn is_settled(&self) -> bool {
        let told_truly = match self.row.status {
            // Nobody has asked since she withdrew it.
            Status::Healthy => self.row.fresh && self.zoom.live.is_none_or(|live| live == self.row.token),
            Status::NeedsReauth(Cause::Revoked) => self.zoom.live.is_none(),
            // She may have withdrawn it meanwhile, and nobody can know.
            Status::NeedsReauth(Cause::ResponseLost) => self.zoom.live.is_none() || self.zoom.unheard,
        };
        told_truly && self.escrow.iter().all(BTreeSet::is_empty)
    }
}
