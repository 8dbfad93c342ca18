//! The statements, one file for each trait of `store`, and the mapping of rows to its types.

mod access;
mod apps;
mod audit;
mod audit_subjects;
mod bot_leases;
mod bot_log;
mod bot_outputs;
mod bot_places;
mod bot_screenshots;
mod bot_servers;
mod bots;
mod connect;
mod console;
mod credentials;
mod deliveries;
pub(crate) mod events;
mod idempotency;
mod leased_rows;
mod limits;
mod links;
mod log;
mod meeting_events;
mod meetings;
mod overview;
mod parked;
mod pools;
mod probe;
mod realtime;
mod received_events;
mod sealed_cells;
mod stats;
mod used_ids;
mod webhook_endpoints;

pub(crate) use audit_subjects::NotedSubjects;
