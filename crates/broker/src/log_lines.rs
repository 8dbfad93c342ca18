//! Lines for the logs of accounts and apps.

use model::{Code, Environment, LogLineId};
use store::Note;

/// A line for the log of an account or app.
pub(crate) fn note(env: &Environment, message: &str) -> Note {
    Note { id: LogLineId::generate(env), at: env.now(), message: message.into(), code: None }
}

/// A line about a failure.
pub(crate) fn failure_note(env: &Environment, message: &str, code: Code) -> Note {
    Note { code: Some(code), ..note(env, message) }
}
