//! Parses a script: TOML. Each error names its line and field.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::ScriptError;
use super::action::{self, Action};
use crate::gate::settings::Settings;
use crate::patch::patched;

/// Most steps of a script.
const MAX_STEPS: usize = 1000;
/// The latest `at`, in seconds: a day.
const LATEST: f64 = 86_400.0;

/// A script that can be played.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The script starts when a participant with this name is in the meeting; at once, if absent.
    pub(super) wait_for: Option<String>,
    pub(super) meeting: Option<MeetingPlan>,
    /// Ordered by time.
    pub(super) actions: Vec<Timed>,
    /// Number of steps as written: a speech counts as one.
    pub(super) steps: usize,
}

/// The meeting that a script creates.
#[derive(Clone, Debug)]
pub(super) struct MeetingPlan {
    pub(super) number: Option<String>,
    /// The host's e-mail address; the user is created if there is none.
    pub(super) host_email: String,
    pub(super) settings: Settings,
}

/// An action and its time.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) at_ms: u64,
    pub(super) line: usize,
    pub(super) action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    wait_for: Option<String>,
    #[serde(default)]
    bots: Vec<String>,
    meeting: Option<Spanned<MeetingTable>>,
    #[serde(default)]
    step: Vec<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
struct MeetingTable {
    meeting_number: Option<String>,
    #[serde(default = "default_host")]
    host_email: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

fn default_host() -> String {
    "host@example.test".to_owned()
}

impl Script {
    /// Parses a script.
    pub(crate) fn read(text: &str) -> Result<Self, ScriptError> {
        let line_of = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|error| ScriptError {
            line: line_of(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let meeting = file.meeting.map(|table| {
            let line = line_of(table.span().start);
            plan(table.into_inner()).map_err(|message| ScriptError { line, message })
        });
        if file.step.len() > MAX_STEPS {
            let message =
                format!("step: there are {}, but a script has at most {MAX_STEPS}", file.step.len());
            return Err(ScriptError { line: line_of(text.len()), message });
        }
        let steps = file.step.len();
        let mut actions = Vec::new();
        for (index, step) in file.step.into_iter().enumerate() {
            let line = line_of(step.span().start);
            let timed =
                read_step(step.into_inner(), index).map_err(|message| ScriptError { line, message })?;
            actions.extend(timed.into_iter().map(|(at_ms, action)| Timed { at_ms, line, action }));
        }
        actions.sort_by_key(|timed| timed.at_ms);
        let come_by_themselves = file.bots.into_iter().chain(file.wait_for.clone()).collect();
        check_names(&actions, come_by_themselves)?;
        Ok(Self { wait_for: file.wait_for, meeting: meeting.transpose()?, actions, steps })
    }
}

fn plan(table: MeetingTable) -> Result<MeetingPlan, String> {
    let MeetingTable { meeting_number, host_email, settings } = table;
    if !host_email.contains('@') {
        return Err("host_email must be an e-mail address".to_owned());
    }
    let settings = patched(&Settings::default(), settings)?;
    Ok(MeetingPlan { number: meeting_number, host_email, settings })
}

fn read_step(mut step: toml::Table, speech: usize) -> Result<Vec<(u64, Action)>, String> {
    let at = match step.remove("at") {
        None => return Err("at is missing: the seconds from the start of the script".to_owned()),
        Some(toml::Value::Integer(seconds)) => f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)),
        Some(toml::Value::Float(seconds)) => seconds,
        Some(_) => return Err("at must be a number of seconds".to_owned()),
    };
    if !(0.0..=LATEST).contains(&at) {
        return Err(format!("at must be 0 to {LATEST} seconds"));
    }
    let at_ms = action::milliseconds(at);
    Ok(action::read(step, speech)?.into_iter().map(|(later, action)| (at_ms + later, action)).collect())
}

/// Checks that every participant whom a step names has joined by then or is one of `bots`.
fn check_names(actions: &[Timed], mut known: HashSet<String>) -> Result<(), ScriptError> {
    for Timed { line, action, .. } in actions {
        let wrong = |message| ScriptError { line: *line, message };
        action::check_name(action).map_err(wrong)?;
        if !matches!(action, Action::Join(_))
            && let Some((field, name)) = action.names().into_iter().find(|(_, name)| !known.contains(*name))
        {
            return Err(wrong(format!(
                "{field}: no participant named {name:?} has joined by then; list participants who join by themselves in bots"
            )));
        }
        known.extend(action.new_name().map(|(_, name)| name.to_owned()));
    }
    Ok(())
}
