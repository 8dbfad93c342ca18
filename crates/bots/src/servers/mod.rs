//! Servers that run bots: this one and the others.
//!
//! - `this_server`: this server's id and capacity. `capacity`: how many bots can run here, given what `machine` has.
//! - `free_slot`: whether any server has a free slot for a new bot.

pub(crate) mod capacity;
mod free_slot;
pub(crate) mod machine;
mod this_server;

pub use capacity::{CapacityRule, ExpectedCost};
pub(crate) use free_slot::BotSlots;
pub use free_slot::NoFreeSlot;
pub(crate) use this_server::{AD_HOC, FORGET_SERVER_AFTER, ThisServer};
