//! The limit of file descriptors: connections may use most of them, but not those reserved for the server's own files.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Reserved for the server itself: database, key ring, escrow, audit, browsers, and calls to Zoom and to customers.
pub(crate) const RESERVE: u64 = 512;
/// Upper bound of the raised limit: more is never needed, and without a system limit the maximum is a billion.
const ENOUGH: u64 = 65_536;
/// Fewest connections with which the server starts.
const MIN_CONNECTIONS: u64 = 16;
/// The server does not start if it may open fewer files.
pub(crate) const MIN_OPEN_FILES: u64 = RESERVE + MIN_CONNECTIONS;

/// Raises this process's limit as far as needed and allowed, and returns the number of possible connections.
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
                tracing::warn!(error = %model::chain(&error), current, "could not raise the limit of open files");
                current
            }
        }
    };
    let possible = descriptors.saturating_sub(RESERVE);
    if possible < MIN_CONNECTIONS {
        bail!(
            "this process may open {descriptors} files, but needs {MIN_OPEN_FILES}: raise the limit \
             (ulimit -n, or LimitNOFILE in systemd)"
        );
    }
    let possible = usize::try_from(possible).unwrap_or(usize::MAX);
    if possible < wanted {
        tracing::warn!(
            descriptors,
            connections = possible,
            "fewer connections are possible than connections.most: raise the limit of open files"
        );
    }
    Ok(possible)
}
