//! Where a crash hurts, and a way to have one there.
//!
//! `make crash-test` starts a server with `LATCHKEY_KILL_AT=<name>`, or has it fall asleep there with `LATCHKEY_STOP_AT=<name>`,
//! and sees what becomes of its accounts. Only builds with debug assertions know these variables; in any other,
//! [`KillPoint::reach`] is nothing at all.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};

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
        // Once: who was put to sleep and wakes up goes on.
        static STRUCK: AtomicBool = AtomicBool::new(false);
        if cfg!(debug_assertions)
            && let Some(signal) = self.told()
            && !STRUCK.swap(true, Ordering::SeqCst)
            && kill_process(getpid(), signal).is_ok()
        {
            // Another thread may be the one that hears it, a little later.
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    fn told(self) -> Option<Signal> {
        let signals = [("LATCHKEY_KILL_AT", Signal::KILL), ("LATCHKEY_STOP_AT", Signal::STOP)];
        let told = |variable: &str| std::env::var(variable).is_ok_and(|name| name == self.name());
        signals.into_iter().find(|(variable, _)| told(variable)).map(|(_, signal)| signal)
    }
}
