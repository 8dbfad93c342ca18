//! The credentials of a join: the app that signs the join, the token that signs in the bot, and the recording token.

use std::{fmt, time::Duration};

use audit::TokenRequester;
use broker::{
    Hosting, NoSigningApp, ObfRequest, PoolSeatRequest, Seated, SigningApp, SigningAppRequest, ZakRequest,
};
use browser::JoinToken;
use model::{
    AccountUser, AuditActor, Class, Code, CredentialId, Failure, MeetingNumber, PoolId, Purpose, Secret,
    SubCode, Timestamp, WorkspaceId, ZoomOauthAppId, chain,
};
use outbound::CallbackError;
use store::{Bot, PooledAccount};
use zoom::MeetingLink;

use super::{
    outcome::End,
    parts::{RunParts, SEAT_TTL},
};
use crate::{
    log::{self, LogEntryKind, NewLogEntry},
    request::ZoomOptions,
};

/// The shortest remaining lifetime of a ZAK, so that it outlives the join.
const ZAK_MIN_LIFE: Duration = Duration::from_secs(180);
/// How long a bot waits for the recording token. It can join without one.
const RECORDING_TOKEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before another try, if the source does not say how long to wait.
const DEFAULT_PAUSE: Duration = Duration::from_secs(15);

/// The credentials of a join.
pub(super) struct JoinCredentials {
    pub(super) app: SigningApp,
    pub(super) token: Option<JoinToken>,
    pub(super) recording: Option<Secret>,
    /// The account that the pool chose, if there is a pool.
    pub(super) of_the_pool: Option<PooledAccount>,
}

/// Accounts and apps that Zoom has refused for this bot before. They are not used again.
#[derive(Default)]
pub(super) struct Refused {
    /// Accounts of the pool that Zoom already has in the meeting.
    pub(super) inside: Vec<PooledAccount>,
    /// Apps whose signatures Zoom refused.
    pub(super) apps: Vec<ZoomOauthAppId>,
    /// Zoom's message for the last refused app.
    pub(super) words: String,
}

/// Why there are no credentials. A bot that was told to sign in never joins anonymously.
pub(super) enum Missing {
    /// There will be no credentials: the bot ends.
    End(End),
    /// There may be credentials after `pause`. The sub code and the words are the bot's end if there are none.
    Later { pause: Duration, sub_code: SubCode, words: String },
}

impl From<Failure> for Missing {
    fn from(failure: Failure) -> Self {
        Self::End(failure.into())
    }
}

/// Gets credentials for one join: fresh tokens, and no account or app that was refused before.
#[tracing::instrument(skip_all)]
pub(super) async fn join_credentials(
    parts: &RunParts,
    bot: &Bot,
    zoom: &ZoomOptions,
    link: &MeetingLink,
    refused: &Refused,
) -> Result<JoinCredentials, Missing> {
    // With a pool, the account is not known yet: this only fails early if no app can sign.
    let app = signing_app(parts, bot, zoom, zoom.account(), refused).await?;
    if zoom.pool.is_none() {
        note_app(parts, bot, &app);
    }
    let (signed_in, recording) = tokio::try_join!(
        sign_in(parts, bot, zoom, link, &refused.inside),
        recording(parts, bot, zoom.join_token_url.as_deref())
    )?;
    let (token, of_the_pool) = signed_in;
    let app = match of_the_pool {
        Some((credential, _)) => signing_app(parts, bot, zoom, Some(credential), refused).await?,
        None => app,
    };
    if zoom.pool.is_some() {
        note_app(parts, bot, &app);
    }
    Ok(JoinCredentials { app, token, recording, of_the_pool })
}

fn note_app(parts: &RunParts, bot: &Bot, app: &SigningApp) {
    let client_id = app.keys.client_id.clone();
    let note = NewLogEntry::new(
        LogEntryKind::App,
        format!("The app with the client id {client_id} signs the join."),
    );
    parts.log.note(bot.id, note.with("oauth_app", app.id().to_string()).with("client_id", client_id));
}

/// Chooses the app that signs the join.
async fn signing_app(
    parts: &RunParts,
    bot: &Bot,
    zoom: &ZoomOptions,
    account: Option<CredentialId>,
    refused: &Refused,
) -> Result<SigningApp, Missing> {
    let request = SigningAppRequest { named: zoom.oauth_app, account, refused: &refused.apps };
    parts.broker.signing.choose(bot.workspace, request).await?.map_err(|none| {
        parts
            .log
            .note(bot.id, NewLogEntry::new(LogEntryKind::App, format!("No app can sign the join: {none}.")));
        let end = match none {
            NoSigningApp::AllRefused => End::Fatal(SubCode::ZoomInvalidSignature, refused.words.clone()),
            none => End::Fatal(SubCode::ZoomSdkCredentialsMissing, none.to_string()),
        };
        Missing::End(end)
    })
}

