//! Where a crash hurts, and a way to have one there.
//!
//! `make crash-test` starts a server with `LATCHKEY_KILL_AT=<name>` and sees what becomes of its accounts. Only builds with
//! debug assertions know the variable; in any other, [`KillPoint::reach`] is nothing at all.

use std::sync::OnceLock;

/// A moment in the life of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillPoint {
    /// The lease is taken, and Zoom not yet called.
    BeforeSend,
    /// Zoom has answered a refresh, and his answer is unread.
    BeforeRead,
    /// The grant is read, and nowhere but in memory.
    BeforeEscrow,
    /// Half of the escrow file is written.
    HalfEscrow,
    /// The escrow file is written, and has not got its name.
    BeforeRename,
    /// The grant lies in escrow, and is not in the store.
    BeforeCommit,
    /// The grant is in the store, and still in escrow.
    BeforeWithdrawal,
    /// A person has consented, her first grant is read, and not in the store.
    BeforeConsent,
    /// It is in the store, and her browser has not heard of it.
    AfterConsent,
}

impl KillPoint {
    /// As `LATCHKEY_KILL_AT` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeSend => "before_send",
            Self::BeforeRead => "before_read",
            Self::BeforeEscrow => "before_escrow",
            Self::HalfEscrow => "half_escrow",
            Self::BeforeRename => "before_rename",
            Self::BeforeCommit => "before_commit",
            Self::BeforeWithdrawal => "before_withdrawal",
            Self::BeforeConsent => "before_consent",
            Self::AfterConsent => "after_consent",
        }
    }

    /// Says that the process has come here: it goes no further, if it was told so. As with a power cut, nothing is
    /// flushed and nothing unwinds.
    pub fn reach(self) {
        if cfg!(debug_assertions) && self.is_the_end() {
            let ourselves = rustix::process::getpid();
            if rustix::process::kill_process(ourselves, rustix::process::Signal::KILL).is_err() {
                std::process::abort();
            }
            // The signal needs no time, but another thread may be faster than it.
            std::thread::park();
        }
    }

    fn is_the_end(self) -> bool {
        static TOLD: OnceLock<Option<String>> = OnceLock::new();
        let told = TOLD.get_or_init(|| std::env::var("LATCHKEY_KILL_AT").ok());
        told.as_deref() == Some(self.name())
    }
}
