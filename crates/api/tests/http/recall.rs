//! Recall's own schema of a bot: a client may be generated from it.

use serde_json::{Value, json};

const RECALL: &str = include_str!("../recall-bot.schema.json");

/// Fails unless `answer` matches the schema `name`: `Bot`, `PaginatedBotList`.
pub(crate) fn complain_unless_recalls(name: &str, answer: &Value) {
    let mut schema: Value = serde_json::from_str(RECALL).unwrap();
    schema["$ref"] = json!(format!("#/$defs/{name}"));
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors = validator.iter_errors(answer).map(|error| format!("{error} at {}", error.instance_path()));
    let errors: Vec<_> = errors.collect();
    assert!(errors.is_empty(), "{answer:#}: {errors:#?}");
}
