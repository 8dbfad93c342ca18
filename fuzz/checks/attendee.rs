//! Attendee's canonical JSON, beside `serde_json`. An input is a body.

use model::{Code, Secret};
use serde_json::Value;
use token_links::attendee_signature::{AttendeeKey, canonical, verify};

const SECRET: &str = "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=";

/// Checks one input.
///
/// # Panics
///
/// If the canonical form is not the one form of what was sent.
pub(crate) fn check(body: &[u8]) {
    let keys = [AttendeeKey::parse(&Secret::new(SECRET)).expect("a secret")];
    let verdict = |signature: &str| verify(&keys, signature, body).map_err(|failure| failure.code);
    let Some(text) = canonical(body) else {
        assert_eq!(verdict(""), Err(Code::RequestMalformed));
        return;
    };
    assert_eq!(canonical(text.as_bytes()).as_deref(), Some(&*text), "it has one form");
    assert_eq!(verdict(&keys[0].sign(&text)).as_deref(), Ok(&*text));
    assert_eq!(verdict(&keys[0].sign(&format!("{text} "))), Err(Code::SignatureInvalid));
    assert_eq!(verdict("=?="), Err(Code::SignatureInvalid));
    // Numbers that are too large for `serde_json` are none of ours to judge.
    if let Ok(sent) = serde_json::from_slice::<Value>(body) {
        assert_eq!(serde_json::from_str::<Value>(&text).ok().as_ref(), Some(&sent), "nothing is lost");
        if has_no_fractions(&sent) {
            assert_eq!(sent.to_string(), text, "`serde_json` sorts and spares escapes, too");
        }
    }
}

/// Whether `serde_json` writes every number as it stood.
fn has_no_fractions(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(items) => items.iter().all(has_no_fractions),
        Value::Object(members) => members.values().all(has_no_fractions),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}
