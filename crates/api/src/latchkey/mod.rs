//! `/api/latchkey/v1/`: what Recall's contract does not cover.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod bot_outcomes;
pub(crate) mod callback_secret;
pub(crate) mod connect_links;
pub(crate) mod events;
pub(crate) mod installation;
pub(crate) mod overview;
pub(crate) mod parked_consents;
pub(crate) mod pool_seats;
pub(crate) mod pools;
pub(crate) mod settings;
pub(crate) mod token_links;
pub(crate) mod webhook_endpoints;
pub(crate) mod workspaces;
