//! Token links: the addresses that bot platforms fetch tokens from (`/t/<link>.<secret>`).
//!
//! | module | |
//! |---|---|
//! | `token_links` | [`TokenLinks`]: the order in which a request is checked and answered, and what its parts are made of |
//! | `link_cache` | finds links and keeps them in memory: row, verifier and the state of their accounts |
//! | `revision` | whether the cache is still current: one number, read once a second |
//! | `verify` | whether a request may use a link: secret, life, source, signature |
//! | `replay`, `used_ids` | whether it was there before, here or at another server |
//! | `in_flight`, `link_limits` | fetches that are answered at once; fetches in a minute, and uses in all |
//! | `account_selection` | whose token it is, and the token |
//! | `owner_alerts` | lines in an account's log about tokens that it could not give |
//! | `report` | a platform tells that a bot has ended |
//! | `recent_uses` | the last uses of each link |
//! | `refusals` | events about refused fetches |
//! | `manage` | links are made, narrowed and revoked |
//! | [`dialects`] | how each platform asks and wants to be answered, a file each |
//! | `request`, `answer` | a request as it came, and what it asks for; what it is answered with |
//!
//! Imports point one way: `token_links` → `manage`, `verify` → `link_cache` → `replay`, `report` → `dialects` →
//! `account_selection` → `recent_uses`, `owner_alerts` → the rest, which import nothing of this crate.
//!
//! The order of checks is the contract's: link secret, link live, source, signature, replay, meeting rule, rate, uses, mint,
//! audit, answer. Nothing is minted before all of them have passed.

mod account_selection;
mod answer;
pub mod dialects;
mod in_flight;
mod link_cache;
mod link_limits;
mod manage;
mod owner_alerts;
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
pub use in_flight::MOST_OF_A_WORKSPACE;
pub use manage::{LinkAddress, LinkManager, Narrowed, Narrowing, NewLink};
pub use recent_uses::RecentUses;
pub use refusals::{CountedRefusals, Refusals};
pub use replay::ReplayGuard;
pub use request::{LinkRequest, QUERY_PARAMETERS, Requested};
pub use token_links::{Parts, TokenLinks};
pub use used_ids::REMEMBERED_IDS;
