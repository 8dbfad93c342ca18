//! Token links: the addresses that bot platforms fetch tokens from (`/t/<link>.<secret>`).
//!
//! | module | |
//! |---|---|
//! | `token_links` | [`TokenLinks`]: the order in which a request is checked and answered, and the parts of the crate |
//! | `link_cache` | finds links and caches them: row, verifier and the state of their accounts |
//! | `revision` | whether the cache is still current: one number, read once a second |
//! | `verify` | checks whether a request may use a link: secret, life, source, signature |
//! | `replay`, `used_ids` | whether a request was received before, on this or another server |
//! | `in_flight`, `link_limits` | limits of concurrent fetches; limits of fetches in a minute and of total uses |
//! | `account_selection` | selects the account and gets its token |
//! | `account_refusal_log` | lines in an account's log about tokens that it could not give |
//! | `report` | a platform's report that a bot has ended |
//! | `recent_uses` | the last uses of each link |
//! | `refusals` | events about refused fetches |
//! | `manage` | creates, narrows and revokes links |
//! | [`dialects`] | how each platform requests tokens and expects its answers, a file each |
//! | `request`, `answer` | a request as received, and what it requests; its answer |
//!
//! Imports go one way: `token_links` → `manage`, `verify` → `link_cache` → `replay`, `report` → `dialects` →
//! `account_selection` → `recent_uses`, `account_refusal_log` → the rest, which import nothing of this crate.
//!
//! The contract defines the order: link secret, link live, source, signature, replay, meeting rule, rate, uses, mint,
//! audit, answer. No token is minted before all checks have passed.

mod account_refusal_log;
mod account_selection;
mod answer;
pub mod dialects;
mod in_flight;
mod link_cache;
mod link_limits;
mod manage;
mod recent_uses;
mod refusals;
mod replay;
mod report;
mod request;
mod revision;
mod token_links;
mod used_ids;
mod verify;

pub use account_selection::{AccountSelection, TokenRequest};
pub use answer::Content;
pub use dialects::{LinkRefusal, attendee_signature};
pub use in_flight::MAX_OF_A_WORKSPACE;
pub use manage::{LinkAddress, LinkManager, Narrowed, Narrowing, NewLink};
pub use recent_uses::RecentUses;
pub use refusals::{CountedRefusals, Refusals};
pub use replay::ReplayGuard;
pub use request::{LinkRequest, QUERY_PARAMETERS, Requested};
pub use token_links::{Parts, TokenLinks};
pub use used_ids::REMEMBERED_IDS;
