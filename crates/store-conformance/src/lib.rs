//! The behaviour that every database must have, one function for each.
//!
//! A database's test file holds only its constructor:
//!
//! ```ignore
//! store_conformance::conformance_tests!(|| async { open_an_empty_store().await });
//! ```
//!
//! Tests with concurrent callers run `ROUNDS` times: in the first round a database may still be opening connections,
//! and the callers would run one after another.

pub mod account_log;
pub mod audit;
pub mod audit_subjects;
pub mod bot_leases;
pub mod bot_lists;
pub mod bot_log;
pub mod bot_outputs;
pub mod bots;
pub mod consents;
pub mod console_sessions;
pub mod credentials;
pub mod events;
pub mod idempotency;
pub mod meeting_events;
pub mod meetings;
pub mod overview;
pub mod parked_consents;
pub mod pools;
pub mod probe;
pub mod realtime_endpoints;
pub mod received_events;
pub mod sealed_cells;
pub mod stats;
pub mod token_links;
pub mod used_ids;
pub mod webhooks;
pub mod workspaces;
pub mod zoom_limits;
pub mod zoom_oauth_apps;

use std::sync::Arc;

use model::{
    ApiKeyId, ApiScopes, Environment, LeaseToken, LogLineId, ManualClock, Sealed, SeededEntropy, Timestamp,
    WorkspaceId, ZoomOauthAppId,
};

use store::{ApiKey, AppKind, Lease, Note, Signatures, Store, Workspace, ZoomOauthApp};

/// Number of concurrent callers.
const CALLERS: usize = 6;
/// Number of rounds.
const ROUNDS: usize = 5;

/// A store under test, with a stopped clock and repeatable randomness.
pub struct Conformance {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Time and randomness.
    pub env: Environment,
}

impl Conformance {
    /// Wraps an empty store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_microsecond(1_800_000_000_123_456)));
        Self { store, env: Environment { clock, entropy: Arc::new(SeededEntropy::new(7)) } }
    }

    /// A ciphertext; the store can't tell whether it is one.
    pub fn sealed(&self) -> Sealed {
        Sealed(self.env.entropy.bytes::<24>().to_vec())
    }

    /// A fresh claim that ends `seconds` from now.
    pub fn lease(&self, seconds: u64) -> Lease {
        Lease {
            token: LeaseToken::generate(&self.env),
            expires_at: self.env.now() + std::time::Duration::from_secs(seconds),
        }
    }

    /// A note with this message, at the current time.
    pub fn note(&self, message: &str) -> Note {
        Note { id: LogLineId::generate(&self.env), at: self.env.now(), message: message.into(), code: None }
    }

    /// The first workspace.
    pub async fn workspace(&self) -> WorkspaceId {
        let id = WorkspaceId::generate(&self.env);
        let workspace = Workspace { name: "Zoë’s team 🗝".into(), ..self.workspace_row(id) };
        assert!(self.store.found(&workspace, &self.api_key(id)).await.expect("founded"));
        id
    }

    /// A workspace that isn't stored yet.
    pub fn workspace_row(&self, id: WorkspaceId) -> Workspace {
        Workspace {
            id,
            name: "w".into(),
            callback_secret: self.sealed(),
            former_callback_secret: None,
            created_at: self.env.now(),
        }
    }

    /// An API key that isn't stored yet.
    pub fn api_key(&self, workspace: WorkspaceId) -> ApiKey {
        ApiKey {
            id: ApiKeyId::generate(&self.env),
            workspace,
            name: "first".into(),
            digest: self.env.entropy.bytes(),
            prefix: "lk_Ab3d".into(),
            scopes: ApiScopes::of_a_workspace(),
            per_minute: None,
            created_at: self.env.now(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        }
    }

    /// A registered app.
    pub async fn app(&self, workspace: WorkspaceId, client_id: &str) -> ZoomOauthApp {
        let app = ZoomOauthApp {
            id: ZoomOauthAppId::generate(&self.env),
            workspace,
            kind: AppKind::UserLevel,
            client_id: client_id.into(),
            client_secret: self.sealed(),
            webhook_secret: self.sealed(),
            former_webhook_secret: None,
            zoom_account_id: Some("account-1".into()),
            webhook_last_validation: None,
            refusal: None,
            signatures: Signatures::default(),
            created_at: self.env.now(),
        };
        self.store.add_zoom_oauth_app(&app).await.expect("registered");
        app
    }
}

