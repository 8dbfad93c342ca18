#![doc = include_str!("../README.md")]

mod certificate_authority;
mod clock;
mod control;
mod date_header;
mod entropy;
mod faults;
mod gate;
mod held_requests;
mod ids;
mod join_token;
mod jwt;
mod listeners;
mod oauth;
mod obf;
mod patch;
mod rest;
mod routes;
mod script;
mod simulator;
mod state;
mod too_many_requests;
mod webhooks;
mod world;
mod zak;

pub use script::ScriptError;
pub use simulator::{PlayedMeeting, Ready, Simulator, SimulatorConfig, StartError};
