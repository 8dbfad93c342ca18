//! Every field of the contract's Create Bot: its allowed values, and whether it has an effect here.
//!
//! `table` is the list; `rule` defines its terms, and `checker` checks by it. A field without effect is checked like the
//! others, and reported: in `latchkey_ignored` of the answer, in the log, and as 400 where the caller requests that. When
//! a field gets an effect, its row becomes `honoured`.

mod checker;
mod providers;
mod rule;
mod table;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::fields::{FieldErrors, Fields};

use checker::{Naming, members};
use rule::{Member, Rule};
use table::{FIELDS, KEPT_SHORTER, NOT_KEPT, RECORDS};

pub(super) use checker::Ignored;

/// The contract's default of `retention.hours`.
const USUAL_HOURS: u64 = 168;

/// Reports every field that does not conform to the contract. Returns the fields that have no effect here. Meeting events
/// are stored for `kept`.
pub(super) fn check(fields: &mut Fields<'_>, kept: Duration) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    let mut naming = Naming { path: Vec::new(), ignored: Some(&mut ignored) };
    members(fields, FIELDS, &mut naming);
    second_picture(fields, &mut naming);
    what_is_not_kept(fields, &mut naming);
    what_is_kept_shorter(fields, kept, &mut naming);
    ignored
}

/// The path of every field in the table, such as `zoom.zak_url`.
pub(crate) fn paths() -> Vec<String> {
    fn add(before: &str, table: &[Member], paths: &mut Vec<String>) {
        for member in table {
            let path = format!("{before}{}", member.name);
            let inside = match member.rule {
                Rule::Inside(table, _)
                | Rule::Object(table)
                | Rule::ObjectWhere(table, _)
                | Rule::Objects(table, _)
                | Rule::Every(table) => table,
                _ => &[],
            };
            add(&format!("{path}."), inside, paths);
            paths.push(path);
        }
    }
    let mut paths = Vec::new();
    add("", FIELDS, &mut paths);
    paths
}

/// A request can set a shorter retention than the server's, but not a longer one.
fn what_is_kept_shorter(fields: &Fields<'_>, kept: Duration, naming: &mut Naming<'_>) {
    let retention = fields.anything("recording_config").map(|config| &config["retention"]);
    let Some(retention) = retention.filter(|retention| retention["type"] == "timed") else { return };
    let hours = &retention["hours"];
    let asked = hours.as_u64().or_else(|| hours.as_str()?.parse().ok()).unwrap_or(USUAL_HOURS);
    if asked.saturating_mul(3600) > kept.as_secs() {
        naming.path = ["recording_config", "retention"].map(str::to_owned).to_vec();
        naming.note(if hours.is_null() { "type" } else { "hours" }, KEPT_SHORTER);
    }
}

/// An endpoint receives only the kinds of events that the bot stores.
fn what_is_not_kept(fields: &Fields<'_>, naming: &mut Naming<'_>) {
    let Some(config) = fields.anything("recording_config") else { return };
    let captions = config["transcript"]["provider"]["meeting_captions"].is_object();
    let participants = config.get("participant_events") != Some(&Value::Null);
    let is_kept = |event: &str| match event.split_once('.') {
        Some(("transcript", _)) => captions,
        Some(("participant_events", _)) => participants,
        _ => true,
    };
    let endpoints = config["realtime_endpoints"].as_array().into_iter().flatten();
    let events = endpoints.flat_map(|endpoint| endpoint["events"].as_array().into_iter().flatten());
    if events.filter_map(Value::as_str).any(|event| !is_kept(event)) {
        naming.path = ["recording_config", "realtime_endpoints"].map(str::to_owned).to_vec();
        naming.note("events", NOT_KEPT);
    }
}

/// A bot shows only one picture: if both are given, the one for recordings is ignored.
fn second_picture(fields: &Fields<'_>, naming: &mut Naming<'_>) {
    const OUTPUT: &str = "automatic_video_output";
    let Some(pictures) = fields.anything(OUTPUT) else { return };
    if ["in_call_recording", "in_call_not_recording"].iter().all(|name| pictures[name].is_object()) {
        naming.path = vec![OUTPUT.to_owned()];
        naming.note("in_call_recording", RECORDS);
    }
}

/// Refuses each ignored field.
pub(super) fn refuse(ignored: &[Ignored]) -> Result<(), FieldErrors> {
    let mut errors = Map::new();
    for Ignored { path, why } in ignored {
        let Some((last, objects)) = path.split_last() else { continue };
        let mut inside = &mut errors;
        for name in objects {
            let object = inside.entry(name).or_insert_with(|| json!({}));
            inside = object.as_object_mut().expect("no field inside an ignored field is listed");
        }
        inside.insert(
            last.clone(),
            json!([format!("It has no effect: {why} Leave it out, or use ?strict=0.")]),
        );
    }
    if errors.is_empty() { Ok(()) } else { Err(FieldErrors(errors)) }
}
