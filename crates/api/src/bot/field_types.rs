//! Types of a new bot's fields.

use std::collections::BTreeMap;

use bots::request::{AutomaticLeave, EveryoneLeft};
use serde_json::{Map, Value};
use utoipa::openapi::{
    OneOfBuilder, RefOr, Schema, Type,
    schema::{AdditionalProperties, SchemaType},
};
use zoom::{LinkError, MeetingLink};

use super::leave_conditions::{OnlyBots, Silence};
use crate::{
    fields::Fields,
    request::{Field, Request as _, Schemas, Seconds, any_object, number, refer, reference, request, string},
};

const MAX_LABELS: usize = 50;
const MAX_LABEL_LEN: usize = 500;
const MAX_LINK_LEN: usize = 2000;
/// The contract's variants of bots in a browser. They are all the same here.
pub(super) const WEB_VARIANTS: &[&str] = &["web", "web_4_core", "web_gpu"];

/// A meeting link that can be read as one of Zoom's, or a personal one, which is resolved before the bot is created.
pub(super) struct MeetingUrl(pub(super) String);

impl Field for MeetingUrl {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let url = fields.text(name, MAX_LINK_LEN)?;
        match MeetingLink::parse(url) {
            Ok(_) => Some(Self(url.to_owned())),
            Err(LinkError::Personal) if zoom::personal_name(url).is_some() => Some(Self(url.to_owned())),
            Err(error) => {
                fields.complain(name, error.to_string());
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        string(MAX_LINK_LEN).into()
    }
}

request! {
    /// The number of seconds after which a bot leaves without a command, for each condition. Other conditions of the
    /// contract are echoed and have no effect.
    open struct LeaveConditions {
        /// In the waiting room, or waiting for the host. Default 1200.
        waiting_room_timeout: Option<Seconds<30>>,
        /// No other participant has joined. Default 1200.
        noone_joined_timeout: Option<Seconds<30>>,
        /// All other participants have left.
        everyone_left_timeout: Option<Alone>,
        /// In the call, not recording. Default 3600.
        in_call_not_recording_timeout: Option<Seconds<1>>,
        /// Nobody speaks.
        silence_detection: Option<Silence>,
        /// All other participants are bots.
        bot_detection: Option<OnlyBots>,
    }
}

/// When a bot leaves without a command.
pub(super) struct Conditions(pub(super) AutomaticLeave);

impl Field for Conditions {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let usual = AutomaticLeave::default();
        let read = |inner: &mut Fields<'_>| {
            let given = LeaveConditions::read(inner)?;
            let seconds = |given: Option<u32>, usual| given.unwrap_or(usual);
            Some(Self(AutomaticLeave {
                waiting_room_timeout: seconds(
                    given.waiting_room_timeout.map(|time| time.0),
                    usual.waiting_room_timeout,
                ),
                noone_joined_timeout: seconds(
                    given.noone_joined_timeout.map(|time| time.0),
                    usual.noone_joined_timeout,
                ),
                everyone_left_timeout: given
                    .everyone_left_timeout
                    .map_or(usual.everyone_left_timeout, |alone| alone.0),
                in_call_not_recording_timeout: seconds(
                    given.in_call_not_recording_timeout.map(|time| time.0),
                    usual.in_call_not_recording_timeout,
                ),
                silence_detection: given
                    .silence_detection
                    .map_or(usual.silence_detection, |silence| silence.0),
                bot_detection: given.bot_detection.map_or(usual.bot_detection, |bots| bots.0),
                echoed: inner.others(LeaveConditions::FIELDS),
            }))
        };
        fields.object(name, read).flatten()
    }

    fn schema() -> RefOr<Schema> {
        reference::<LeaveConditions>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<LeaveConditions>(schemas);
    }
}

request! {
    /// The condition that all other participants have left.
    open struct EveryoneLeftCondition {
        /// Seconds alone. Default 2.
        timeout: Option<Seconds<1>>,
        /// Seconds in the call before this condition applies.
        activate_after: Option<Seconds<1>>,
    }
}

/// An object, or a bare number, which older clients send.
pub(super) struct Alone(EveryoneLeft);

impl Field for Alone {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let alone = |timeout, activate_after| Self(EveryoneLeft { timeout, activate_after });
        if !fields.anything(name)?.is_object() {
            return fields.seconds(name, 1).map(|timeout| alone(timeout, None));
        }
        let given = fields.object(name, EveryoneLeftCondition::read).flatten()?;
        let timeout =
            given.timeout.map_or(AutomaticLeave::default().everyone_left_timeout.timeout, |time| time.0);
        Some(alone(timeout, given.activate_after.map(|time| time.0)))
    }

    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new().item(number(1, u32::MAX)).item(reference::<EveryoneLeftCondition>()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<EveryoneLeftCondition>(schemas);
    }
}

/// `metadata`: labels and their values. A label with the value null is left out.
pub(super) struct Labels(pub(super) BTreeMap<String, String>);

impl Field for Labels {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.object(name, labels).map(Self)
    }

    fn schema() -> RefOr<Schema> {
        let value = string(MAX_LABEL_LEN).min_length(Some(0));
        let value = value.schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        let values = AdditionalProperties::RefOr(RefOr::T(value.into()));
        any_object().additional_properties(Some(values)).max_properties(Some(MAX_LABELS)).into()
    }
}

fn labels(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let names = fields.others(&[]);
    if names.len() > MAX_LABELS {
        fields.complain("metadata", format!("There must not be more than {MAX_LABELS} labels."));
    }
    let mut labels = BTreeMap::new();
    for (name, value) in names {
        match value.as_str() {
            // A label with the value null is left out.
            None if value.is_null() => {}
            _ if name.chars().count() > 100 || name.contains('\0') => {
                fields.complain(&name, "A label's name has at most 100 characters, and no U+0000.");
            }
            Some(text) if text.chars().count() <= MAX_LABEL_LEN && !text.contains('\0') => {
                labels.insert(name, text.to_owned());
            }
            _ => fields.complain(&name, "A label's value is text of at most 500 characters."),
        }
    }
    labels
}

/// `variant`: the kind of bot, by platform.
pub(super) struct Variant(pub(super) Map<String, Value>);

impl Field for Variant {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.object(name, |inner| {
            match inner.text("zoom", 50) {
                Some("native") => inner.complain("zoom", "Only web variants are supported here."),
                Some(variant) if !WEB_VARIANTS.contains(&variant) => {
                    inner.complain("zoom", "It must be web, web_4_core or web_gpu.");
                }
                _ => {}
            }
            Self(inner.others(&[]))
        })
    }

    fn schema() -> RefOr<Schema> {
        any_object().property("zoom", string(50).enum_values(Some(WEB_VARIANTS.iter().copied()))).into()
    }
}
