#![doc = include_str!("../README.md")]

// The tests' support module uses this crate's name, both inside the crate and outside.
#[cfg(test)]
extern crate self as browser;

mod bot_page;
mod chromium;
mod config;
mod devtools;
mod error;
mod events;
mod evidence;
mod flags;
mod join;
mod liveness;
mod meeting;
mod outputs;
mod page_messages;
mod page_server;
mod plain_page;
mod process;
mod profile;
mod tab;
mod usage;

pub use bot_page::BotPage;
pub use chromium::Browser;
pub use config::{BrowserConfig, SDK_VERSION, ZoomOverride};
pub use error::BrowserError;
pub use events::{PageEnd, PageEvent};
pub use evidence::{ConsoleLine, ZoomCall};
pub use join::{JoinRequest, JoinToken};
pub use meeting::{Person, SdkMeetingEvent};
pub use outputs::{ChatOutcome, ChatTo};
pub use plain_page::PlainPage;
pub use usage::{Usage, usage};
