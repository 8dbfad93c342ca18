//! `/bots/{id}`: one bot and its timeline.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use model::{Actor, SubCode, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Bot, Pool,
    meeting::{self, InMeeting},
};
use crate::{
    client::{Client, List, Refused},
    error::{self, PageError, go, missing},
    form::Draft,
    format::{Id, Marked, State, Tone, When, exact, offset, shortened, words},
    id_names::{Names, WithNames},
    layout::{Frame, Section},
    pages::accounts::choices::{Choices, With},
    session::{PathId, Posted, Session},
};

/// Replaces secrets.
const STRUCK_OUT: &str = "········";

#[derive(Template)]
#[template(path = "bot.html")]
struct BotPage {
    frame: Frame,
    bot: Bot,
    shown_id: Id,
    state: State,
    meeting: String,
    when: When,
    /// The path, name and id of what it signs in with.
    account: Option<(String, String, Id)>,
    pool: Option<(String, String, Id)>,
    cure: Option<Remedy>,
    steps: Vec<Entry>,
    /// The number of lines from the page itself: calls to Zoom and the console. They are shown on request.
    raw_lines: usize,
    shows_all: bool,
    /// Whether something may still happen.
    is_live: bool,
    /// Whether a cure is shown, with the form to send it again.
    is_refused: bool,
    in_meeting: InMeeting,
    request: String,
    /// The names of given fields that have no effect here.
    ignored: String,
    /// The parts of its request that cannot be repeated.
    not_repeated: &'static str,
    /// What was entered to send it again, and the errors.
    draft: Draft,
    complaint: String,
    /// What a new bot can sign in with.
    choices: Choices,
    pools: Vec<Pool>,
    may_cancel: bool,
    may_leave: bool,
    may_repeat: bool,
}

struct Remedy {
    title: String,
    about: Marked,
    who: &'static str,
    text: Marked,
    code: String,
    is_bad: bool,
}

/// A status change, or a screenshot of the bot's page, in order of time.
struct Entry {
    at: String,
    exact: String,
    tone: Tone,
    title: WithNames,
    message: Option<WithNames>,
    code: Option<String>,
    picture: Option<String>,
    /// Whether it is a log line between the status changes.
    is_detail: bool,
    sort: Timestamp,
}

#[derive(Deserialize)]
struct Picture {
    id: String,
    recorded_at: Timestamp,
}

/// A line of the bot's log.
#[derive(Deserialize)]
struct LogLine {
    number: u64,
    at: Timestamp,
    kind: String,
    text: String,
}

#[derive(Deserialize)]
struct LogPage {
    results: Vec<LogLine>,
}

/// Pages of the log that are shown; the evidence has the whole log.
const LOG_PAGES: usize = 3;
/// Kinds of lines that repeat a status change or a screenshot.
const SAID_ELSEWHERE: [&str; 3] = ["step", "screenshot", "created"];
/// Kinds of lines about problems.
const TROUBLE: [&str; 4] = ["exception", "heartbeat_missed", "page_gone", "log_full"];

/// Lines about the page's calls to Zoom, and output of Zoom's SDK: for finding the cause of a rare failure.
const RAW: [&str; 3] = ["zoom_call", "console", "exception"];
/// A bot's last screenshot may still arrive after its end.
const REFRESH_AFTER_END: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    log: String,
}

async fn find(client: &Client, id: &str) -> Result<(Bot, Value), PageError> {
    let value: Option<Value> = client.find(&format!("/api/v1/bot/{id}/")).await?;
    let value = value.ok_or_else(missing("bot", "/bots"))?;
    let bot = serde_json::from_value(value.clone()).map_err(|_| PageError::Failed)?;
    Ok((bot, value))
}

pub(crate) async fn page(
    session: Session,
    PathId(id): PathId,
    Query(asked): Query<PageQuery>,
) -> Result<Response, PageError> {
    show(&session, &id, &asked.log, StatusCode::OK, Draft::default()).await
}

