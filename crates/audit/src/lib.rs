//! No record, no token: the audit records who got which token of which account, from where and for which purpose.
//!
//! Every token leaves as [`Audited`], which only this crate can create: [`Audit::audited`] fetches the token, writes the
//! record, and then wraps the token.
//!
//! - [`audited`]: the type of every token that leaves this server, and its audit record.
//! - `writer`: group commit. A token waits for the batch with its record.
//! - [`Journal`]: records on this server's disk, if that is as durable as the store, or while the store is unavailable;
//!   [`recover_journal`] moves the records of a dead process into the store.
//! - `upkeep`: reading the audit, and deleting expired records.
//!
//! A record says `given` before the token is sent. A caller that disconnected or timed out while the record was written gets
//! no token: the audit may contain too much, never too little. A refused request leaves a record with the failure's code if
//! its account was known by then; the answer does not wait for that record. A request that is refused earlier (address,
//! signature, replay) leaves none, because strangers must not be able to write to the audit.

pub mod audited;
mod journal;
mod old_segments;
mod read;
mod recover;
mod upkeep;
mod writer;

use model::{Code, Failure};
use serde::{Deserialize, Serialize};

pub use audited::{Audited, TokenAccess, TokenRequester};
pub use journal::Journal;
pub use recover::recover_journal;
pub use writer::Audit;

/// What happens to a token whose record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditMode {
    /// It is not given: neither the store nor this server's disk can store the record.
    #[default]
    Strict,
    /// The token is given at once. Its record waits in memory, and is written to the log when there are too many.
    Relaxed,
}

fn unwritten() -> Failure {
    Failure::new(Code::Unavailable, "the audit cannot be written, and without a record no token is given")
}
