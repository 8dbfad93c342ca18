//! How often something may be done.
//!
//! - [`Limiter`]: how often callers may ask us, in any minute.

mod limiter;

pub use limiter::Limiter;
