//! The protocol holds in every order of events, and each of its rules is needed.

use std::collections::HashMap;

use refresh_model::{
    DURABLE_FIRST, Design, ENDS_WELL, NO_FALSE_REVOCATION, NO_SILENT_LOSS, NO_WAY_BACK, Refresh, World,
};
use stateright::{Checker, HasDiscoveries, Model};

/// The maximum number of mishaps in one run.
const MISHAPS: u8 = 4;

#[test]
fn the_protocol_holds_in_every_order_of_events() {
    let checker = Refresh { design: Design::Ours, mishaps: MISHAPS }.checker().spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn every_run_ends() {
    /// The maximum number of remaining steps. Panics if a state occurs twice in one run.
    fn longest(model: Refresh, world: World, known: &mut HashMap<World, Option<usize>>) -> usize {
        if let Some(steps) = known.get(&world) {
            return steps.expect("no state occurs twice in a run");
        }
        known.insert(world.clone(), None);
        let next = model.next_states(&world);
        let steps = next.into_iter().map(|next| 1 + longest(model, next, known)).max().unwrap_or(0);
        known.insert(world, Some(steps));
        steps
    }
    let model = Refresh { design: Design::Ours, mishaps: MISHAPS - 1 };
    let steps = longest(model, model.init_states().remove(0), &mut HashMap::new());
    println!("the longest run has {steps} steps");
}

/// Asserts that `design` breaks `promise`, and prints the shortest sequence of steps.
fn assert_breaks(design: Design, promise: &'static str) {
    let first = HasDiscoveries::AnyOf([promise].into_iter().collect());
    let checker = Refresh { design, mishaps: MISHAPS }.checker().finish_when(first).spawn_bfs().join();
    let path = checker.discovery(promise).unwrap_or_else(|| panic!("{design:?} keeps it: {promise}"));
    println!("{design:?}: {:?}", path.into_actions());
}

#[test]
fn a_grant_that_waits_for_the_store_needs_the_disk() {
    assert_breaks(Design::WithoutEscrow, NO_SILENT_LOSS);
}

#[test]
fn invalid_grant_is_judged_last() {
    assert_breaks(Design::BelievesInvalidGrant, ENDS_WELL);
    assert_breaks(Design::BelievesInvalidGrant, NO_FALSE_REVOCATION);
}

#[test]
fn a_server_without_the_lease_must_not_declare_a_grant_dead() {
    assert_breaks(Design::JudgesWithoutLease, NO_FALSE_REVOCATION);
}

#[test]
fn a_commit_that_needs_the_lease_loses_the_valid_grant() {
    assert_breaks(Design::FencedByLease, NO_SILENT_LOSS);
}

#[test]
fn an_unconditional_commit_restores_a_dead_grant() {
    assert_breaks(Design::Unfenced, NO_WAY_BACK);
}

#[test]
fn without_a_record_of_spending_a_lost_answer_looks_like_a_revocation() {
    assert_breaks(Design::ForgetsSpending, NO_FALSE_REVOCATION);
}

#[test]
fn a_caller_that_is_answered_before_the_commit_sees_a_token_that_a_crash_can_lose() {
    assert_breaks(Design::AnswersFirst, DURABLE_FIRST);
}
