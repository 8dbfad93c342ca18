//! Submitted forms, and what is shown again after a refusal.

use std::fmt;

use askama::filters::HtmlSafe;
use serde_json::{Map, Value};

use crate::{client::Refused, format::Escaped};

/// The fields of a form, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    pub(crate) fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The text of a field without surrounding spaces; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(given, _)| given == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether a box is ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Every value of a field.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.trim())
    }

    /// Puts texts that are not empty into the body of a call.
    pub(crate) fn body<const N: usize>(&self, names: [&str; N]) -> Map<String, Value> {
        let given = names.into_iter().filter(|name| !self.text(name).is_empty());
        given.map(|name| (name.to_owned(), Value::String(self.text(name).to_owned()))).collect()
    }
}

/// A form as a page shows it, with the entered values and the errors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) form: Form,
    pub(crate) refused: Option<Refused>,
}

/// The error under a field; empty if there is none.
pub(crate) struct Complaint {
    name: String,
    words: String,
}

impl Draft {
    pub(crate) fn of(form: Form, refused: Refused) -> Self {
        Self { form, refused: Some(refused) }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.form.text(name)
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.form.text(name) == value
    }

    /// The same for a field that may appear several times.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.form.all(name).any(|given| given == value)
    }

    /// The error of a field of the API: of `field` itself, or of something inside it.
    pub(crate) fn wrong(&self, field: &str) -> Complaint {
        let fields = self.refused.as_ref().map(|refused| &refused.fields[..]).unwrap_or_default();
        let inside = format!("{field}.");
        let of = fields.iter().filter(|(name, _)| name == field || name.starts_with(&inside));
        let words: Vec<_> = of.map(|(_, words)| words.as_str()).collect();
        Complaint { name: field.to_owned(), words: words.join(" ") }
    }

    /// The errors of the whole form, and of fields that are not on the page.
    pub(crate) fn complaint<const N: usize>(&self, shown: [&str; N]) -> String {
        let Some(refused) = &self.refused else { return String::new() };
        let others = refused.fields.iter().filter(|(name, _)| {
            !shown.iter().any(|field| name == field || name.starts_with(&format!("{field}.")))
        });
        let others = others.map(|(name, words)| format!("{name}: {words}"));
        let mut all: Vec<_> = others.collect();
        if !refused.detail.is_empty() {
            all.insert(0, refused.detail.clone());
        }
        if all.is_empty() && !refused.fields.is_empty() {
            all.push("There is an error below.".to_owned());
        }
        all.join(" ")
    }
}

impl Complaint {
    /// Attributes for the field, so that its error is announced and marked.
    pub(crate) fn marks(&self) -> Marks<'_> {
        Marks(self)
    }
}

/// The attributes of a field with an error.
pub(crate) struct Marks<'c>(&'c Complaint);

impl fmt::Display for Marks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.words.is_empty() {
            return Ok(());
        }
        write!(f, " aria-invalid=\"true\" aria-describedby=\"wrong-{}\"", Escaped(&self.0.name))
    }
}

impl HtmlSafe for Marks<'_> {}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.words.is_empty() {
            return Ok(());
        }
        write!(f, "<p class=\"wrong\" id=\"wrong-{}\">{}</p>", Escaped(&self.name), Escaped(&self.words))
    }
}

impl HtmlSafe for Complaint {}
