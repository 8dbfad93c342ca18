//! Checks the fields of an object by a table, and collects those without effect.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::rule::{Effect, Member, Rule};
use crate::fields::Fields;

/// The reason for a field that is not in the contract.
const UNKNOWN: &str = "The contract has no such field.";

/// The most characters of an image or a sound, in Base64.
const MAX_MEDIA_LEN: usize = 1_835_008;
const MAX_TEXT_LEN: usize = 1000;
pub(super) const MAX_URL_LEN: usize = 2000;
const MAX_ENDPOINTS: usize = 20;
/// The most objects in a list of options.
const MAX_OPTIONS: usize = 1000;

/// A field without effect, and the reason.
pub(in crate::bot) struct Ignored {
    pub(super) path: Vec<String>,
    pub(super) why: &'static str,
}

impl Ignored {
    /// The field's path, such as `recording_config.video_mixed_mp4`.
    pub(in crate::bot) fn name(&self) -> String {
        self.path.join(".")
    }
}

/// The current path of the check, and the ignored fields found so far.
pub(super) struct Naming<'a> {
    pub(super) path: Vec<String>,
    /// `None` inside a field that is already ignored.
    pub(super) ignored: Option<&'a mut Vec<Ignored>>,
}

impl Naming<'_> {
    pub(super) fn note(&mut self, name: &str, why: &'static str) {
        let path = [&self.path[..], &[name.to_owned()]].concat();
        if let Some(ignored) = &mut self.ignored
            && !ignored.iter().any(|noted| noted.path == path)
        {
            ignored.push(Ignored { path, why });
        }
    }
}

pub(super) fn members(fields: &mut Fields<'_>, table: &'static [Member], naming: &mut Naming<'_>) {
    for name in fields.names() {
        let Some(member) = table.iter().find(|member| member.name == name) else {
            naming.note(name, UNKNOWN);
            continue;
        };
        let named = match member.effect {
            Effect::Honoured => None,
            Effect::Ignored(why) => Some(why),
            Effect::Only(words, why) => {
                let happens = |word: &Value| word.as_str().is_some_and(|word| words.contains(&word));
                let all_happen = match fields.anything(name) {
                    Some(Value::Array(given)) => given.iter().all(happens),
                    Some(word) => happens(word),
                    None => false,
                };
                (!all_happen).then_some(why)
            }
        };
        if let Some(why) = named {
            naming.note(name, why);
        }
        let path = [&naming.path[..], &[name.to_owned()]].concat();
        let below = naming.ignored.as_deref_mut().filter(|_| named.is_none());
        member.check(fields, &mut Naming { path, ignored: below });
    }
    for member in table.iter().filter(|member| member.required) {
        let value = fields.anything(member.name);
        fields.required(member.name, value);
    }
}

impl Member {
    fn check(&self, fields: &mut Fields<'_>, naming: &mut Naming<'_>) {
        let name = self.name;
        match self.rule {
            Rule::Typed | Rule::Anything => {}
            Rule::Inside(table, all) => {
                if fields.anything(name).is_some_and(Value::is_object) {
                    fields.object(name, |inner| {
                        members(inner, table, naming);
                        all(inner);
                    });
                }
            }
            Rule::Object(table) => {
                fields.object(name, |inner| members(inner, table, naming));
            }
            Rule::ObjectWhere(table, all) => {
                fields.object(name, |inner| {
                    members(inner, table, naming);
                    all(inner);
                });
            }
            Rule::Every(table) => {
                fields.objects(name, MAX_OPTIONS, |inner| members(inner, table, naming));
            }
            Rule::Objects(table, all) => {
                fields.objects(name, MAX_ENDPOINTS, |inner| {
                    members(inner, table, naming);
                    all(inner);
                });
            }
            Rule::AnyObject => {
                fields.object(name, |_| ());
            }
            Rule::Text => {
                fields.text(name, MAX_TEXT_LEN);
            }
            Rule::TextUpTo(most) => text_up_to(fields, name, most),
            Rule::Texts => {
                let texts = fields.anything(name).and_then(Value::as_array);
                if !texts.is_some_and(|texts| texts.iter().all(Value::is_string)) {
                    fields.complain(name, "It must be a list of texts.");
                }
            }
            Rule::Between(least, most) => between(fields, name, least, most),
            Rule::WholeBetween(least, most) => {
                fields.number_between(name, least, most);
            }
            Rule::Choice(words) => choice(fields, name, words),
            Rule::List => {
                if fields.anything(name).is_some_and(|value| !value.is_array()) {
                    fields.complain(name, "It must be a list.");
                }
            }
            Rule::Word(words) => word(fields, name, words),
            Rule::Words(words) => every_word(fields, name, words),
            Rule::Flag => {
                fields.boolean(name);
            }
            Rule::Whole(least) => {
                fields.number(name, least);
            }
            Rule::Url(schemes) => url(fields, name, schemes),
            Rule::Uuid => {
                fields.parsed::<uuid::Uuid>(name, "It must be a UUID.");
            }
            Rule::Labels => labels(fields, name),
            Rule::Sound => media(fields, name, is_mp3, "It must be MP3 audio."),
        }
    }
}

