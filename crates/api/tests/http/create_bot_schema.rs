//! The fields of Create Bot against a copy of Recall's own schema: all are known, and each is checked as in the schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    app,
    create_bot_contract::{JPEG, MP3, ROOM, Things, at, contract, create, merged},
};

/// `fields` are the members of an object, `items` the elements of a list.
const RECALL: &str = include_str!("../recall-create-bot.json");

/// Fields that Recall's schema does not have: Latchkey's own, and those of Recall's guides and older versions.
const OURS: [&str; 11] = [
    "webex",
    "zoom.credential",
    "zoom.oauth_app",
    "zoom.obf_credential",
    "zoom.obf_token_url",
    "zoom.pool",
    "zoom.request_recording_permission_on_host_join",
    "zoom.require_recording_permission",
    "zoom.start_meeting",
    "zoom.user",
    "zoom.zak_token_url",
];

fn recall() -> Value {
    serde_json::from_str(RECALL).unwrap()
}

/// The fields of an object, or of the objects in a list.
fn fields_of(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let object = if node["items"].is_object() { &node["items"] } else { node };
    object["fields"].as_object().into_iter().flatten().map(|(name, field)| (name.as_str(), field))
}

/// Every field of the schema: its path and its node.
fn all<'a>(node: &'a Value, before: &str, found: &mut Vec<(String, &'a Value)>) {
    for (name, field) in fields_of(node) {
        let path = format!("{before}{name}");
        all(field, &format!("{path}."), found);
        found.push((path, field));
    }
}

/// A valid value; an object has `all` its fields, or only the required ones.
fn example(name: &str, node: &Value, all: bool) -> Value {
    if let Some(words) = node["enum"].as_array() {
        return words[0].clone();
    }
    match (node["type"].as_str().unwrap_or(""), node["format"].as_str().unwrap_or("")) {
        ("object", _) => {
            let required =
                |name: &str| node["required"].as_array().is_some_and(|it| it.contains(&json!(name)));
            let given = fields_of(node).filter(|(name, _)| all || required(name));
            given
                .map(|(name, field)| (name.to_owned(), example(name, field, all)))
                .collect::<Map<_, _>>()
                .into()
        }
        ("array", _) if node["items"].is_object() => json!([example(name, &node["items"], all)]),
        ("array", _) => json!(["x"]),
        ("boolean", _) => json!(true),
        ("integer", _) => json!(node["minimum"].as_u64().unwrap_or(1)),
        ("number", _) => json!(node["minimum"].as_f64().unwrap_or(1.0)),
        (_, "uri") => json!("https://example.com/"),
        (_, "uuid") => json!(ROOM),
        (_, "email") => json!("ada@example.test"),
        (_, "date-time") => json!("2040-01-01T00:00:00Z"),
        _ if name == "b64_data" => json!(MP3),
        ("string", _) => json!("x"),
        _ => json!("1"),
    }
}

/// An object with all fields that the schema has at this path.
pub(crate) fn everything_of(path: &str) -> Value {
    let schema = recall();
    let node = path.split('.').fold(&schema, |node, name| &node["fields"][name]);
    example("", node, true)
}

/// `value` at a path, in objects that have their other required fields.
fn around(node: &Value, path: &[String], value: &Value) -> Value {
    let Some((name, inner)) = path.split_first() else { return value.clone() };
    let object = if node["items"].is_object() { &node["items"] } else { node };
    let mut beside = example("", object, false);
    beside[name] = around(&object["fields"][name], inner, value);
    if node["items"].is_object() { json!([beside]) } else { beside }
}

/// The names in a path of the schema. Some names contain a dot.
fn names(node: &Value, path: &str) -> Vec<String> {
    let Some((name, field)) =
        fields_of(node).find(|(name, _)| path == *name || path.starts_with(&format!("{name}.")))
    else {
        return Vec::new();
    };
    let rest = path.get(name.len() + 1..).unwrap_or("");
    [vec![name.to_owned()], names(field, rest)].concat()
}

/// The paths of all members of an object, and of the objects in its lists.
fn given(value: &Value, before: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let path = format!("{before}{name}");
                given(member, &format!("{path}."), paths);
                paths.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| given(item, before, paths)),
        _ => {}
    }
}

#[tokio::test]
async fn every_field_of_recalls_schema_is_known_and_every_known_field_has_a_row() {
    let schema = recall();
    let mut recalls = Vec::new();
    all(&schema, "", &mut recalls);
    let recalls: BTreeSet<String> = recalls.into_iter().map(|(path, _)| path).collect();
    let known: BTreeSet<String> = api::fields_of_a_bot().into_iter().collect();
    let missing: Vec<_> = recalls.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(known.difference(&recalls).map(String::as_str).collect::<Vec<_>>(), OURS);

    let (app, things) = Things::new().await;
    let mut rows = BTreeSet::new();
    for (path, value, _) in contract(&app, &things) {
        given(&at(path, &value), "", &mut rows);
    }
    let without: Vec<_> = known.difference(&rows).collect();
    assert!(without.is_empty(), "no row of the contract has {without:#?}");
}

/// Wrong values for the schema's rules of a field.
fn wrong_for(node: &Value) -> Vec<Value> {
    let mut wrong = Vec::new();
    if node["enum"].is_array() || ["uri", "uuid", "email"].contains(&node["format"].as_str().unwrap_or("")) {
        wrong.push(json!("planted"));
    }
    if node["items"]["enum"].is_array() {
        wrong.push(json!(["planted"]));
    }
    if let Some(least) = node["minimum"].as_f64() {
        wrong.push(json!(least - 1.0));
    }
    if let Some(most) = node["maximum"].as_f64() {
        wrong.push(json!(most + 1.0));
    }
    match node["type"].as_str() {
        Some("string") => wrong.extend([json!(5), json!({})]),
        Some("boolean" | "integer" | "number" | "object") => wrong.extend([json!("x"), json!([])]),
        Some("array") => wrong.extend([json!(5), json!([5])]),
        _ => {}
    }
    if node["type"] == "array" && node["items"] == Value::Null {
        wrong.retain(|value| *value != json!([5]));
    }
    wrong
}

#[tokio::test]
async fn each_type_word_and_range_of_recalls_schema_is_checked() {
    let app = app().await;
    let schema = recall();
    let mut recalls = Vec::new();
    all(&schema, "", &mut recalls);
    let mut refused = 0;
    for (path, node) in &recalls {
        let names = names(&schema, path);
        let body = |value: &Value| {
            let mut body = around(&schema, &names, value);
            if path != "meeting_url" {
                body.as_object_mut().unwrap().remove("meeting_url");
            }
            match path.strip_suffix(".kind").filter(|path| path.starts_with("automatic_video_output")) {
                Some(picture) => merged(body, at(picture, &json!({ "b64_data": JPEG }))),
                None => body,
            }
        };
        for wrong in wrong_for(node) {
            // An older form of this field.
            if path == "automatic_leave.everyone_left_timeout" && wrong == json!("x") {
                continue;
            }
            let answer = create(&app, "", body(&wrong)).await;
            assert_eq!(answer.status, 400, "{path}: {wrong}: {}", answer.text);
            assert!(!answer.json()[&names[0]].is_null(), "{path}: {wrong}: {}", answer.text);
            refused += 1;
        }
        for word in node["enum"].as_array().into_iter().flatten() {
            let answer = create(&app, "", body(word)).await;
            let is_wrong = answer.text.contains("It must be") && answer.text.contains(" or ");
            assert!(!is_wrong, "{path}: {word}: {}", answer.text);
        }
    }
    assert!(refused > 300, "{refused}");
}
