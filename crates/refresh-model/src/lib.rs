//! The refresh protocol, small enough to be checked in every order of events.
//!
//! One account, two replicas, and Zoom, who kills a refresh token as he answers with the next one. A checker walks through
//! every order in which replicas can take their steps, die and come back, answers can get lost, leases lapse, the store be
//! away, and the person withdraw her consent or give it again. `tests/check.rs` runs it, and shows that each rule of the
//! protocol is needed: without it, the checker finds an account that is lost.
//!
//! How it maps to the code:
//!
//! | here | there |
//! |---|---|
//! | [`Row`] | `store::Credential`; `spent` is `spent_at`, `fresh` is `Broker::is_live` |
//! | [`Step::Lease`] | `Credentials::lease_refresh`, in `broker/src/refresh.rs` |
//! | [`Step::Send`], [`Step::Read`] | `Broker::spend`: one call, and one more with the same token when in doubt |
//! | [`Step::Escrow`], [`Step::Commit`], [`Step::Withdraw`] | `Broker::commit`, and `settle` in `broker/src/escrow.rs` |
//! | [`Step::Leave`] | `Broker::commit` when its patience ends |
//! | [`Step::Judge`] | `Broker::bury`, `Credentials::lose_grant` |
//! | [`Step::Replay`] | `Broker::replay_escrow`, at the start and by its task |
//! | [`Step::Lapse`] | `LEASE_LIFE` is over, whether its holder is dead or slow |
//!
//! Left out: other accounts, which share nothing with this one; a disk that refuses the escrow; waiting, which is a step
//! that nobody takes yet. A run has a number of mishaps at most, so every run ends.

mod properties;
mod steps;
mod world;

pub use properties::{DURABLE_FIRST, ENDS_WELL, NO_FALSE_REVOCATION, NO_SILENT_LOSS, NO_WAY_BACK};
pub use steps::Step;
pub use world::{Answer, Attempt, Cause, Deposit, Holder, Row, Status, Work, World, Zoom};

use stateright::{Model, Property};

/// The protocol as it is, or with one of its rules broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// As in `broker/src/refresh.rs`.
    Ours,
    /// The grant goes to the store without lying on the disk first.
    WithoutEscrow,
    /// `invalid_grant` is believed at once, whatever became of the row and the lease meanwhile.
    BelievesInvalidGrant,
    /// `invalid_grant` is believed while the generation stands, whoever has the lease.
    JudgesWithoutLease,
    /// The commit needs the lease as well as the generation.
    FencedByLease,
    /// The commit needs nothing: the last one wins.
    Unfenced,
    /// The row does not remember that its token was taken out.
    ForgetsSpending,
    /// The caller gets the token before it is stored.
    AnswersFirst,
}

/// What the checker explores.
#[derive(Clone, Copy, Debug)]
pub struct Refresh {
    /// Which protocol.
    pub design: Design,
    /// How many mishaps one run may have.
    pub mishaps: u8,
}

impl Model for Refresh {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.mishaps)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend(Step::all().filter(|step| world.allows(*step)));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.take(step, self.design);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
