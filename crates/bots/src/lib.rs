//! The life of a bot: lease, callback, join, follow, leave.
