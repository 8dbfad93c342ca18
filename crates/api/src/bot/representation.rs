//! A bot as answers show it.

use std::collections::{BTreeMap, HashMap};

use bots::{OpenedBot, request};
use model::{
    AccountUser, ApiScope, ApiScopes, BotId, CredentialId, PoolId, StatusChange, Timestamp, ZoomOauthAppId,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use zoom::MeetingLink;

use super::{
    realtime_endpoints,
    recordings::{self, Recording},
};
use crate::{State, error::ApiError, openapi::Object};

/// Replaces the query of a URL that gives tokens.
const MASK: &str = "********";

/// A bot: the request with its defaults, and its history. Its status is the last of `status_changes`.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
pub(crate) struct Bot {
    id: BotId,
    /// The meeting; null when its link can no longer be decrypted or read.
    #[schema(required)]
    meeting_url: Option<Meeting>,
    bot_name: String,
    /// When it joins, if the request set a time.
    #[schema(required)]
    join_at: Option<Timestamp>,
    automatic_leave: AutomaticLeave,
    zoom: ZoomOptions,
    metadata: BTreeMap<String, String>,
    /// Oldest first.
    status_changes: Vec<StatusChange>,
    /// The stored data of its meeting: at most one recording.
    recordings: Vec<Recording>,
    /// Always empty.
    calendar_meetings: Vec<Object>,
    /// Always null.
    #[schema(required)]
    slack_team: Option<Object>,
    /// Other objects of the contract, echoed as given, without images.
    #[serde(flatten)]
    echoed: BTreeMap<String, Value>,
    /// The names of the given fields that have no effect here.
    latchkey_ignored: Vec<String>,
}

/// The contract answers with an object where the request has a link.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
struct Meeting {
    meeting_id: String,
    #[schema(required)]
    meeting_password: Option<String>,
    platform: Platform,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Platform {
    Zoom,
}

/// The number of seconds after which it leaves without a command, for each condition. Other conditions are echoed and have
/// no effect.
#[derive(Serialize, ToSchema)]
struct AutomaticLeave {
    waiting_room_timeout: u32,
    noone_joined_timeout: u32,
    everyone_left_timeout: EveryoneLeft,
    in_call_not_recording_timeout: u32,
    silence_detection: Silence,
    bot_detection: OnlyBots,
    #[serde(flatten)]
    echoed: BTreeMap<String, Value>,
}

#[derive(Serialize, ToSchema)]
struct EveryoneLeft {
    timeout: u32,
    #[schema(required)]
    activate_after: Option<u32>,
}

#[derive(Serialize, ToSchema)]
struct Silence {
    timeout: u32,
    activate_after: u32,
}

#[derive(Serialize, ToSchema)]
struct OnlyBots {
    using_participant_events: BotsByEvents,
    #[serde(skip_serializing_if = "Option::is_none")]
    using_participant_names: Option<BotsByNames>,
}

#[derive(Serialize, ToSchema)]
struct BotsByEvents {
    timeout: u32,
    activate_after: u32,
}

#[derive(Serialize, ToSchema)]
struct BotsByNames {
    timeout: u32,
    activate_after: u32,
    matches: Vec<String>,
}

/// How it signs in; absent fields were not given. URLs of tokens are masked for a key without the scope
/// `bots`.
#[derive(Serialize, ToSchema)]
struct ZoomOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    zak_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    join_token_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    obf_token_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<CredentialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obf_credential: Option<CredentialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_app: Option<ZoomOauthAppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<PoolId>,
    /// The user whose token it uses, if the account is a server-to-server app's.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<AccountUser>,
    /// The e-mail address that was given for the user. It may be another user's by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_address: Option<AccountUser>,
    start_meeting: bool,
}

/// A bot as a key with these scopes may see it.
pub(super) async fn of(state: &State, bot: OpenedBot, scopes: ApiScopes) -> Result<Bot, ApiError> {
    let recordings = state.bots.meetings.recordings([&bot.row]).await?;
    Ok(one(state, bot, scopes, &recordings))
}

/// Bots of one workspace, in their order.
pub(super) async fn all(
    state: &State,
    bots: Vec<OpenedBot>,
    scopes: ApiScopes,
) -> Result<Vec<Bot>, ApiError> {
    let recordings = state.bots.meetings.recordings(bots.iter().map(|bot| &bot.row)).await?;
    Ok(bots.into_iter().map(|bot| one(state, bot, scopes, &recordings)).collect())
}

fn one(
    state: &State,
    bot: OpenedBot,
    scopes: ApiScopes,
    recordings: &HashMap<BotId, bots::Recording>,
) -> Bot {
    let kept = recordings.get(&bot.row.id);
    let recordings = kept.map(|kept| recordings::recording(state, &bot, kept)).into_iter().collect();
    let OpenedBot { row, request } = bot;
    let mut echoed = request.objects.into_given();
    if !scopes.has(ApiScope::Bots) {
        realtime_endpoints::mask(&mut echoed);
    }
    Bot {
        id: row.id,
        meeting_url: Meeting::of(&request.meeting_url),
        bot_name: request.bot_name,
        join_at: row.join_at,
        automatic_leave: request.automatic_leave.into(),
        zoom: ZoomOptions::of(request.zoom, scopes),
        metadata: row.metadata,
        status_changes: row.status_changes,
        recordings,
        calendar_meetings: Vec::new(),
        slack_team: None,
        echoed: echoed.into_iter().collect(),
        latchkey_ignored: request.ignored,
    }
}

impl Meeting {
    fn of(link: &str) -> Option<Self> {
        let link = MeetingLink::parse(link).ok()?;
        Some(Self {
            meeting_id: link.meeting_number.to_string(),
            meeting_password: link.passcode.map(|passcode| passcode.expose().to_owned()),
            platform: Platform::Zoom,
        })
    }
}

impl ZoomOptions {
    fn of(options: bots::ZoomOptions, scopes: ApiScopes) -> Self {
        // The query often contains the secret that gives the token.
        let url = |url: Option<String>| {
            url.map(|url| if scopes.has(ApiScope::Bots) { url } else { MASK.to_owned() })
        };
        Self {
            zak_url: url(options.zak_url),
            join_token_url: url(options.join_token_url),
            obf_token_url: url(options.obf_token_url),
            user_email: options.user_email,
            credential: options.credential,
            obf_credential: options.obf_credential,
            oauth_app: options.oauth_app,
            pool: options.pool,
            user: options.user,
            user_address: options.user_address,
            start_meeting: options.start_meeting,
        }
    }
}

impl From<request::AutomaticLeave> for AutomaticLeave {
    fn from(conditions: request::AutomaticLeave) -> Self {
        let request::EveryoneLeft { timeout, activate_after } = conditions.everyone_left_timeout;
        let (silence, only_bots) = (conditions.silence_detection, conditions.bot_detection);
        let (by_events, by_names) = (only_bots.using_participant_events, only_bots.using_participant_names);
        Self {
            waiting_room_timeout: conditions.waiting_room_timeout,
            noone_joined_timeout: conditions.noone_joined_timeout,
            everyone_left_timeout: EveryoneLeft { timeout, activate_after },
            in_call_not_recording_timeout: conditions.in_call_not_recording_timeout,
            silence_detection: Silence { timeout: silence.timeout, activate_after: silence.activate_after },
            bot_detection: OnlyBots {
                using_participant_events: BotsByEvents {
                    timeout: by_events.timeout,
                    activate_after: by_events.activate_after,
                },
                using_participant_names: by_names.map(|rule| BotsByNames {
                    timeout: rule.timeout,
                    activate_after: rule.activate_after,
                    matches: rule.matches,
                }),
            },
            echoed: conditions.echoed.into_iter().collect(),
        }
    }
}