/// One `#[tokio::test]` per behaviour, each with a store of its own. The constructor returns the
/// store and what must live as long as it does.
#[macro_export]
macro_rules! conformance_tests {
    ($constructor:expr) => {
        $crate::conformance_tests! { $constructor =>
            workspaces { a_workspace_chooses_what_becomes_of_ignored_fields, a_workspace_chooses_what_a_second_authorization_comes_to, the_first_workspace_is_founded_once, of_founders_at_once_one_founds, keys_are_found_by_their_hash,
                     a_key_comes_back_whole, one_more_workspace_comes_with_its_key, revoking_a_key_is_final_and_local,
                     the_last_use_only_moves_on, a_callback_secret_is_rotated_by_a_caller_that_knows_it,
                     of_rotations_at_once_one_counts, former_secrets_are_erased_once_they_have_ended }
            zoom_oauth_apps { apps_stay_in_their_workspace, one_app_per_client_id, a_refused_app_is_probed_by_one_at_a_time,
                   a_refusal_of_a_replaced_secret_says_nothing, a_webhook_secret_is_replaced_by_a_caller_that_knows_it,
                   a_refused_signature_is_noted_once_until_one_is_accepted, an_app_goes_when_its_accounts_have_gone,
                   an_app_that_comes_back_is_the_same,
                   connecting_and_removing_at_once_leaves_no_account_without_its_app,
                   apps_are_listed_in_pages }
            consents { an_invitation_is_used_once, of_completions_at_once_one_connects, an_invitation_comes_back_whole,
                      a_withdrawn_invitation_connects_nothing, a_used_invitation_is_not_withdrawn,
                      an_open_invitation_of_an_account_is_found, invitations_that_have_ended_are_forgotten,
                      invitations_are_listed_in_pages }
            console_sessions { a_session_comes_back_whole_and_ends, of_browsers_at_once_one_opens_a_link,
                      a_link_that_has_ended_and_a_session_open_nothing,
                      all_sessions_of_a_key_end_at_once_and_no_others,
                      a_new_session_clears_away_those_that_have_ended }
            credentials { accounts_are_listed_in_pages, a_grant_survives_to_the_microsecond, one_account_per_user_and_app,
                          consenting_again_keeps_the_id,
                          of_first_consents_at_once_one_makes_the_account, consents_at_once_each_count,
                          one_lease_at_a_time, an_absurd_lease_and_an_absurd_due_time_hold_nobody_up,
                          what_was_stored_is_a_time_whatever_it_was,
                          of_refreshers_at_once_one_takes_the_lease, of_commits_at_once_one_counts, a_lapsed_lease_shows_the_spent_token,
                          a_commit_moves_the_generation_once, a_late_answer_saves_the_account,
                          a_fenced_holder_changes_nothing,
                          a_lost_grant_is_not_leased, release_can_undo_the_spending,
                          a_failed_refresh_degrades_until_one_succeeds, of_failures_at_once_one_counts,
                          what_is_disconnected_holds_no_token,
                          who_is_due_is_claimed_once, refreshers_at_once_share_what_is_due,
                          using_brings_the_next_look_forward, voiding_moves_the_epoch_alone,
                          a_consent_is_known_however_often_it_was_refreshed }
            idempotency { a_repeated_request_gets_the_first_answer, a_lapsed_request_is_taken_on_again,
                          an_abandoned_request_may_come_again_at_once, of_the_same_at_once_one_is_first,
                          what_is_past_its_time_is_forgotten_few_at_a_time }
            account_log { changes_of_state_leave_one_line_each, lines_stay_in_their_workspace, pages_go_back_in_time }
            meeting_events { events_are_kept_in_order_and_read_from_any_number_on,
                       an_event_is_kept_once_and_by_who_holds_the_bot,
                       erased_events_are_gone_and_their_numbers_stay_taken,
                       events_are_forgotten_so_long_after_their_bots_end, bots_know_each_other_in_a_meeting }
            meetings { a_due_time_of_a_wrong_clock_puts_no_list_off, a_personal_link_leads_to_the_room_of_an_account_that_may_act_for_its_host, a_lease_of_a_wrong_clock_holds_no_list_up,
                a_meeting_known_from_the_future_is_replaced, a_list_replaces_the_list_before, the_host_wins, disconnecting_forgets_its_meetings,
                       who_is_due_is_synced_by_one, a_fenced_sync_writes_nothing,
                       who_asks_during_a_sync_gets_another, a_failed_sync_is_counted_and_keeps_what_is_known,
                       what_zoom_tells_reaches_the_host_and_who_speaks_for_her,
                       a_meeting_that_moves_has_one_host,
                       a_list_from_before_brings_nothing_back, what_only_a_list_can_tell_is_listed,
                       pages_of_meetings_miss_nothing }
            received_events { an_event_counts_once_with_what_it_ends, an_event_that_ends_nothing_is_done_at_once,
                    a_later_consent_outlives_an_earlier_event, of_deliveries_at_once_one_counts,
                    only_what_is_finished_is_forgotten, every_registration_is_told_at_once_or_none,
                    the_registrations_of_an_app_are_found_in_every_workspace, an_app_remembers_its_validation }
            audit { a_batch_comes_back_whole, a_batch_again_changes_nothing,
                    a_batch_is_stored_whole_or_not_at_all, an_export_misses_nothing_while_records_come,
                    pages_go_back_in_time_too, pages_do_not_show_how_records_were_written,
                    a_page_of_many_is_cut_where_it_says, spans_and_workspaces_narrow,
                    the_oldest_go_first_and_few_at_a_time }
            audit_subjects { records_are_found_by_account_link_key_and_bot,
                             of_records_about_one_thing_pages_meet,
                             a_thing_of_many_minutes_is_found_to_its_end,
                             what_is_written_late_or_twice_is_found_once,
                             a_bot_of_the_same_name_elsewhere_is_not_shown,
                             what_is_pruned_is_found_no_more_and_what_stays_is }
            zoom_limits { a_limit_comes_back_whole, nobody_overwrites_a_limit_unseen, of_takers_at_once_one_is_first,
                     limits_that_nobody_uses_are_forgotten }
            stats { accounts_are_counted_by_state }
            probe { a_store_that_works_can_be_probed_again_and_again }
            parked_consents { a_parked_consent_comes_back_whole, one_is_parked_for_each_user, the_oldest_make_room,
                     adopting_connects_and_ends_it_once, a_consent_ends_what_is_parked_of_the_user,
                     what_is_parked_can_be_erased, an_installed_app_is_named_or_the_only_one }
            pools { a_pool_comes_back_whole, who_holds_seats_is_known_while_they_last, a_pool_is_changed_by_its_own_workspace,
                    a_pool_is_deleted_when_nobody_sits_there, seats_spread_and_run_out,
                    asking_again_keeps_the_seat, nobody_is_twice_in_a_meeting_through_any_pool,
                    an_account_hosts_no_more_than_it_may, a_seat_of_the_meetings_host_counts_as_hosting, the_dead_are_passed_over,
                    seats_come_back_by_their_holders_end_and_by_time, a_bots_last_step_gives_its_seats_back, a_seat_of_a_wrong_clock_keeps_nobody_away,
                    of_many_who_ask_at_once_each_sees_what_the_others_took }
            token_links { a_link_comes_back_whole, what_a_link_gives_moves_the_revision, what_a_link_does_not_give_leaves_it,
                 links_are_listed_newest_first_in_pages, of_changes_at_once_one_counts,
                    uses_are_counted_to_the_last, the_last_uses_are_shown,
                    a_request_is_remembered_from_its_first_time, revoking_is_final_and_local }
            events { a_bots_step_is_an_event_as_soon_as_it_is_recorded, a_step_that_is_refused_is_no_event,
                     an_accounts_change_of_state_is_one_event, numbers_have_no_gaps_with_concurrent_writers,
                     a_stream_is_read_on_from_any_number, who_waits_is_woken_by_a_commit,
                     old_events_are_forgotten_few_at_a_time }
            webhooks { an_endpoint_comes_back_whole, a_workspace_has_no_more_endpoints_than_it_may,
                       an_event_reaches_who_listens_to_it, events_of_one_subject_follow_one_another,
                       an_endpoint_that_is_given_back_says_when_it_is_due, a_due_time_that_no_clock_can_have_given_holds_no_delivery_up,
                       who_joins_a_queue_that_empties_is_due,
                       attempts_need_the_lease, deliveries_are_listed_with_what_became_of_them,
                       an_endpoint_that_failed_is_told_of_nothing_until_it_is_switched_on,
                       an_endpoint_that_is_back_is_told_at_once,
                       an_endpoint_that_is_down_waits_for_its_probe_or_a_caller,
                       other_endpoints_get_an_event_when_one_is_switched_off,
                       a_test_reaches_one_endpoint_whatever_it_listens_to,
                       what_was_delivered_can_be_sent_again_in_order,
                       workspaces_take_turns_and_a_host_has_a_part_of_the_places, what_waits_is_counted }
            realtime_endpoints { a_workspace_has_a_part_of_the_places,
                       endpoints_are_due_when_something_happens, an_endpoint_that_failed_waits_whatever_happens,
                       a_due_time_that_no_clock_can_have_given_holds_no_endpoint_up,
                       progress_needs_the_lease, an_endpoint_ends_once_with_its_event,
                       endpoints_of_a_bot_that_runs_again_stay_as_they_are,
                       what_happens_while_an_endpoint_settles_is_not_overlooked, who_waits_is_woken_by_what_happens }
            overview {
                accounts_and_bots_are_counted, accounts_with_tokens_are_grouped_by_what_may_hinder_them,
                refreshes_are_counted_by_how_they_ended, a_join_takes_from_its_last_beginning,
                what_can_be_used_is_held, an_open_invitation_is_held,
            }
            used_ids { what_one_has_used_the_others_read }
            sealed_cells { every_cell_is_walked_past_once, every_sealed_column_can_be_walked,
                           a_cell_is_replaced_only_while_it_holds_what_it_held }
            bot_log { entries_are_numbered_in_the_order_of_their_writing, a_batch_that_is_written_again_changes_nothing,
                      writers_at_once_share_one_row_of_numbers, a_log_has_an_end_and_says_so,
                      kinds_of_entries_are_erased_by_their_own_workspace, entries_go_with_their_time_and_with_their_bot }
            bot_outputs { a_picture_is_its_bots_and_replaced_whole, a_bots_picture_is_changed_with_its_request_or_not_at_all, what_a_bot_shows_and_says_ends_with_it,
                          a_message_is_taken_once_and_by_who_holds_the_bot, only_so_many_messages_wait,
                          a_message_that_nobody_has_taken_can_be_withdrawn }
            bots { a_bot_comes_back_whole, of_steps_at_once_none_follows_the_last, steps_need_the_lease,
                   a_text_with_nul_is_stored, forbidden_steps_change_nothing, a_terminal_step_ends_everything, leaving_is_asked_once,
                   screenshots_stay_in_their_workspace, a_bots_screenshots_are_deleted_by_its_own_workspace,
                   old_screenshots_go_first_and_few_at_a_time, bots_that_ended_long_ago_are_forgotten,
                   a_bot_is_changed_until_its_first_step, a_bot_is_cancelled_until_its_first_step,
                   a_bot_is_cancelled_or_joins_never_both }
            bot_leases { an_absurd_lease_keeps_no_bot, due_bots_are_leased_once,
                         supervisors_at_once_share_the_bots, a_lapsed_bot_is_leased_again,
                         servers_that_run_bots_are_known_with_their_capacity,
                         bots_are_leased_ahead_of_their_time, the_demand_for_places_knows_the_limits,
                         workspaces_share_what_is_free, a_workspace_runs_no_more_bots_than_its_limit,
                         what_joins_no_meeting_any_more_is_leased_whatever_the_limit }
            bot_lists { lists_are_newest_first_and_stable, filters_narrow,
                        bots_are_found_by_sub_code_and_account, what_bots_came_to_is_counted_by_hour,
                        the_next_bots_of_an_account_are_named_and_all_are_counted }
        }
    };
    ($constructor:expr => $($module:ident { $($behaviour:ident),* $(,)? })*) => {$(
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let (store, _guard) = ($constructor)().await;
                    let suite = $crate::Conformance::new(store);
                    $crate::$module::$behaviour(&suite).await;
                }
            )*
        }
    )*};
}
