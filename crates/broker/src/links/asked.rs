//! What a request asks for, in each dialect.

use std::borrow::Cow;

use model::{Code, Failure, MeetingNumber, PlatformBot, TokenKind};
use outbound::attendee::MOST_BYTES;
use serde::Deserialize;
use serde_json::Value;
use store::{Dialect, LinkTerms, Proof};
use zoom::MeetingLink;

const KIND: &str = "kind";
const MEETING: &str = "meeting";
const FRESH: &str = "fresh";
const EXTRA: &str = "extra";
/// The bot, by the names that platforms have for it; the first that is there counts.
const BOT: [&str; 3] = ["bot_id", "bot_uuid", "bot"];
/// The parameters that a query may have of its own, in any dialect. A link's secret can't have one of these names.
pub const QUERY_PARAMETERS: [&str; 7] = [KIND, MEETING, FRESH, EXTRA, BOT[0], BOT[1], BOT[2]];

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The kind of token, if the request names one.
    pub(super) kind: Option<TokenKind>,
    /// The meeting, by the link's rule.
    pub(super) meeting: Option<MeetingNumber>,
    /// The bot, by its id at the platform. Nobody vouches for it.
    pub(super) bot: Option<PlatformBot>,
    /// Nothing from memory.
    pub(super) fresh: bool,
}

/// Name and value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A query as pairs. Some platforms append theirs with a second `?`, whatever stands there already.
pub(super) fn pairs(query: &str) -> Vec<Pair<'_>> {
    query.split('?').flat_map(|part| url::form_urlencoded::parse(part.as_bytes())).collect()
}

/// Attendee's body; what else is in it is the signature's business alone.
#[derive(Deserialize)]
struct AttendeeBody {
    bot_id: String,
    callback_type: String,
    meeting_url: String,
}

/// Reads a request and holds it against the link's meeting.
pub(super) fn read(terms: &LinkTerms, query: &str, body: &[u8]) -> Result<Asked, Failure> {
    if terms.dialect == Dialect::Attendee {
        return of_attendee(terms, body);
    }
    if query.is_empty() {
        return Ok(Asked { meeting: terms.meeting, ..Asked::default() });
    }
    let pairs = pairs(query);
    // The secret is never read as anything else: links from before such names were refused may have one of ours.
    let secret = match &terms.proof {
        Proof::QuerySecret { name, .. } => Some(name.as_str()),
        Proof::Signature | Proof::Nothing => None,
    };
    let get = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(given, value)| given == name && Some(name) != secret && !value.is_empty())
            .map(|(_, value)| &**value)
    };
    let kind = get(KIND).map(|kind| {
        kind.parse().map_err(|_| malformed("the kind is none of zak, obf, join_token and access_token"))
    });
    let named = match terms.dialect {
        // The bot's own `extra`: free text of its owner's, which need not be about us.
        Dialect::MeetingBaas => get(EXTRA).filter(|_| terms.meeting_in_request).and_then(meeting_of_extra),
        Dialect::Recall | Dialect::Attendee => get(MEETING).map(str::to_owned),
    };
    let bot = BOT.into_iter().find_map(get);
    Ok(Asked {
        kind: kind.transpose()?,
        meeting: judge(terms, named.as_deref().map(number).transpose()?)?,
        bot: bot.map(platform_bot).transpose()?,
        fresh: get(FRESH) == Some("1"),
    })
}

fn of_attendee(terms: &LinkTerms, body: &[u8]) -> Result<Asked, Failure> {
    let body: AttendeeBody = (body.len() <= MOST_BYTES)
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
        .ok_or_else(|| malformed("the body lacks bot_id, callback_type or meeting_url"))?;
    if body.callback_type != "zoom_tokens" {
        return Err(malformed("the callback_type is not zoom_tokens"));
    }
    let link = MeetingLink::parse(&body.meeting_url).map_err(|error| malformed(error.to_string()))?;
    let named = Some(link.meeting_number).filter(|_| terms.meeting_in_request || terms.meeting.is_some());
    Ok(Asked {
        kind: None,
        meeting: judge(terms, named)?,
        bot: Some(platform_bot(&body.bot_id)?),
        fresh: false,
    })
}

/// The meeting that tokens are for: the link's, or the request's if the link lets it say.
fn judge(terms: &LinkTerms, named: Option<MeetingNumber>) -> Result<Option<MeetingNumber>, Failure> {
    match (terms.meeting, named) {
        (Some(only), Some(named)) if only != named => {
            Err(Failure::new(Code::MeetingNotAllowed, "the link is for another meeting"))
        }
        (Some(only), _) => Ok(Some(only)),
        (None, Some(_)) if !terms.meeting_in_request => {
            Err(Failure::new(Code::MeetingNotAllowed, "the link does not let a request name the meeting"))
        }
        (None, named) => Ok(named),
    }
}

/// What is not even JSON says nothing.
fn meeting_of_extra(extra: &str) -> Option<String> {
    let extra: Value = serde_json::from_str(extra).ok()?;
    match extra.get("meeting_id")? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn number(text: &str) -> Result<MeetingNumber, Failure> {
    text.parse().map_err(|error: model::NotAMeetingNumber| malformed(error.to_string()))
}

fn platform_bot(text: &str) -> Result<PlatformBot, Failure> {
    text.parse().map_err(|_| malformed("the bot's id is not 1 to 128 visible characters"))
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new(Code::RequestMalformed, detail)
}
