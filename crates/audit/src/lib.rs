//! No record, no token: who was given which token of which account, from where and what for.
//!
//! Every token leaves as [`Audited`], which only this crate can make: [`Audit::audited`] runs what fetches the token, has the
//! record written, and then wraps it.
//!
//! - [`audited`]: the way out for a token, and what a record says of it.
//! - `writer`: group commit. A token waits for the batch that holds its record.
//! - [`Journal`]: records on this server's disk, where that is as good as the store, or while the store is away;
//!   [`recover_journal`] brings what a dead process has left there into the store.
//! - `retention`: reading the audit, and deleting what is older than is kept.
//!
//! A record says `given` when the token was about to be handed over. A caller who hung up, or whose time ran out, while the
//! record was written has no token all the same: the audit may claim too much, never too little. A request that was refused
//! leaves a record with the failure's code, if it came as far as being answered for an account. Nobody waits for that one.
//! What is refused before that (address, signature, replay) leaves none: strangers must not be able to write here.

pub mod audited;
mod journal;
mod old_segments;
mod recover;
mod retention;
mod writer;

use model::{Code, Failure};
use serde::{Deserialize, Serialize};

pub use audited::{Asker, Audited, TokenAccess};
pub use journal::Journal;
pub use recover::recover_journal;
pub use writer::Audit;

/// What happens to a token whose record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditMode {
    /// It is not given: the store is away, and this server's disk can't take the record either.
    #[default]
    Strict,
    /// It is given without waiting for its record, which waits in memory, and goes to the log when there are too many.
    Relaxed,
}

fn unwritten() -> Failure {
    Failure::new(Code::Unavailable, "the audit cannot be written, and without a record no token is given")
}
