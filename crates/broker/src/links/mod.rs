//! Token links: the addresses that bot platforms fetch tokens from (`/t/<link>.<secret>`).
//!
//! | room | |
//! |---|---|
//! | `office` | links are made, narrowed and revoked |
//! | `live` | a link as it is served: row, keys and the state of its accounts, kept in memory |
//! | `revision` | whether what is kept is still so: one number, asked for once a second |
//! | `proof` | what shows that a request is the platform's: source, signature, replay |
//! | `asked` | what a request asks for, in each dialect |
//! | `serve` | the order of checks, for answers that are one token |
//! | `attendee` | the same for answers that are an object of tokens |
//! | `draw` | whose token it is, and the token |
//! | `status` | a platform tells that a bot has ended |
//! | `uses` | the last uses of each link |
//!
//! The order of checks is the contract's: link secret, link live, source, proof, replay, meeting rule, rate, uses, mint, audit,
//! answer. Nothing is minted before all of them have passed.

mod asked;
mod attendee;
mod draw;
mod live;
mod office;
mod proof;
mod revision;
mod serve;
mod status;
mod uses;

pub use asked::QUERY_PARAMETERS;
pub use attendee::AttendeeAnswer;
pub(crate) use live::LinkCache;
pub use office::{LinkAddress, Narrowed, Narrowing, NewLink, can_verify};
pub(crate) use revision::STORE_MAY_BE_AWAY;
pub use serve::{LinkAnswer, LinkRefusal, LinkRequest};
pub(crate) use uses::Uses;
