//! The statements, one file for each trait of `store`, and the mapping of rows to its types.

mod account_log;
mod audit;
mod audit_subjects;
mod bot_leases;
mod bot_log;
mod bot_outputs;
mod bot_participants;
mod bot_screenshots;
mod bot_servers;
mod bots;
mod connect_links;
mod console_sessions;
mod credentials;
mod deliveries;
pub(crate) mod events;
mod idempotency;
mod leased_rows;
mod meeting_events;
mod meetings;
mod overview;
mod parked_consents;
mod pools;
mod probe;
mod realtime_endpoints;
mod received_events;
mod sealed_cells;
mod stats;
mod token_links;
mod used_ids;
mod webhook_endpoints;
mod workspaces;
mod zoom_limits;
mod zoom_oauth_apps;

pub(crate) use audit_subjects::NotedSubjects;