/// Gets the token that signs in the bot, and the account that a pool chose.
async fn sign_in(
    parts: &RunParts,
    bot: &Bot,
    zoom: &ZoomOptions,
    link: &MeetingLink,
    inside: &[PooledAccount],
) -> Result<(Option<JoinToken>, Option<PooledAccount>), Missing> {
    let meeting = link.meeting_number.to_string().parse().ok();
    if let Some(url) = &zoom.zak_url {
        let codes = (SubCode::ZoomZakRejected, SubCode::ZoomZakCallbackFailed);
        let zak = fetch(parts, bot, ("ZAK", "zoom.zak_url", url), codes).await?;
        Ok((Some(JoinToken::Zak(zak)), None))
    } else if let Some(url) = &zoom.obf_token_url {
        let codes = (SubCode::ZoomObfRejected, SubCode::ZoomObfCallbackFailed);
        let obf = fetch(parts, bot, ("OBF token", "zoom.obf_token_url", url), codes).await?;
        Ok((Some(JoinToken::Obf(obf)), None))
    } else if let Some(credential) = zoom.credential {
        match zak(parts, bot, "zoom.credential", credential, zoom.user.as_ref()).await {
            Ok(minted) => Ok((Some(JoinToken::Zak(minted)), None)),
            Err(failure) => Err(missing(&or_moved(parts, bot, credential, zoom, failure).await)),
        }
    } else if let Some(pool) = zoom.pool {
        let hosting = if zoom.start_meeting { Hosting::Always } else { Hosting::IfItsOwn };
        let (zak, account) = pooled_zak(parts, bot, (pool, hosting), meeting, inside).await?;
        Ok((Some(JoinToken::Zak(zak)), Some(account)))
    } else if let Some(credential) = zoom.obf_credential {
        let wanted = ObfRequest { user: zoom.user.as_ref(), meeting, join_at: parts.env.now() };
        let mint = parts.broker.tokens.obf(bot.workspace, credential, wanted, requester(bot));
        let minted = noted(parts, bot, ("OBF token", "zoom.obf_credential"), mint).await;
        match minted {
            Ok(obf) => Ok((Some(JoinToken::Obf(obf.clone())), None)),
            Err(failure) => Err(missing(&or_moved(parts, bot, credential, zoom, failure).await)),
        }
    } else {
        Ok((None, None))
    }
}

/// Returns a better failure if the user is unknown and the e-mail address by which the request named the user now belongs to
/// another user. Otherwise returns the given failure.
async fn or_moved(
    parts: &RunParts,
    bot: &Bot,
    credential: CredentialId,
    zoom: &ZoomOptions,
    failure: Failure,
) -> Failure {
    match zoom.user.as_ref().zip(zoom.user_address.as_ref()) {
        Some(named) if failure.code == Code::UserUnknown => {
            let moved = parts.broker.users.address_has_moved(bot.workspace, credential, named).await;
            moved.unwrap_or(failure)
        }
        _ => failure,
    }
}

/// Gets a seat of the pool and a ZAK of its account. Accounts that provide no ZAK are skipped.
async fn pooled_zak(
    parts: &RunParts,
    bot: &Bot,
    (pool, hosting): (PoolId, Hosting),
    meeting: Option<MeetingNumber>,
    inside: &[PooledAccount],
) -> Result<(Secret, PooledAccount), Missing> {
    if hosting == Hosting::Always {
        parts.broker.pools.a_member_hosts(bot.workspace, meeting).await.map_err(|none| missing(&none))?;
    }
    let holder = bot.id.to_string();
    let (mut without, mut last) = (inside.to_vec(), None);
    loop {
        let until = parts.env.now() + SEAT_TTL;
        let request = PoolSeatRequest { pool, meeting, holder: &holder, hosting, until };
        let seated = parts.broker.pools.take_seat_but(bot.workspace, &request, &without).await;
        if let Err(none) = &seated {
            parts.log.note(
                bot.id,
                NewLogEntry::new(LogEntryKind::Seat, format!("The bot got no seat of the pool: {none}.")),
            );
        }
        // The error of the last account is more useful than the message that there is no other account.
        let Seated { credential, user, .. } =
            seated.map_err(|none| match missing(last.as_ref().unwrap_or(&none)) {
                Missing::End(End::Fatal(_, words)) if last.is_none() && !inside.is_empty() => {
                    let words =
                        format!("every usable account of the pool is in the meeting already; {words}");
                    Missing::End(End::Fatal(SubCode::ZoomErrorMultipleDeviceJoin, words))
                }
                missing => missing,
            })?;
        let took = NewLogEntry::new(
            LogEntryKind::Seat,
            format!("The bot got a seat of the pool, on the account {credential}."),
        );
        parts.log.note(bot.id, took.with("credential", credential.to_string()));
        match zak(parts, bot, "zoom.pool", credential, user.as_ref()).await {
            Ok(zak) => return Ok((zak, (credential, user))),
            Err(failure) if failure.class() == Class::PersonMustAct => {
                tracing::warn!(bot = %bot.id, %credential, failure = %chain(&failure), "an account of a pool provides no token");
                without.push((credential, user));
                last = Some(failure);
            }
            Err(failure) => return Err(missing(&failure)),
        }
    }
}

