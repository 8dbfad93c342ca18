//! Refusals that several operations share are in the document once, in `components.responses`.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// Moves each refusal that is documented more than once to the components, and puts references in its places.
pub(super) fn share(document: &mut Map<String, Value>) {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for (_, response) in refusals(document) {
        *uses.entry(response.to_string()).or_default() += 1;
    }
    let mut shared = Map::new();
    for (status, response) in refusals(document) {
        if uses[&response.to_string()] < 2 {
            continue;
        }
        let Some(name) = name(status, response) else { continue };
        // Two refusals can have the same codes with other texts: the second one stays where it is.
        if shared.entry(&name).or_insert_with(|| response.clone()) == response {
            *response = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    }
    document["components"]["responses"] = Value::Object(shared);
}

/// Every documented refusal, and its status.
fn refusals(document: &mut Map<String, Value>) -> impl Iterator<Item = (StatusCode, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.filter_map(|(_, path)| path.as_object_mut()).flatten();
    let responses = operations.filter_map(|(_, operation)| operation.get_mut("responses")?.as_object_mut());
    responses.flatten().filter_map(|(status, response)| {
        let status: StatusCode = status.parse().ok()?;
        (status.as_u16() >= 400).then_some((status, response))
    })
}

/// `Unauthorized.authentication_failed.not_authenticated`: the status, and the codes of its examples. `None` without codes.
fn name(status: StatusCode, response: &Value) -> Option<String> {
    let examples = response.pointer("/content/application~1json/examples")?.as_object()?;
    let reason = status.canonical_reason()?.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut codes: Vec<_> = examples.keys().cloned().collect();
    codes.sort_unstable();
    Some([vec![reason], codes].concat().join("."))
}
