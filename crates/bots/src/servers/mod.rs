//! Servers that run bots: this one and the others.
//!
//! - `this_server`: what the others know of this one. `capacity`: how many bots run here, by what `machine` has.
//! - `free_slot`: whether a new bot would find a place on any of them.

pub(crate) mod capacity;
mod free_slot;
pub(crate) mod machine;
mod this_server;

pub use capacity::{CapacityRule, ExpectedCost};
pub use free_slot::NoFreeBot;
pub(crate) use free_slot::Places;
pub(crate) use this_server::{AD_HOC, FORGET_SERVER_AFTER, ThisServer};