async fn show(
    session: &Session,
    id: &str,
    log_shown: &str,
    status: StatusCode,
    draft: Draft,
) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let (bot, value) = find(client, id).await?;
    let began = bot.created_at().unwrap_or(now);
    let pictures: List<Picture> = client.get(&format!("/api/v1/bot/{id}/screenshots/")).await?;
    let choices = Choices::read(client, bot.account().unwrap_or_default()).await?;
    let pools: List<Pool> = client.get("/api/latchkey/v1/pools/").await?;
    let name = |id: &str| {
        (id.to_owned(), choices.name_of(id).map_or_else(|| shortened(id), str::to_owned), Id(id.to_owned()))
    };
    let pool = |id: &String| {
        let known = pools.results.iter().find(|pool| pool.id == *id);
        (id.clone(), known.map_or_else(|| shortened(id), |pool| pool.name.clone()), Id(id.clone()))
    };
    let (code, _) = bot.last();
    let shows_all = log_shown == "all";
    let mut log = log(client, &bot.id).await?;
    let raw_lines = log.iter().filter(|line| RAW.contains(&line.kind.as_str())).count();
    log.retain(|line| shows_all || !RAW.contains(&line.kind.as_str()));
    let messages = bot.status_changes.iter().filter_map(|step| step.message.as_deref());
    let texts = messages.chain(log.iter().map(|line| line.text.as_str()));
    let base = &session.console.base;
    let names = Names::read(client, base, texts).await?;
    let last_at = bot.status_changes.last().map_or(now, |step| step.created_at);
    let page = BotPage {
        // After a refused form, live parts are fetched from this page.
        frame: Frame {
            here: match status {
                StatusCode::OK => format!("{base}{}", session.address),
                _ => format!("{base}/bots/{}", bot.id),
            },
            ..session.frame(bot.bot_name.clone(), Section::Bots)
        },
        shown_id: Id(bot.id.clone()),
        state: State { code: None, ..bot.state() },
        meeting: bot.meeting(),
        when: When::new(bot.join_at.or(bot.created_at()), now),
        account: bot.account().map(name),
        pool: bot.zoom.pool.as_ref().map(pool),
        is_refused: remedy(&bot).is_some_and(|cure| cure.is_bad),
        cure: remedy(&bot),
        steps: steps(&bot, &pictures.results, &log, (base, &names), began),
        raw_lines,
        shows_all,
        is_live: !bot.has_ended() || now.since(last_at) < REFRESH_AFTER_END,
        in_meeting: meeting::read(client, &bot.id, began).await?,
        ignored: ignored(&value),
        not_repeated: not_repeated(&value),
        request: request(value),
        complaint: draft.complaint(["typed"]),
        draft,
        may_cancel: session.may(model::ApiScope::Bots) && code == "ready",
        may_leave: session.may(model::ApiScope::Bots) && code != "ready" && !bot.has_ended(),
        may_repeat: session.may(model::ApiScope::Bots) && bot.has_ended() && bot.meeting_url.is_some(),
        choices: choices.working(),
        pools: pools.results,
        bot,
    };
    error::page_with(status, &page)
}

fn remedy(bot: &Bot) -> Option<Remedy> {
    let code = bot.why()?;
    let (last, _) = bot.last();
    let sub_code: SubCode = code.parse().ok()?;
    let (actor, text) = sub_code.remedy();
    let who = match actor {
        Actor::Host => "The host's turn",
        Actor::Caller => "Your turn",
        Actor::AccountOwner => "The account owner's turn",
        Actor::Operator => "The turn of the person who runs this server",
        Actor::NoOne => "Nothing has to be done",
    };
    Some(Remedy {
        title: words(code),
        about: Marked(sub_code.about()),
        who,
        text: Marked(text),
        code: code.to_owned(),
        is_bad: last == "fatal",
    })
}

async fn log(client: &Client, bot: &str) -> Result<Vec<LogLine>, Refused> {
    let (mut lines, mut after) = (Vec::new(), 0);
    for _ in 0..LOG_PAGES {
        let page: LogPage = client.get(&format!("/api/latchkey/v1/bot/{bot}/log/?after={after}")).await?;
        let Some(last) = page.results.last() else { break };
        after = last.number;
        lines.extend(page.results);
    }
    lines.retain(|line| !SAID_ELSEWHERE.contains(&line.kind.as_str()));
    Ok(lines)
}

