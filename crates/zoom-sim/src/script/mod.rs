//! Meetings played from a script: participants join, talk, chat, share and leave at times on the simulator's clock.

mod action;
mod file;
mod player;

pub(crate) use file::Script;
pub(crate) use player::{Playing, Scripts, play};

/// Why a script is refused, with the position of the error.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line in the file, from 1. For a step it is the step's first line.
    pub line: usize,
    /// The field, and its error.
    pub message: String,
}
