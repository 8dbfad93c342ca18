//! Points at which tests kill or suspend a server.
//!
//! `make crash-test` starts a server with `LATCHKEY_KILL_AT=<name>` to kill it there, or with
//! `LATCHKEY_STOP_AT=<name>` to suspend it, and checks its accounts. Only builds with debug assertions read
//! these variables; in others [`KillPoint::reach`] does nothing.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};

/// A point in the processing of a grant, or in the delivery of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillPoint {
    /// The lease is taken, but Zoom is not yet called.
    BeforeSend,
    /// Zoom has answered a refresh, but the answer is not yet read.
    BeforeRead,
    /// The grant is read, but only in memory.
    BeforeEscrow,
    /// Half of the escrow file is written.
    HalfEscrow,
    /// The escrow file is written, but not yet renamed.
    BeforeRename,
    /// The grant is in escrow, but not in the store.
    BeforeCommit,
    /// The grant is in the store, but also still in escrow.
    BeforeWithdrawal,
    /// A user has consented, and the first grant is read, but not in the store.
    BeforeConsent,
    /// The grant is in the store, but the browser has no answer yet.
    AfterConsent,
    /// An event is about to be sent to an endpoint.
    BeforeDelivery,
    /// The endpoint has answered, but the answer is only in memory.
    AfterDelivery,
    /// Answers of an endpoint are written, but not committed.
    BeforeDeliveryCommit,
}

impl KillPoint {
    /// Its name in `LATCHKEY_KILL_AT`.
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
            Self::BeforeDelivery => "before_delivery",
            Self::AfterDelivery => "after_delivery",
            Self::BeforeDeliveryCommit => "before_delivery_commit",
        }
    }

    /// Stops the process here if the variable names this point. As in a power failure, no buffer is flushed
    /// and no destructor runs.
    pub fn reach(self) {
        // This happens once, so that a resumed process continues.
        static STRUCK: AtomicBool = AtomicBool::new(false);
        if cfg!(debug_assertions)
            && let Some(signal) = self.told()
            && !STRUCK.swap(true, Ordering::SeqCst)
            && kill_process(getpid(), signal).is_ok()
        {
            // Another thread may receive the signal slightly later.
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    fn told(self) -> Option<Signal> {
        let signals = [("LATCHKEY_KILL_AT", Signal::KILL), ("LATCHKEY_STOP_AT", Signal::STOP)];
        let names_this = |variable: &str| std::env::var(variable).is_ok_and(|name| name == self.name());
        signals.into_iter().find(|(variable, _)| names_this(variable)).map(|(_, signal)| signal)
    }
}