fn steps(
    bot: &Bot,
    pictures: &[Picture],
    log: &[LogLine],
    (base, names): (&str, &Arc<Names>),
    began: Timestamp,
) -> Vec<Entry> {
    let entry = |at: Timestamp, tone, title: String| Entry {
        at: offset(at.since(began)),
        exact: exact(at),
        tone,
        title: WithNames::new(title, names),
        message: None,
        code: None,
        picture: None,
        is_detail: false,
        sort: at,
    };
    let steps = bot.status_changes.iter().map(|step| {
        let state = State::of_bot(&step.code, step.sub_code.as_deref());
        let title = if step.code == "ready" { "Created".to_owned() } else { state.word };
        Entry {
            message: step.message.as_deref().map(|message| WithNames::new(detail(message), names)),
            code: step.sub_code.clone(),
            ..entry(step.created_at, state.tone, title)
        }
    });
    let pictures = pictures.iter().map(|picture| Entry {
        picture: Some(format!("{base}/bots/{}/screenshots/{}.png", bot.id, picture.id)),
        ..entry(picture.recorded_at, Tone::Plain, "What the page showed".to_owned())
    });
    let lines = log.iter().map(|line| {
        let tone = if TROUBLE.contains(&line.kind.as_str()) { Tone::Warn } else { Tone::Plain };
        Entry { is_detail: true, ..entry(line.at, tone, line.text.clone()) }
    });
    let mut all: Vec<_> = steps.chain(pictures).chain(lines).collect();
    all.sort_by_key(|entry| entry.sort);
    all
}

/// The part of a message that goes beyond the sub code's general text, which the cure shows.
fn detail(message: &str) -> String {
    message.split_once("Details: ").map_or(message, |(_, detail)| detail).to_owned()
}

/// Fields of the API's answer that are not part of a request.
const NOT_ASKED: [&str; 6] =
    ["status_changes", "recordings", "calendar_meetings", "slack_team", "id", "latchkey_ignored"];

/// The names of given fields that have no effect here.
fn ignored(bot: &Value) -> String {
    let names = bot["latchkey_ignored"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(", ")
}

/// What was requested but is not stored in a form that can be sent again.
fn not_repeated(bot: &Value) -> &'static str {
    if bot.get("automatic_video_output").is_some() {
        "A personal registration link and the bot's picture can't be repeated."
    } else {
        "A personal registration link can't be repeated."
    }
}

/// The accepted request, from the API's answer: without later events, and with its secrets masked.
fn request(mut value: Value) -> String {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !NOT_ASKED.contains(&name.as_str()));
    }
    strike_out(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn strike_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_secret = name.contains("password")
                    || name.contains("secret")
                    || name.contains("token")
                    || name == "zak_url";
                match value {
                    Value::String(text) if is_secret && !text.is_empty() => STRUCK_OUT.clone_into(text),
                    // A URL's query may contain a secret.
                    Value::String(text) if text.starts_with("http") && text.contains('?') => {
                        let cut = text.split('?').next().unwrap_or_default().len();
                        text.truncate(cut);
                        text.push('?');
                        text.push_str(STRUCK_OUT);
                    }
                    other => strike_out(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strike_out),
        _ => {}
    }
}

/// `GET /bots/{id}/screenshots/{file}`
pub(crate) async fn picture(
    session: Session,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let is_sound = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = file.strip_suffix(".png").filter(|name| is_sound(name) && is_sound(&id));
    let name = name.ok_or(PageError::Unknown)?;
    let path = format!("/api/latchkey/v1/bot/{id}/screenshots/{name}.png");
    let answer = session.client.raw(Method::GET, &path, None, &HeaderMap::new()).await;
    if answer.status().is_success() { Ok(answer.into_response()) } else { Err(PageError::Unknown) }
}

/// `GET /bots/{id}/evidence.zip`: everything that is stored about the bot.
pub(crate) async fn evidence(session: Session, PathId(id): PathId) -> Result<Response, PageError> {
    let path = format!("/api/latchkey/v1/bot/{id}/evidence/");
    let answer = session.client.raw(Method::GET, &path, None, &HeaderMap::new()).await;
    if answer.status().is_success() { Ok(answer.into_response()) } else { Err(PageError::Unknown) }
}

/// `POST /bots/{id}/leave`
pub(crate) async fn leave(PathId(id): PathId, Posted { session, .. }: Posted) -> Result<Response, PageError> {
    session.client.post(&format!("/api/v1/bot/{id}/leave_call/"), json!({})).await?;
    Ok(go(&session.console, &format!("/bots/{id}?said=leaving")))
}

/// `POST /bots/{id}/cancel`
pub(crate) async fn cancel(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("/api/v1/bot/{id}/")).await?;
    Ok(go(&session.console, "/bots?said=cancelled"))
}

