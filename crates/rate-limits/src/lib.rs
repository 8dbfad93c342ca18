//! Rate limits: of callers here, and of our calls of Zoom.
//!
//! - [`Limiter`]: how often callers may ask us, in any minute, in the memory of this process.
//! - [`Limits`]: Zoom's limits. Each Zoom account has one, which all apps and all our servers share; each app has one at the
//!   token endpoint. Every call of Zoom takes a turn first. A call that is answered from memory takes none.
//!     - `allotment`: how the servers share a limit, as pure functions, and why that never exceeds it;
//!     - `limit`: one limit in this process: turns, the row that the servers share, what Zoom's answers teach;
//!     - `queue`: calls that wait for a turn, in the order of priority; `slots`: those this server holds, and those in use.

mod allotment;
mod limit;
mod limiter;
mod queue;
mod slots;
#[cfg(test)]
mod tests;
mod zoom_limits;

pub use limit::Turn;
pub use limiter::Limiter;
pub use zoom_limits::{CallPriority, Charged, Limits, RestTurn, TokenTurn};
