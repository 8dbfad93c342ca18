//! Changing some fields of something, by the names that it is shown with.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// `current` with the fields of `patch` in place of its own: one set of names and checks for making and for changing.
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
