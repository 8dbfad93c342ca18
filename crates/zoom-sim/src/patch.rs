//! Partial updates of a value by its serialised field names.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Replaces the fields of `current` by those of `patch`. Creating and changing thereby share field names and checks.
pub(crate) fn patched<T: Serialize + DeserializeOwned>(
    current: &T,
    patch: Map<String, Value>,
) -> Result<T, String> {
    let mut value = serde_json::to_value(current).map_err(|error| error.to_string())?;
    if let Value::Object(fields) = &mut value {
        fields.extend(patch);
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}
