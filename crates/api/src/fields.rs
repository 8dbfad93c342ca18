//! Reads a request's fields and reports all errors at once.

use std::time::Duration;

use model::nearest;
use outbound::CallbackClient;
use serde_json::{Map, Value, json};

use crate::{State, request::Field};

/// Errors by field: `{"zoom": {"zak_url": ["…"]}}`.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldErrors(pub(crate) Map<String, Value>);

impl FieldErrors {
    /// One error of one field.
    pub(crate) fn one(field: &str, complaint: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, complaint);
        errors
    }

    fn add(&mut self, field: &str, complaint: impl Into<String>) {
        let complaints = self.0.entry(field).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(complaints) = complaints {
            complaints.push(Value::String(complaint.into()));
        }
    }
}

/// Reads an object of a request. A field that is absent or null gives `None`; a wrong one gives `None` and an
/// error. Forms carry numbers and booleans as text, so text that reads as one is accepted.
pub(crate) struct Fields<'a> {
    given: &'a Map<String, Value>,
    errors: FieldErrors,
    /// Checks the URLs that this server calls.
    callbacks: Option<&'a CallbackClient>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(given: &'a Map<String, Value>) -> Self {
        Self { given, errors: FieldErrors::default(), callbacks: None }
    }

    /// The same for a request that contains URLs which this server calls.
    pub(crate) fn with_callbacks(self, state: &'a State) -> Self {
        Self { callbacks: Some(&state.callbacks), ..self }
    }

    fn inside(&self, given: &'a Map<String, Value>) -> Self {
        Self { callbacks: self.callbacks, ..Self::of(given) }
    }

    /// Adds an error to a field.
    pub(crate) fn complain(&mut self, field: &str, complaint: impl Into<String>) {
        self.errors.add(field, complaint);
    }

    fn wrong<T>(&mut self, field: &str, complaint: &str) -> Option<T> {
        self.complain(field, complaint);
        None
    }

    fn value(&self, field: &str) -> Option<&'a Value> {
        self.given.get(field).filter(|value| !value.is_null())
    }

    /// A field's value, unchecked.
    pub(crate) fn anything(&self, field: &str) -> Option<&'a Value> {
        self.value(field)
    }

    /// A field's value, if it is valid. For checks across several fields: an error is reported when the field itself is
    /// read.
    pub(crate) fn peek<T: Field>(&self, field: &str) -> Option<T> {
        self.anything(field)?;
        T::read(&mut self.inside(self.given), field)
    }

    /// Refuses every field whose name is not in `known`: it is probably misspelt, and would be ignored otherwise. A field
    /// that is null is allowed. A field that already has an error gets no second one.
    pub(crate) fn only(&mut self, known: &[&str]) {
        let unknown = |(name, value): &(&String, &Value)| !value.is_null() && !known.contains(&name.as_str());
        for (name, _) in self.given.iter().filter(unknown) {
            if self.errors.0.contains_key(name) {
                continue;
            }
            let complaint = match nearest(name, known) {
                Some(meant) => format!("There is no such field: did you mean {meant}?"),
                None if known.is_empty() => "There is no such field.".to_owned(),
                None => format!("There is no such field. The fields are: {}.", known.join(", ")),
            };
            self.complain(name, complaint);
        }
    }

    /// The names of fields that are not null.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        self.given.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| &**name).collect()
    }

    /// Reports a missing field if `value` is `None` because the field was not given.
    pub(crate) fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.errors.0.contains_key(field) {
            self.complain(field, "This field is required.");
        }
        value
    }

    /// Text of 1 to `most` characters.
    pub(crate) fn text(&mut self, field: &str, most: usize) -> Option<&'a str> {
        match self.value(field)? {
            Value::String(text) if text.trim().is_empty() => self.wrong(field, "It must not be empty."),
            // Database columns cannot store U+0000.
            Value::String(text) if text.contains('\0') => self.wrong(field, "It must not contain U+0000."),
            Value::String(text) if text.chars().count() > most => {
                self.complain(field, format!("It must not be longer than {most} characters."));
                None
            }
            Value::String(text) => Some(text),
            _ => self.wrong(field, "It must be text."),
        }
    }

    /// A pasted id or secret of 1 to `most` characters.
    pub(crate) fn pasted(&mut self, field: &str, most: usize) -> Option<&'a str> {
        let Value::String(text) = self.value(field)? else { return self.wrong(field, "It must be text.") };
        match model::pasted(text) {
            Ok(word) if word.chars().count() > most => {
                self.complain(field, format!("It must not be longer than {most} characters."));
                None
            }
            Ok(word) => Some(word),
            Err(wrong) => self.wrong(field, &wrong.to_string()),
        }
    }

    /// A URL of at most `most` characters that this server may call.
    pub(crate) fn callback_url(&mut self, field: &str, most: usize) -> Option<&'a str> {
        let url = self.text(field, most)?;
        let callbacks = self.callbacks.expect("fields with an address are read with a callback client");
        match callbacks.accepts(url) {
            Ok(()) => Some(url),
            Err(error) => {
                self.complain(field, error.to_string());
                None
            }
        }
    }

    /// A WebSocket URL of at most `most` characters that this server may connect to.
    pub(crate) fn socket_url(&mut self, field: &str, most: usize) -> Option<&'a str> {
        let url = self.text(field, most)?;
        let callbacks = self.callbacks.expect("fields with an address are read with a callback client");
        match callbacks.accepts_socket(url) {
            Ok(()) => Some(url),
            Err(error) => {
                self.complain(field, error.to_string());
                None
            }
        }
    }

    /// Text that parses as `T`.
    pub(crate) fn parsed<T: std::str::FromStr>(&mut self, field: &str, complaint: &str) -> Option<T> {
        let text = self.text(field, 1000)?;
        text.parse().ok().or_else(|| self.wrong(field, complaint))
    }

    /// Words: an array, or text separated by commas.
    pub(crate) fn words(&mut self, field: &str) -> Option<Vec<&'a str>> {
        let words: Option<Vec<_>> = match self.value(field)? {
            Value::String(text) => Some(text.split(',').map(str::trim).collect()),
            Value::Array(values) => values.iter().map(Value::as_str).collect(),
            _ => None,
        };
        match words {
            Some(words) if words.iter().any(|word| !word.is_empty()) => Some(words),
            Some(_) => self.wrong(field, "It must not be empty."),
            None => self.wrong(field, "It must be a list of words."),
        }
    }

    pub(crate) fn boolean(&mut self, field: &str) -> Option<bool> {
        match self.value(field)? {
            Value::Bool(given) => Some(*given),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => self.wrong(field, "It must be true or false."),
        }
    }

    /// Whole seconds, at least `least`.
    pub(crate) fn seconds(&mut self, field: &str, least: u32) -> Option<u32> {
        self.whole(field, least, "It must be a whole number of seconds.")
    }

    /// How long a secret stays valid after its replacement: whole seconds, at most `most`.
    pub(crate) fn overlap(&mut self, field: &str, most: Duration) -> Option<Duration> {
        let overlap = Duration::from_secs(self.seconds(field, 0)?.into());
        if overlap > most {
            self.complain(field, format!("It must not be more than a day: {}.", most.as_secs()));
        }
        Some(overlap)
    }

    /// A whole number in this range.
    pub(crate) fn number_between(&mut self, field: &str, least: u32, most: u32) -> Option<u32> {
        let number = self.number(field, least)?;
        if number > most {
            self.complain(field, format!("It must be at most {most}."));
            return None;
        }
        Some(number)
    }

    /// A whole number, at least `least`.
    pub(crate) fn number(&mut self, field: &str, least: u32) -> Option<u32> {
        self.whole(field, least, "It must be a whole number.")
    }

    fn whole(&mut self, field: &str, least: u32, complaint: &str) -> Option<u32> {
        let number = match self.value(field)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number >= least => Some(number),
            Some(_) => {
                self.complain(field, format!("It must be at least {least}."));
                None
            }
            None => self.wrong(field, complaint),
        }
    }

    /// One word, or a list of at most `most` of them.
    pub(crate) fn one_or_more(&mut self, field: &str, most: usize) -> Option<Vec<&'a str>> {
        let given = match self.value(field)? {
            Value::Array(words) => words.as_slice(),
            word => std::slice::from_ref(word),
        };
        let words: Option<Vec<&str>> = given.iter().map(Value::as_str).collect();
        let sound = |words: &Vec<&str>| {
            words.len() <= most
                && words.iter().all(|word| (1..=1000).contains(&word.len()) && !word.contains('\0'))
        };
        words.filter(sound).or_else(|| {
            self.complain(field, format!("It must be text, or a list of at most {most} texts."));
            None
        })
    }

    /// An object inside this one, read by `read`. Its errors are nested under the field's name.
    pub(crate) fn object<T>(&mut self, field: &str, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        let Value::Object(given) = self.value(field)? else {
            return self.wrong(field, "It must be an object.");
        };
        let mut inner = self.inside(given);
        let value = read(&mut inner);
        if !inner.errors.0.is_empty() {
            match self.errors.0.entry(field).or_insert_with(|| json!({})) {
                // Two readers read the same object, each its own members.
                Value::Object(known) => known.extend(inner.errors.0),
                known => *known = Value::Object(inner.errors.0),
            }
        }
        Some(value)
    }

    /// A list of objects, each read by `read`. The errors are a list too, with an empty entry for each valid object.
    pub(crate) fn objects<T>(
        &mut self,
        field: &str,
        most: usize,
        mut read: impl FnMut(&mut Fields<'a>) -> T,
    ) -> Option<Vec<T>> {
        let Value::Array(given) = self.value(field)? else { return self.wrong(field, "It must be a list.") };
        if given.len() > most {
            self.complain(field, format!("There must not be more than {most}."));
            return None;
        }
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for value in given {
            let Value::Object(given) = value else {
                return self.wrong(field, "It must be a list of objects.");
            };
            let mut inner = self.inside(given);
            values.push(read(&mut inner));
            errors.push(Value::Object(inner.errors.0));
        }
        if errors.iter().any(|errors| *errors != json!({})) {
            self.errors.0.insert(field.to_owned(), Value::Array(errors));
        }
        Some(values)
    }

    /// The fields that are not in `read`, as given.
    pub(crate) fn others(&self, read: &[&str]) -> Map<String, Value> {
        self.given
            .iter()
            .filter(|(name, _)| !read.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect()
    }

    /// The value, if there were no errors. `None` only if an error was reported.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, FieldErrors> {
        match value {
            Some(value) if self.errors.0.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }
}
