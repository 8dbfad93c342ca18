//! `[audit]`: records of who received which token.

use std::time::Duration;

use ::audit::AuditMode;
use serde::{Deserialize, Serialize};

/// `[audit]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// Whether a token is issued if its record cannot be written.
    pub(crate) mode: AuditMode,
    /// Whether records are written to this server's disk before the database. Default: true with SQLite.
    pub(crate) disk_first: Option<bool>,
    /// Retention of records, in days.
    pub(crate) keep_days: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { mode: AuditMode::Strict, disk_first: None, keep_days: 400 }
    }
}

impl Audit {
    /// Retention of records.
    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 24 * 3600)
    }
}
