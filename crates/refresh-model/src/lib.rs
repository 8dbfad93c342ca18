//! A model of the refresh protocol, small enough to be checked in every order of events.
//!
//! There are one account, two servers, and Zoom, which invalidates a refresh token when it answers with the next one. A
//! checker tries every order in which servers take their steps, die and restart, answers get lost, leases expire, the store
//! is down, and the user withdraws the consent or gives it again. `tests/check.rs` runs it, and shows that each rule of the
//! protocol is needed: without the rule, the checker finds an account that is lost.
//!
//! How it maps to the code:
//!
//! | here | in the broker and the store |
//! |---|---|
//! | [`Row`] | `store::Credential`; `spent` is `spent_at`, `fresh` is `Grants::lasts` |
//! | [`Step::Lease`] | `lease_refresh`, called by `Refresher::refresh_once` |
//! | [`Step::Send`], [`Step::Read`] | `Refresher::spend`: one call, and a retry with the same token when in doubt |
//! | [`Step::Escrow`], [`Step::Commit`], [`Step::Withdraw`] | `Refresher::commit` and `Grants::settle` |
//! | [`Step::Leave`] | `Refresher::commit`, when the store is down for too long |
//! | [`Step::Judge`] | `Refresher::mark_dead`, `lose_grant` |
//! | [`Step::Replay`] | `Grants::replay`, at the start and by a worker |
//! | [`Step::Lapse`] | the lease expires, whether its holder is dead or slow |
//!
//! The model leaves out other accounts, which share nothing with this one; a disk that refuses the escrow; and waiting,
//! which is a step that is not yet taken. A run has a limited number of mishaps, so every run ends.

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
    /// As in the broker (`accounts/refresh.rs`).
    Ours,
    /// The grant is stored without being written to the disk first.
    WithoutEscrow,
    /// `invalid_grant` takes effect at once, even if the row or the lease has changed since.
    BelievesInvalidGrant,
    /// `invalid_grant` takes effect while the generation is the same, even without the lease.
    JudgesWithoutLease,
    /// The commit needs the lease as well as the generation.
    FencedByLease,
    /// The commit has no condition: the last one wins.
    Unfenced,
    /// The row does not record that its refresh token was sent.
    ForgetsSpending,
    /// The caller gets the token before it is stored.
    AnswersFirst,
}

/// The model that the checker explores.
#[derive(Clone, Copy, Debug)]
pub struct Refresh {
    /// The protocol.
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
