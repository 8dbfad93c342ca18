//! File descriptors: connections may take most of them, and never those that the server's own files need.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Of the server's own: database, key ring, escrow, audit, browsers, and calls to Zoom and to customers.
pub(crate) const RESERVE: u64 = 512;
/// More than this is never needed. Where the system has no limit, "as many as it allows" is a billion.
const ENOUGH: u64 = 65_536;
/// With fewer than this it is no server.
const FEWEST: u64 = 16;
/// A process that may open fewer files does not start.
pub(crate) const FEWEST_OF_ALL: u64 = RESERVE + FEWEST;

/// Raises the limit of this process as far as the system lets it, and answers how many connections there can be at once.
pub(crate) fn for_connections(wanted: usize) -> anyhow::Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let raised = limit.maximum.unwrap_or(u64::MAX).min(ENOUGH.max(wanted as u64 + RESERVE));
    let descriptors = if raised <= current {
        current
    } else {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }) {
            Ok(()) => raised,
            Err(error) => {
                tracing::warn!(error = %model::chain(&error), current, "the limit of open files could not be raised");
                current
            }
        }
    };
    let possible = descriptors.saturating_sub(RESERVE);
    if possible < FEWEST {
        bail!(
            "this process may open {descriptors} files, and needs {FEWEST_OF_ALL}: raise the limit (ulimit -n, or LimitNOFILE in \
             systemd)"
        );
    }
    let possible = usize::try_from(possible).unwrap_or(usize::MAX);
    if possible < wanted {
        tracing::warn!(
            descriptors,
            connections = possible,
            "fewer connections than connections.most says: raise the limit of open files"
        );
    }
    Ok(possible)
}
