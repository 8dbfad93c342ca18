//! The behaviour that every database must have, one function for each.
//!
//! A database's test file has only its constructor:
//!
//! ```ignore
//! store_conformance::conformance_tests!(|| async { open_an_empty_store().await });
//! ```
//!
//! Tests with concurrent callers run `ROUNDS` times: in the first round a database may still be opening connections, so
//! that the callers would run one after the other.

pub mod account_log;
pub mod audit;
pub mod audit_subjects;
pub mod bot_leases;
pub mod bot_lists;
pub mod bot_log;
pub mod bot_outputs;
pub mod bots;
pub mod connect_links;
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

    /// Bytes that stand for a ciphertext; the store can't tell the difference.
    pub fn sealed(&self) -> Sealed {
        Sealed(self.env.entropy.bytes::<24>().to_vec())
    }

    /// A new claim that ends `seconds` from now.
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
        assert!(self.store.create_first_workspace(&workspace, &self.api_key(id)).await.expect("founded"));
        id
    }

    /// A workspace that is not yet stored.
    pub fn workspace_row(&self, id: WorkspaceId) -> Workspace {
        Workspace {
            id,
            name: "w".into(),
            callback_secret: self.sealed(),
            former_callback_secret: None,
            bot_limit: None,
            second_authorization: store::SecondAuthorization::default(),
            ignored_fields: store::IgnoredFields::default(),
            created_at: self.env.now(),
        }
    }

    /// An API key that is not yet stored.
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

