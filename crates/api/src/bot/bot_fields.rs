//! The body of a new bot, and of a change of one.

use std::{borrow::Cow, time::Duration};

use bots::{BotEdit, BotRequest, NewBot};
use model::{Timestamp, WorkspaceId};
use serde_json::{Map, Value};
use store::IgnoredFields;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    chat::Chat,
    contract::{self, Ignored},
    field_types::{Conditions, Labels, MeetingUrl, Variant},
    picture::AutomaticVideoOutput,
    sign_in::{self, SignIn},
};
use crate::{
    State,
    error::ApiError,
    fields::{FieldErrors, Fields},
    query::Query,
    request::{AnyObject, Field as _, Request as _, Schemas, Text, request},
};

request! {
    /// A bot's fields. Fields of the contract that have no effect here are echoed. Unknown fields are ignored, unless
    /// they look like a misspelt field of `zoom`.
    open struct BotFields {
        /// The meeting's link: the passcode in `pwd`, a registration in `tk`.
        meeting_url: Option<MeetingUrl>,
        /// The name in the meeting. Default: `Meeting Notetaker`.
        bot_name: Option<Text<100>>,
        /// When the bot joins; immediately if absent. A bot that joins in more than ten minutes is scheduled.
        join_at: Option<Timestamp>,
        /// When it leaves without a command.
        automatic_leave: Option<Conditions>,
        /// How it signs in.
        zoom: Option<SignIn>,
        /// Labels; answers repeat them and lists can be filtered by them.
        metadata: Option<Labels>,
        /// Accepted for compatibility: all web variants are the same here, and other variants are not supported.
        variant: Option<Variant>,
        /// Named in `latchkey_ignored` where it has no effect.
        automatic_audio_output: Option<AnyObject>,
        /// What it shows as its camera, instead of the account's picture.
        automatic_video_output: Option<AutomaticVideoOutput>,
        /// Named in `latchkey_ignored` where it has no effect.
        breakout_room: Option<AnyObject>,
        /// Messages that it writes without a command.
        chat: Option<Chat>,
        /// Named in `latchkey_ignored` where it has no effect.
        google_meet: Option<AnyObject>,
        /// Named in `latchkey_ignored` where it has no effect.
        output_media: Option<AnyObject>,
        /// Named in `latchkey_ignored` where it has no effect.
        recording_config: Option<AnyObject>,
        /// Named in `latchkey_ignored` where it has no effect.
        webex: Option<AnyObject>,
    }
}

/// The query of the request.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct Strictness {
    /// `1`: a field without effect is refused; `0`: it is named in `latchkey_ignored`. If this is absent, the workspace's
    /// setting `ignored_fields` decides.
    strict: Option<String>,
}

/// Whether fields without effect are refused, by this request or else by its workspace.
pub(super) async fn is_strict(
    state: &State,
    workspace: WorkspaceId,
    query: Option<&str>,
) -> Result<bool, ApiError> {
    match Query::of_type::<Strictness>(query, None)?.get("strict") {
        Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(FieldErrors::one("strict", "It must be 1 or 0.").into()),
        None => {
            let workspace = state.broker.workspaces.get(workspace).await?;
            Ok(workspace.is_some_and(|workspace| workspace.ignored_fields == IgnoredFields::Refuse))
        }
    }
}

/// [`BotFields`] of a new bot: its link is required.
pub(super) struct CreateBot;

impl PartialSchema for CreateBot {
    fn schema() -> RefOr<Schema> {
        let mut schema = BotFields::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.properties.insert("meeting_url".to_owned(), MeetingUrl::schema());
            object.required.push("meeting_url".to_owned());
        }
        schema
    }
}

impl ToSchema for CreateBot {
    fn name() -> Cow<'static, str> {
        "CreateBot".into()
    }

    fn schemas(schemas: &mut Schemas) {
        BotFields::schemas(schemas);
    }
}

/// Reads a new bot. If it is `strict`, fields without effect are refused. Meeting events are stored for `kept`.
pub(super) fn create(mut fields: Fields<'_>, strict: bool, kept: Duration) -> Result<NewBot, FieldErrors> {
    let asked = read(&mut fields, kept);
    let link = fields.anything("meeting_url");
    fields.required("meeting_url", link);
    allowed(fields.finish(asked)?, strict)
}

/// Reads the changes of a bot: a field that is not given stays, null restores its default.
pub(super) fn change(mut fields: Fields<'_>, strict: bool, kept: Duration) -> Result<BotEdit, FieldErrors> {
    let given = fields.others(&[]).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let to = read(&mut fields, kept);
    if given.iter().any(|name| name == "meeting_url") {
        let link = fields.anything("meeting_url");
        fields.required("meeting_url", link);
    }
    Ok(BotEdit { to: allowed(fields.finish(to)?, strict)?, given })
}

fn allowed((new, ignored): (NewBot, Vec<Ignored>), strict: bool) -> Result<NewBot, FieldErrors> {
    if strict {
        contract::refuse(&ignored)?;
    }
    Ok(new)
}

fn read(fields: &mut Fields<'_>, kept: Duration) -> Option<(NewBot, Vec<Ignored>)> {
    let asked = BotFields::read(fields);
    sign_in::misplaced(fields, BotFields::FIELDS);
    let ignored = contract::check(fields, kept);
    let mut asked = asked?;
    let objects = asked.objects().into();
    let new = NewBot {
        request: BotRequest {
            meeting_url: asked.meeting_url.map(|link| link.0).unwrap_or_default(),
            bot_name: asked.bot_name.map_or_else(|| "Meeting Notetaker".to_owned(), |name| name.0),
            zoom: asked.zoom.map(|zoom| zoom.0).unwrap_or_default(),
            automatic_leave: asked.automatic_leave.map(|conditions| conditions.0).unwrap_or_default(),
            objects,
            ignored: ignored.iter().map(Ignored::name).collect(),
        },
        join_at: asked.join_at,
        metadata: asked.metadata.map(|labels| labels.0).unwrap_or_default(),
        picture: asked.automatic_video_output.and_then(|output| output.picture),
    };
    Some((new, ignored))
}

impl BotFields {
    /// Its other objects, without images: images are not shown again, so they are not stored here.
    fn objects(&mut self) -> Map<String, Value> {
        let shown =
            self.automatic_video_output.as_mut().map(|output| AnyObject(std::mem::take(&mut output.echo)));
        let variant = self.variant.take().map(|variant| AnyObject(variant.0));
        let objects = [
            ("automatic_audio_output", self.automatic_audio_output.take()),
            ("automatic_video_output", shown),
            ("breakout_room", self.breakout_room.take()),
            ("chat", self.chat.take().map(|chat| AnyObject(chat.0))),
            ("google_meet", self.google_meet.take()),
            ("output_media", self.output_media.take()),
            ("recording_config", self.recording_config.take()),
            ("variant", variant),
            ("webex", self.webex.take()),
        ];
        let given = objects.into_iter().filter_map(|(name, value)| Some((name, value?.0)));
        given.map(|(name, value)| (name.to_owned(), without_images(&Value::Object(value)))).collect()
    }
}

fn without_images(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(name, _)| *name != "b64_data");
            kept.map(|(name, value)| (name.clone(), without_images(value))).collect()
        }
        Value::Array(values) => values.iter().map(without_images).collect(),
        value => value.clone(),
    }
}
