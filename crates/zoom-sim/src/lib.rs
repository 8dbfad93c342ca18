#![doc = include_str!("../README.md")]

mod authority;
mod clock;
mod control;
mod date;
mod entropy;
mod faults;
mod gate;
mod held;
mod ids;
mod join_token;
mod jwt;
mod limit;
mod oauth;
mod obf;
mod patch;
mod rest;
mod script;
mod server;
mod sim;
mod simulator;
mod webhooks;
mod world;
mod zak;
mod zoom;

pub use script::ScriptError;
pub use simulator::{PlayedMeeting, Ready, Simulator, SimulatorConfig, StartError};
