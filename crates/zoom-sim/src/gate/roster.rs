//! Who sees whom, and telling each of them what changed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::event::{self, Outgoing};
use super::participant::{Entry, Participant};

/// Tells every participant the difference between the roster they know and the one they may see.
///
/// Calling it once too often sends nothing, so whoever changes a participant just calls it.
pub(crate) fn publish(participants: &mut [Participant]) {
    let everybody: Vec<(u32, bool, Entry)> =
        participants.iter().map(|person| (person.id, person.on_hold, person.entry())).collect();
    for viewer in participants {
        let visible: BTreeMap<u32, Entry> = everybody
            .iter()
            .filter(|(id, on_hold, _)| sees(viewer, *id, *on_hold))
            .map(|(id, _, entry)| (*id, entry.clone()))
            .collect();
        if let Some(difference) = difference(&viewer.seen, &visible) {
            viewer.tell(Outgoing::new(event::ROSTER, difference));
        }
        viewer.seen = visible;
    }
}

/// On hold one sees oneself only; those on hold are seen by hosts (I).
fn sees(viewer: &Participant, id: u32, on_hold: bool) -> bool {
    viewer.id == id || (!viewer.on_hold && (!on_hold || viewer.host))
}

/// Whole entries to add, changed fields to update, ids to remove; `None` when all is the same.
fn difference(seen: &BTreeMap<u32, Entry>, visible: &BTreeMap<u32, Entry>) -> Option<Value> {
    let mut add = Vec::new();
    let mut update = Vec::new();
    for (id, entry) in visible {
        let Some(known) = seen.get(id) else {
            add.push(json!(entry));
            continue;
        };
        let mut changed: Entry = entry
            .iter()
            .filter(|(name, value)| known.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !changed.is_empty() {
            changed.insert("id".to_owned(), json!(id));
            update.push(json!(changed));
        }
    }
    let gone = seen.keys().filter(|id| !visible.contains_key(id));
    let remove: Vec<Value> = gone.map(|id| json!({"id": id})).collect();
    let parts = [("add", add), ("update", update), ("remove", remove)];
    let body: Map<String, Value> = parts
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(name, list)| (name.to_owned(), Value::Array(list)))
        .collect();
    (!body.is_empty()).then_some(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(entries: &[(u32, Value)]) -> BTreeMap<u32, Entry> {
        entries.iter().map(|(id, entry)| (*id, entry.as_object().unwrap().clone())).collect()
    }

    #[test]
    fn only_the_difference_is_told() {
        let before = roster(&[(1, json!({"id": 1, "bHold": true})), (2, json!({"id": 2}))]);
        let after = roster(&[(1, json!({"id": 1, "bHold": false})), (3, json!({"id": 3}))]);
        assert_eq!(
            difference(&before, &after),
            Some(json!({"add": [{"id": 3}], "update": [{"id": 1, "bHold": false}], "remove": [{"id": 2}]}))
        );
        assert_eq!(difference(&after, &after), None);
    }
}
