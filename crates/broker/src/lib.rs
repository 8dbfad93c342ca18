//! Zoom accounts: connect, refresh, mint, token links.
