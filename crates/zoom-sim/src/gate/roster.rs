//! The roster: which participants each one sees, and the frames about changes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::event::{self, Outgoing};
use super::participant::{Entry, Participant};

/// The SDK notices a change of sharing only if both fields are sent (O).
const SHARE_FIELDS: [&str; 2] = ["bShareOn", "bSharePause"];

/// Sends every participant the difference between the roster they last received and the one they may see now.
///
/// It sends nothing if nothing changed, so every change of a participant calls it.
pub(crate) fn publish(participants: &mut [Participant]) {
    let everybody: Vec<(u32, bool, Option<String>, Entry)> = participants
        .iter()
        .map(|person| (person.id, person.on_hold, person.breakout_room.clone(), person.entry()))
        .collect();
    for viewer in participants {
        let visible: BTreeMap<u32, Entry> = everybody
            .iter()
            .filter(|(id, on_hold, room, _)| viewer.breakout_room == *room && sees(viewer, *id, *on_hold))
            .map(|(id, _, _, entry)| (*id, entry.clone()))
            .collect();
        for body in difference(viewer.id, &viewer.seen, &visible) {
            viewer.tell(Outgoing::new(event::ROSTER, body));
        }
        viewer.seen = visible;
    }
}

/// A participant in another breakout room is not in the roster (I). A participant on hold sees only themselves, and only
/// hosts see them (I).
fn sees(viewer: &Participant, id: u32, on_hold: bool) -> bool {
    viewer.id == id || (!viewer.on_hold && (!on_hold || viewer.host))
}

/// The frames that turn one roster into another: first ids to remove, then whole entries to add and changed fields to
/// update. Empty if nothing changed.
///
/// Another participant who moves between waiting room and meeting is removed with `nUserStatus` 1 and added again: a host's
/// `admit()` waits for exactly that (read in the SDK).
fn difference(viewer: u32, seen: &BTreeMap<u32, Entry>, visible: &BTreeMap<u32, Entry>) -> Vec<Value> {
    let (mut remove, mut add, mut update) = (Vec::new(), Vec::new(), Vec::new());
    remove.extend(seen.keys().filter(|id| !visible.contains_key(id)).map(|id| json!({"id": id})));
    for (id, entry) in visible {
        let Some(known) = seen.get(id) else {
            add.push(json!(entry));
            continue;
        };
        if *id != viewer && known.get("bHold") != entry.get("bHold") {
            remove.push(json!({"id": id, "action": 2, "nUserStatus": 1}));
            add.push(json!(entry));
            continue;
        }
        let mut changed: Entry = entry
            .iter()
            .filter(|(name, value)| known.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if SHARE_FIELDS.iter().any(|name| changed.contains_key(*name)) {
            for name in SHARE_FIELDS {
                changed.insert(name.to_owned(), entry.get(name).cloned().unwrap_or_default());
            }
        }
        if !changed.is_empty() {
            changed.insert("id".to_owned(), json!(id));
            update.push(json!(changed));
        }
    }
    [frame([("remove", remove)].into()), frame([("add", add), ("update", update)].into())]
        .into_iter()
        .flatten()
        .collect()
}

/// The non-empty lists as one frame body; `None` when all are empty.
fn frame(lists: Vec<(&str, Vec<Value>)>) -> Option<Value> {
    let filled = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let body: Map<String, Value> = filled.map(|(name, list)| (name.to_owned(), Value::Array(list))).collect();
    (!body.is_empty()).then_some(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(entries: &[(u32, Value)]) -> BTreeMap<u32, Entry> {
        entries.iter().map(|(id, entry)| (*id, entry.as_object().unwrap().clone())).collect()
    }

    #[test]
    fn only_the_difference_is_sent() {
        let before = roster(&[(1, json!({"id": 1, "bHold": true})), (2, json!({"id": 2}))]);
        let after = roster(&[(1, json!({"id": 1, "bHold": false})), (3, json!({"id": 3}))]);
        assert_eq!(
            difference(1, &before, &after),
            [
                json!({"remove": [{"id": 2}]}),
                json!({"add": [{"id": 3}], "update": [{"id": 1, "bHold": false}]})
            ]
        );
        assert!(difference(1, &after, &after).is_empty());
    }

    #[test]
    fn others_admitted_from_the_waiting_room_are_removed_and_added_again() {
        let before = roster(&[(1, json!({"id": 1, "bHold": true}))]);
        let after = roster(&[(1, json!({"id": 1, "bHold": false}))]);
        assert_eq!(
            difference(9, &before, &after),
            [
                json!({"remove": [{"id": 1, "action": 2, "nUserStatus": 1}]}),
                json!({"add": [{"id": 1, "bHold": false}]})
            ]
        );
    }
}