async fn zak(
    parts: &RunParts,
    bot: &Bot,
    source: &'static str,
    credential: CredentialId,
    user: Option<&AccountUser>,
) -> Result<Secret, Failure> {
    let wanted = ZakRequest { user, outlives: ZAK_MIN_LIFE, fresh: false };
    let mint = parts.broker.tokens.zak(bot.workspace, credential, wanted, requester(bot));
    let minted = noted(parts, bot, ("ZAK", source), mint).await?;
    Ok(minted.token.clone())
}

/// Waits for a token, and logs the outcome.
async fn noted<T>(
    parts: &RunParts,
    bot: &Bot,
    what: (&'static str, &'static str),
    fetch: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let began = parts.env.now();
    let fetched = fetch.await;
    note_token(parts, bot, what, began, fetched.as_ref().err());
    fetched
}

/// Logs where a token came from, and how long it took.
fn note_token(
    parts: &RunParts,
    bot: &Bot,
    (what, source): (&'static str, &'static str),
    began: Timestamp,
    error: Option<&impl fmt::Display>,
) {
    let took = log::milliseconds(began, parts.env.now());
    let words = match error {
        None => format!("The {what} came from {source} after {took} ms."),
        Some(error) => format!("No {what} came from {source} after {took} ms: {error}."),
    };
    let note = NewLogEntry::new(LogEntryKind::Token, words).with("token", what).with("source", source);
    parts.log.note(bot.id, note.with("milliseconds", took).with("given", error.is_none()));
}

const fn requester(bot: &Bot) -> TokenRequester {
    TokenRequester { who: AuditActor::Bot(bot.id), from: None, why: Purpose::BotJoin }
}

/// Converts a failed token request: the bot waits or ends.
fn missing(failure: &Failure) -> Missing {
    let words = format!("{failure}; {}", failure.code.advice());
    let (sub_code, pause) = match failure.code {
        // A seat becomes free when another bot ends, at an unknown time. A retry is cheap.
        Code::PoolFull | Code::HostBusy => (SubCode::ZoomPoolFull, DEFAULT_PAUSE),
        _ => (SubCode::ZoomCredentialUnhealthy, failure.retry_after.unwrap_or(DEFAULT_PAUSE)),
    };
    match failure.class() {
        Class::Retry => Missing::Later { pause, sub_code, words },
        Class::PersonMustAct | Class::OurFault => Missing::End(End::Fatal(sub_code, words)),
    }
}

/// Fetches the token that lets the bot record without asking the host. Without one the bot joins anyway, unless the response
/// is not a token: then the caller has made a mistake, and the bot ends.
async fn recording(parts: &RunParts, bot: &Bot, url: Option<&str>) -> Result<Option<Secret>, Missing> {
    let Some(url) = url else { return Ok(None) };
    let what = ("recording token", "zoom.join_token_url");
    let request = async {
        let response = parts.env.clock.timeout(RECORDING_TOKEN_TIMEOUT, ask(parts, bot.workspace, url)).await;
        response.unwrap_or(Ok(Err(CallbackError::TooSlow)))
    };
    match asked(parts, bot, what, request).await? {
        Ok(token) => Ok(Some(token)),
        Err(error @ CallbackError::NotAToken(_)) => {
            let words = format!("zoom.join_token_url: {error}");
            Err(Missing::End(End::Fatal(SubCode::ZoomInvalidJoinToken, words)))
        }
        Err(error) => {
            tracing::warn!(bot = %bot.id, error = %chain(&error), "zoom.join_token_url returned no token; the bot joins without it");
            Ok(None)
        }
    }
}

/// Fetches a token from a caller's URL. Without one the bot ends: with the sub code `rejected` if the response is not a
/// token, otherwise with `failed`.
async fn fetch(
    parts: &RunParts,
    bot: &Bot,
    (what, field, url): (&'static str, &'static str, &str),
    (rejected, failed): (SubCode, SubCode),
) -> Result<Secret, Missing> {
    asked(parts, bot, (what, field), ask(parts, bot.workspace, url)).await?.map_err(|error| {
        let sub_code = if matches!(error, CallbackError::NotAToken(_)) { rejected } else { failed };
        Missing::End(End::Fatal(sub_code, format!("{field}: {error}")))
    })
}

/// Waits for a token from a caller's URL, and logs the outcome.
async fn asked(
    parts: &RunParts,
    bot: &Bot,
    what: (&'static str, &'static str),
    request: impl Future<Output = Result<Result<Secret, CallbackError>, Missing>>,
) -> Result<Result<Secret, CallbackError>, Missing> {
    let began = parts.env.now();
    let fetched = request.await?;
    note_token(parts, bot, what, began, fetched.as_ref().err());
    Ok(fetched)
}

async fn ask(
    parts: &RunParts,
    workspace: WorkspaceId,
    url: &str,
) -> Result<Result<Secret, CallbackError>, Missing> {
    let keys = parts.broker.workspaces.callback_keys(workspace).await?;
    Ok(parts.callbacks.fetch(url, &keys).await)
}