/// One `#[tokio::test]` per behaviour, each with its own store. The constructor returns the store
/// and a value that must live as long as the store.
#[macro_export]
macro_rules! conformance_tests {
    ($constructor:expr) => {
        $crate::conformance_tests! { $constructor =>
            workspaces {
                settings_of_a_workspace_change_alone, the_first_workspace_is_created_once,
                concurrent_starts_create_one_workspace, keys_are_found_by_their_hash,
                a_key_is_read_back_unchanged, a_further_workspace_is_stored_with_its_key,
                revoking_a_key_is_final_and_only_in_its_workspace, the_time_of_the_last_use_only_increases,
                a_callback_secret_is_rotated_by_a_caller_that_knows_it,
                one_of_several_concurrent_rotations_succeeds,
                former_secrets_are_erased_once_they_have_expired,
            }
            zoom_oauth_apps {
                apps_stay_in_their_workspace, one_app_per_client_id, a_refused_app_is_probed_by_one_at_a_time,
                a_refusal_of_a_replaced_secret_is_ignored,
                a_webhook_secret_is_replaced_by_a_caller_that_knows_it,
                a_refused_signature_is_recorded_once_until_one_is_accepted,
                an_app_is_removed_once_its_accounts_are_disconnected,
                an_app_that_is_registered_again_keeps_its_id,
                concurrent_connecting_and_removing_leaves_no_account_without_its_app,
                apps_are_listed_in_pages,
            }
            connect_links {
                an_invitation_is_used_once, one_of_several_concurrent_completions_connects,
                an_invitation_is_read_back_unchanged, a_withdrawn_invitation_connects_nothing,
                a_used_invitation_is_not_withdrawn, an_open_invitation_of_an_account_is_found,
                expired_invitations_are_deleted, invitations_are_listed_in_pages,
            }
            console_sessions {
                a_session_is_read_back_unchanged_and_ends, one_of_several_concurrent_browsers_opens_a_link,
                an_expired_link_and_a_session_open_nothing, all_sessions_of_a_key_end_at_once_and_no_others,
                a_new_session_deletes_expired_ones,
            }
            credentials {
                accounts_are_listed_in_pages, a_grant_is_read_back_to_the_microsecond,
                one_account_per_user_and_app, consenting_again_keeps_the_id,
                one_of_several_concurrent_first_consents_creates_the_account, every_concurrent_consent_counts,
                one_lease_at_a_time, an_absurd_lease_and_an_absurd_due_time_are_ignored,
                stored_times_outside_the_range_are_read_as_times,
                one_of_several_concurrent_refreshers_takes_the_lease,
                one_of_several_concurrent_commits_counts, a_lapsed_lease_shows_the_spent_token,
                a_commit_increases_the_generation_once, a_late_answer_saves_the_account,
                a_fenced_holder_changes_nothing, a_lost_grant_is_not_leased, release_can_undo_the_spending,
                a_failed_refresh_degrades_until_one_succeeds, one_of_several_concurrent_failures_counts,
                a_disconnected_account_has_no_token, a_due_account_is_claimed_once,
                concurrent_refreshers_share_the_due_accounts, a_use_makes_the_next_refresh_earlier,
                voiding_changes_only_the_epoch, a_consent_is_found_however_often_it_was_refreshed,
            }
            idempotency {
                a_repeated_request_gets_the_first_answer, a_request_with_an_expired_lease_is_begun_again,
                an_abandoned_request_may_be_sent_again_at_once, one_concurrent_request_is_first,
                expired_requests_are_deleted_in_batches,
            }
            account_log {
                changes_of_state_leave_one_line_each, lines_stay_in_their_workspace, pages_go_back_in_time,
            }
            meeting_events {
                events_are_stored_in_order_and_read_from_any_number,
                an_event_is_stored_once_and_only_under_the_bots_lease,
                erased_events_are_gone_and_their_numbers_stay_taken,
                events_are_erased_after_their_retention_time, bots_recognize_each_other_in_a_meeting,
            }
            meetings {
                a_due_time_of_a_wrong_clock_does_not_delay_a_list,
                a_personal_link_is_resolved_by_an_account_that_may_act_for_its_host,
                a_lease_of_a_wrong_clock_does_not_block_a_list, a_meeting_known_from_the_future_is_replaced,
                a_list_replaces_the_previous_one, the_hosts_own_account_comes_first,
                disconnecting_deletes_the_meetings, a_due_account_is_synced_by_one_worker,
                a_fenced_sync_writes_nothing, a_request_during_a_sync_causes_another,
                a_failed_sync_is_counted_and_keeps_known_meetings,
                a_webhook_updates_the_host_and_the_accounts_that_act_for_the_host,
                a_meeting_that_moves_has_one_host, an_older_list_restores_nothing,
                an_unclear_change_makes_the_list_due, pages_of_meetings_miss_nothing,
            }
            received_events {
                an_event_counts_once_and_ends_the_account, an_event_that_ends_no_account_is_finished_at_once,
                an_earlier_event_does_not_end_a_later_consent, one_of_several_concurrent_deliveries_counts,
                only_finished_events_are_deleted, all_registrations_get_an_event_or_none,
                the_registrations_of_an_app_are_found_in_every_workspace, the_validation_of_an_app_is_stored,
            }
            audit {
                a_batch_is_read_back_unchanged, storing_a_batch_again_changes_nothing,
                a_batch_is_stored_whole_or_not_at_all, an_export_misses_no_record_while_others_are_added,
                audit_pages_go_back_in_time, pages_do_not_depend_on_how_records_were_written,
                a_large_page_is_cut_at_its_limit, times_and_workspaces_are_filters,
                old_records_are_deleted_in_batches_oldest_first,
            }
            audit_subjects {
                records_are_found_by_account_link_key_and_bot, pages_of_one_subject_are_complete,
                a_subject_of_many_minutes_is_found_completely, records_written_late_or_twice_are_found_once,
                a_bot_of_the_same_name_elsewhere_is_not_shown,
                pruned_records_are_gone_and_the_others_are_found,
            }
            zoom_limits {
                a_limit_is_read_back_unchanged, a_limit_is_not_overwritten_from_an_old_version,
                one_of_several_concurrent_writers_is_first, unused_limits_are_deleted,
            }
            stats { accounts_are_counted_by_state }
            probe { a_working_store_can_be_probed_repeatedly }
            parked_consents {
                a_parked_consent_is_read_back_unchanged, one_is_parked_for_each_user,
                the_oldest_parked_consents_are_deleted, adopting_connects_and_deletes_once,
                a_consent_deletes_the_users_parked_consents, parked_consents_can_be_erased,
                an_installed_app_is_named_or_the_only_one,
            }
            pools {
                a_pool_is_read_back_unchanged, held_seats_are_listed_until_they_expire,
                a_pool_is_changed_by_its_own_workspace, a_pool_is_deleted_once_no_seat_is_taken,
                seats_spread_and_run_out, a_second_request_keeps_the_seat,
                no_person_is_in_a_meeting_twice_through_any_pool, an_account_hosts_no_more_than_it_may,
                a_seat_of_the_meetings_host_counts_as_hosting, unusable_accounts_are_not_chosen,
                seats_are_freed_by_release_and_by_expiry, a_bots_last_step_releases_its_seats,
                a_seat_of_a_wrong_clock_is_ignored, concurrent_requests_see_each_others_seats,
            }
            token_links {
                a_link_is_read_back_unchanged, changes_that_affect_tokens_change_the_revision,
                other_changes_leave_the_revision, links_are_listed_newest_first_in_pages,
                one_of_several_concurrent_changes_counts, uses_are_counted_to_the_last,
                the_last_uses_are_shown, a_request_is_stored_with_its_first_time,
                revoking_is_final_and_only_in_its_workspace,
            }
            events {
                a_bots_step_is_an_event_as_soon_as_it_is_recorded, a_refused_step_is_not_an_event,
                an_accounts_change_of_state_is_one_event, numbers_have_no_gaps_with_concurrent_writers,
                a_stream_can_be_read_from_any_number, a_commit_wakes_waiting_callers,
                old_events_are_deleted_in_batches,
            }
            webhooks {
                an_endpoint_is_read_back_unchanged, a_workspace_has_no_more_endpoints_than_it_may,
                an_event_is_delivered_to_endpoints_of_its_type, events_of_one_subject_are_delivered_in_order,
                releasing_an_endpoint_returns_when_it_is_due,
                an_impossible_due_time_does_not_delay_a_delivery,
                a_delivery_added_to_an_emptying_queue_is_due, attempts_need_the_lease,
                deliveries_are_listed_with_their_results,
                a_failed_endpoint_gets_no_events_until_it_is_switched_on,
                a_recovered_endpoint_gets_its_events_at_once,
                an_endpoint_that_is_down_waits_for_its_probe_or_a_caller,
                other_endpoints_get_an_event_when_one_is_switched_off,
                a_test_reaches_one_endpoint_whatever_it_listens_to, events_can_be_delivered_again_in_order,
                workspaces_take_turns_and_a_host_has_a_part_of_the_slots, pending_deliveries_are_counted,
            }
            realtime_endpoints {
                a_workspace_has_a_part_of_the_slots, endpoints_are_due_when_there_are_new_events,
                a_failed_endpoint_waits_despite_new_events, an_impossible_due_time_does_not_delay_an_endpoint,
                progress_needs_the_lease, an_endpoint_ends_once_with_its_event,
                endpoints_of_a_bot_that_runs_again_are_not_changed,
                events_during_the_settling_of_an_endpoint_are_not_missed, new_events_wake_waiting_callers,
            }
            overview {
                accounts_and_bots_are_counted, accounts_with_tokens_are_grouped_by_possible_obstacles,
                refreshes_are_counted_by_result, a_join_time_is_counted_from_the_last_start, usable_objects_count,
                open_invitations_count,
            }
            used_ids { ids_of_one_server_are_read_by_others }
            sealed_cells {
                every_cell_is_visited_once, every_sealed_column_can_be_read,
                a_cell_is_replaced_only_while_it_is_unchanged,
            }
            bot_log {
                entries_are_numbered_in_the_order_of_writing, writing_a_batch_again_changes_nothing,
                concurrent_writers_share_one_sequence_of_numbers, a_full_log_says_so,
                entries_are_erased_by_kind_and_only_by_their_workspace,
                entries_are_deleted_by_age_and_with_their_bot,
            }
            bot_outputs {
                a_picture_belongs_to_its_bot_and_is_replaced,
                a_picture_is_changed_with_the_request_or_not_at_all, a_bots_output_is_erased_at_its_end,
                a_message_is_taken_once_and_only_under_the_bots_lease,
                the_number_of_queued_messages_is_limited, a_queued_message_can_be_erased,
            }
            bots {
                a_bot_is_read_back_unchanged, no_concurrent_step_follows_the_last, steps_need_the_lease,
                a_text_with_nul_is_stored, forbidden_steps_change_nothing, a_terminal_step_ends_everything,
                leaving_is_requested_once, screenshots_stay_in_their_workspace,
                a_bots_screenshots_are_deleted_by_its_own_workspace,
                old_screenshots_are_deleted_in_batches_oldest_first, bots_that_ended_long_ago_are_deleted,
                a_bot_is_changed_until_its_first_step, a_bot_is_cancelled_until_its_first_step,
                a_bot_is_either_cancelled_or_joins,
            }
            bot_leases {
                an_absurd_lease_does_not_block_a_bot, due_bots_are_leased_once,
                concurrent_supervisors_share_the_bots, a_bot_with_an_expired_lease_is_leased_again,
                servers_that_run_bots_are_listed_with_their_capacity, bots_are_leased_ahead_of_their_time,
                the_demand_for_slots_respects_the_limits, workspaces_share_the_free_slots,
                a_workspace_runs_no_more_bots_than_its_limit,
                bots_that_will_not_join_are_leased_despite_the_limit,
            }
            bot_lists {
                lists_are_newest_first_and_stable, filters_of_bots_apply,
                bots_are_found_by_sub_code_and_account, outcomes_of_bots_are_counted_by_hour,
                the_next_bots_of_an_account_are_listed_and_all_are_counted,
            }
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