/// `a, b or c`.
fn any_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn word(fields: &mut Fields<'_>, name: &str, words: &[&str]) {
    if let Some(given) = fields.text(name, MAX_TEXT_LEN)
        && !words.contains(&given)
    {
        fields.complain(name, format!("It must be {}.", any_of(words)));
    }
}

fn choice(fields: &mut Fields<'_>, name: &str, words: &[&str]) {
    let given = match fields.anything(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        _ => String::new(),
    };
    if !words.contains(&&*given) {
        fields.complain(name, format!("It must be {}.", any_of(words)));
    }
}

fn text_up_to(fields: &mut Fields<'_>, name: &str, most: usize) {
    match fields.anything(name).map(Value::as_str) {
        Some(Some(text)) if text.chars().count() > most => {
            fields.complain(name, format!("It must not be longer than {most} characters."));
        }
        Some(None) => fields.complain(name, "It must be text."),
        _ => {}
    }
}

fn between(fields: &mut Fields<'_>, name: &str, least: f64, most: f64) {
    let number = match fields.anything(name) {
        Some(Value::Number(number)) => number.as_f64(),
        // Forms carry numbers as text.
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    if !number.is_some_and(|number| (least..=most).contains(&number)) {
        let range =
            if most.is_finite() { format!("from {least} to {most}") } else { format!("of at least {least}") };
        fields.complain(name, format!("It must be a number {range}."));
    }
}

fn every_word(fields: &mut Fields<'_>, name: &str, words: &[&str]) {
    let known = |word: &Value| word.as_str().is_some_and(|word| words.contains(&word));
    match fields.anything(name) {
        Some(Value::Array(given)) if given.iter().all(known) => {}
        _ => fields.complain(name, format!("It must be a list of {}.", any_of(words))),
    }
}

fn url(fields: &mut Fields<'_>, name: &str, schemes: &[&str]) {
    if let Some(given) = fields.text(name, MAX_URL_LEN)
        && !url::Url::parse(given).is_ok_and(|url| url.has_host() && schemes.contains(&url.scheme()))
    {
        fields.complain(name, format!("It must be a URL that begins with {}.", any_of(schemes)));
    }
}

fn labels(fields: &mut Fields<'_>, name: &str) {
    fields.object(name, |inner| {
        for label in inner.names() {
            if !inner.anything(label).is_some_and(Value::is_string) {
                inner.complain(label, "It must be text.");
            }
        }
    });
}

fn media(fields: &mut Fields<'_>, name: &str, is_so: fn(&[u8]) -> bool, complaint: &str) {
    let Some(text) = fields.text(name, MAX_MEDIA_LEN) else { return };
    match BASE64_STANDARD.decode(text) {
        Ok(bytes) if is_so(&bytes) => {}
        Ok(_) => fields.complain(name, complaint),
        Err(_) => fields.complain(
            name,
            "It must be Base64 in the standard alphabet, with its padding and without a data: prefix.",
        ),
    }
}

fn is_mp3(bytes: &[u8]) -> bool {
    bytes.starts_with(b"ID3") || matches!(bytes, [0xff, second, ..] if second & 0xe0 == 0xe0)
}
