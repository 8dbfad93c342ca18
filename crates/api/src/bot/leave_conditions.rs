//! When a bot leaves although others are there: nobody speaks, or all others are bots.

use bots::request::{BotDetection, BotsByEvents, BotsByNames, SilenceDetection};
use utoipa::openapi::{ArrayBuilder, RefOr, Schema};

use crate::{
    fields::Fields,
    request::{Field, Request as _, Schemas, Seconds, nested, refer, reference, request, string},
};

/// The most parts of names by which a participant counts as a bot.
const MAX_MATCHES: usize = 100;
const MAX_MATCH_LEN: usize = 100;

request! {
    /// Nobody speaks, according to Zoom's active speakers and captions.
    open struct SilenceCondition {
        /// Seconds of silence. Default 3600.
        timeout: Option<Seconds<10>>,
        /// Seconds in the call before this condition applies. Default 1200.
        activate_after: Option<Seconds<1>>,
    }
}

request! {
    /// No other participant has ever spoken or shared a screen.
    open struct BotsByEventsCondition {
        /// Seconds with bots only. Default 600.
        timeout: Option<Seconds<10>>,
        /// Seconds in the call before this condition applies. Default 1200.
        activate_after: Option<Seconds<1>>,
    }
}

request! {
    /// The names of all other participants contain one of these parts, in any case.
    open struct BotsByNamesCondition {
        /// Seconds with bots only.
        timeout: Seconds<10>,
        /// Seconds in the call before this condition applies.
        activate_after: Seconds<1>,
        /// Parts of names.
        matches: Matches,
    }
}

request! {
    /// All other participants are bots.
    open struct BotCondition {
        /// Bots are detected by what they do.
        using_participant_events: Option<BotsByEventsCondition>,
        /// Bots are detected by their names. Off unless given.
        using_participant_names: Option<BotsByNamesCondition>,
    }
}

nested! { BotsByEventsCondition BotsByNamesCondition }

/// Parts of names.
struct Matches(Vec<String>);

impl Field for Matches {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let given = fields.anything(name)?;
        let text = |part: &serde_json::Value| {
            part.as_str()
                .filter(|part| !part.trim().is_empty() && part.chars().count() <= MAX_MATCH_LEN)
                .map(str::to_owned)
        };
        // A form has a text where JSON has a list.
        let parts = match given {
            serde_json::Value::Array(parts) => Some(parts.as_slice()),
            text => text.is_string().then(|| std::slice::from_ref(text)),
        };
        let parts = parts.filter(|parts| (1..=MAX_MATCHES).contains(&parts.len()));
        let parts: Option<Vec<_>> = parts.and_then(|parts| parts.iter().map(text).collect());
        if parts.is_none() {
            let words =
                format!("It must be a list of 1 to {MAX_MATCHES} texts of 1 to {MAX_MATCH_LEN} characters.");
            fields.complain(name, words);
        }
        parts.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(string(MAX_MATCH_LEN))
            .min_items(Some(1))
            .max_items(Some(MAX_MATCHES))
            .into()
    }
}

/// `silence_detection`.
pub(super) struct Silence(pub(super) SilenceDetection);

impl Field for Silence {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let given = fields.object(name, SilenceCondition::read).flatten()?;
        let usual = SilenceDetection::default();
        Some(Self(SilenceDetection {
            timeout: given.timeout.map_or(usual.timeout, |time| time.0),
            activate_after: given.activate_after.map_or(usual.activate_after, |time| time.0),
        }))
    }

    fn schema() -> RefOr<Schema> {
        reference::<SilenceCondition>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<SilenceCondition>(schemas);
    }
}

/// `bot_detection`.
pub(super) struct OnlyBots(pub(super) BotDetection);

impl Field for OnlyBots {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let given = fields.object(name, BotCondition::read).flatten()?;
        let usual = BotsByEvents::default();
        let by_events = given.using_participant_events.map_or(usual, |rule| BotsByEvents {
            timeout: rule.timeout.map_or(usual.timeout, |time| time.0),
            activate_after: rule.activate_after.map_or(usual.activate_after, |time| time.0),
        });
        let by_names = given.using_participant_names.map(|rule| BotsByNames {
            timeout: rule.timeout.0,
            activate_after: rule.activate_after.0,
            matches: rule.matches.0,
        });
        Some(Self(BotDetection { using_participant_events: by_events, using_participant_names: by_names }))
    }

    fn schema() -> RefOr<Schema> {
        reference::<BotCondition>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<BotCondition>(schemas);
    }
}
