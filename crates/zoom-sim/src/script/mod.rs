//! A meeting played from a script: people come, talk, write, share and leave, at times on the simulator's clock.

mod action;
mod file;
mod player;

pub(crate) use file::Script;
pub(crate) use player::{Playing, Scripts, play};

/// Why a script is not played. Says where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line of the file, from 1; of a step, its first one.
    pub line: usize,
    /// The field, and what is wrong with it.
    pub message: String,
}
