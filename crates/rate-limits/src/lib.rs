//! Rate limits: for callers of this server, and for its calls to Zoom.
//!
//! - [`Limiter`]: limits how often callers may call this process in any minute, in memory.
//! - [`Limits`]: Zoom's limits. Each Zoom account has one, which all apps and all our servers share; each app has one at the
//!   token endpoint. Every call to Zoom takes a turn first. A request that is answered from a cache needs none.
//!     - `allotment`: how the servers share a limit, as pure functions, and why they never exceed it;
//!     - `limit`: one limit in this process: turns, the row that the servers share, and updates from Zoom's answers;
//!     - `queue`: calls that wait for a turn, in the order of priority; `slots`: the slots of this server.

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