/// `POST /bots/{id}/again`: creates a bot in the same meeting with the same request, but another way to sign in.
pub(crate) async fn again(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let (bot, value) = find(&session.client, &id).await?;
    let Some(meeting) = &bot.meeting_url else {
        return Err(Refused {
            status: 400,
            detail: "The bot's meeting link can no longer be read.".into(),
            ..Refused::default()
        }
        .into());
    };
    let mut link = format!("https://zoom.us/j/{}", meeting.meeting_id);
    if let Some(passcode) = &meeting.meeting_password {
        link.push_str(&crate::format::query(&[("pwd", passcode)]));
    }
    let sent = match With::read(&session.client, &form).await {
        // Fields without effect were accepted before, so they are accepted again.
        Ok(with) => session.client.post("/api/v1/bot/?strict=0", repeated(value, link, &with)).await,
        Err(refused) => Err(refused),
    };
    match sent {
        Ok(made) => {
            let new = made["id"].as_str().unwrap_or_default();
            Ok(go(&session.console, &format!("/bots/{new}?said=sent")))
        }
        Err(refused) if matches!(refused.status, 400 | 424 | 429 | 507) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST);
            show(&session, &id, "", status, Draft::of(form, refused)).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// Fields of `zoom` that select how a bot signs in. All other fields stay.
const SIGN_IN: [&str; 8] = [
    "zak_url",
    "credential",
    "user",
    "user_address",
    "pool",
    "obf_token_url",
    "obf_credential",
    "start_meeting",
];

/// The request of a bot that joins the same meeting immediately: the same except for how it signs in.
fn repeated(bot: Value, link: String, with: &With) -> Value {
    let Value::Object(mut fields) = bot else { return Value::Null };
    // A bot's picture is erased when it ends, so the answer does not contain it.
    fields.retain(|name, _| {
        !NOT_ASKED.contains(&name.as_str()) && !["join_at", "automatic_video_output"].contains(&name.as_str())
    });
    fields.insert("meeting_url".to_owned(), link.into());
    if let Some(zoom) = fields.get_mut("zoom").and_then(Value::as_object_mut) {
        let starts = zoom.get("start_meeting") == Some(&Value::Bool(true));
        zoom.retain(|name, _| !SIGN_IN.contains(&name.as_str()));
        let signs_in = with.fields();
        if starts && !signs_in.is_empty() {
            zoom.insert("start_meeting".to_owned(), true.into());
        }
        zoom.extend(signs_in);
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{repeated, request};
    use crate::pages::accounts::choices::With;

    #[test]
    fn a_repeated_request_omits_history_join_time_and_sign_in() {
        let bot = json!({
            "id": "1", "status_changes": [], "recordings": [], "calendar_meetings": [], "slack_team": null,
            "latchkey_ignored": ["webex"], "join_at": "2031-01-31T12:00:00Z", "bot_name": "Notes",
            "meeting_url": { "meeting_id": "812" }, "automatic_video_output": { "in_call_recording": { "kind": "jpeg" } },
            "automatic_leave": { "waiting_room_timeout": 60 }, "chat": { "on_bot_join": {} }, "webex": {},
            "zoom": { "zak_url": "https://x.test/zak", "user_email": "a@b.test", "start_meeting": true },
        });
        let link = || "https://zoom.us/j/812".to_owned();
        let kept = json!({
            "bot_name": "Notes", "meeting_url": "https://zoom.us/j/812", "automatic_leave": { "waiting_room_timeout": 60 },
            "chat": { "on_bot_join": {} }, "webex": {},
        });
        let expected = |zoom| {
            let mut all = kept.clone();
            all["zoom"] = zoom;
            all
        };
        let with = With::Pool("p".into());
        let signed_in = json!({ "user_email": "a@b.test", "pool": "p", "start_meeting": true });
        assert_eq!(repeated(bot.clone(), link(), &with), expected(signed_in));
        assert_eq!(repeated(bot, link(), &With::Nobody), expected(json!({ "user_email": "a@b.test" })));
    }

    #[test]
    fn secrets_of_a_request_are_masked() {
        let shown = request(json!({
            "id": "1",
            "meeting_url": { "meeting_id": "812", "meeting_password": "planted-passcode" },
            "zoom": { "zak_url": "https://x.test/zak?planted", "join_token_url": "planted" },
            "real_time_endpoints": [{ "url": "https://x.test/hook?key=planted", "name": "kept" }],
            "status_changes": [{ "message": "planted" }],
        }));
        assert!(!shown.contains("planted"), "{shown}");
        assert!(shown.contains("https://x.test/hook?") && shown.contains("kept") && shown.contains("812"));
    }
}
