//! The credentials of a join: the app that signs, the token that signs the bot in, and the token to record.

use std::time::Duration;

use audit::Asker;
use broker::{
    Hosting, NoSigningApp, ObfRequest, PoolSeatRequest, Seated, SigningApp, SigningAppRequest, ZakRequest,
};
use browser::JoinToken;
use model::{
    AccountUser, Class, Code, CredentialId, Failure, MeetingNumber, PoolId, Purpose, Secret, SubCode, Who,
    WorkspaceId, ZoomOauthAppId,
};
use outbound::CallbackError;
use store::{Bot, PooledAccount};
use zoom::MeetingLink;

use crate::{
    ZoomOptions,
    life::End,
    parts::{Parts, SEAT_TTL},
};

/// The shortest lifetime of a ZAK, so that it outlives the join.
const ZAK_MIN_LIFE: Duration = Duration::from_secs(180);
/// How long a bot waits for the token that lets it record: it can join without.
const RECORDING_TOKEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before another try, when the source names none.
const DEFAULT_PAUSE: Duration = Duration::from_secs(15);

/// The credentials of a join.
pub(crate) struct JoinCredentials {
    pub(crate) app: SigningApp,
    pub(crate) token: Option<JoinToken>,
    pub(crate) recording: Option<Secret>,
    /// The account that the pool chose, if there is a pool.
    pub(crate) of_the_pool: Option<PooledAccount>,
}

/// What Zoom has refused to this bot before, to be avoided.
#[derive(Default)]
pub(crate) struct Refused {
    /// Accounts of the pool that Zoom already has in the meeting.
    pub(crate) inside: Vec<PooledAccount>,
    /// Apps whose signatures Zoom refused.
    pub(crate) apps: Vec<ZoomOauthAppId>,
    /// Zoom's message for the last of these.
    pub(crate) words: String,
}

/// Why there are no credentials. A bot that was told to sign in never joins anonymously.
pub(crate) enum Missing {
    /// There will be none.
    End(End),
    /// They may be available after `pause`. The sub code and the words are the bot's end if they are not.
    Later { pause: Duration, sub_code: SubCode, words: String },
}

impl From<Failure> for Missing {
    fn from(failure: Failure) -> Self {
        Self::End(failure.into())
    }
}

/// Credentials for one join: fresh tokens, and nothing that was refused before.
#[tracing::instrument(skip_all)]
pub(crate) async fn join_credentials(
    parts: &Parts,
    bot: &Bot,
    zoom: &ZoomOptions,
    link: &MeetingLink,
    refused: &Refused,
) -> Result<JoinCredentials, Missing> {
    let app = signing_app(parts, bot.workspace, zoom, zoom.account(), refused).await?;
    let (signed_in, recording) = tokio::try_join!(
        sign_in(parts, bot, zoom, link, &refused.inside),
        recording(parts, bot, zoom.join_token_url.as_deref())
    )?;
    let (token, of_the_pool) = signed_in;
    let app = match of_the_pool {
        Some((credential, _)) => signing_app(parts, bot.workspace, zoom, Some(credential), refused).await?,
        None => app,
    };
    Ok(JoinCredentials { app, token, recording, of_the_pool })
}

/// The app to sign with.
async fn signing_app(
    parts: &Parts,
    workspace: WorkspaceId,
    zoom: &ZoomOptions,
    account: Option<CredentialId>,
    refused: &Refused,
) -> Result<SigningApp, Missing> {
    let request = SigningAppRequest { named: zoom.oauth_app, account, refused: &refused.apps };
    parts.broker.signing.choose(workspace, request).await?.map_err(|none| {
        let end = match none {
            NoSigningApp::AllRefused => End::Fatal(SubCode::ZoomInvalidSignature, refused.words.clone()),
            none => End::Fatal(SubCode::ZoomSdkCredentialsMissing, none.to_string()),
        };
        Missing::End(end)
    })
}

/// The token that signs the bot in, and the account that a pool chose.
async fn sign_in(
    parts: &Parts,
    bot: &Bot,
    zoom: &ZoomOptions,
    link: &MeetingLink,
    inside: &[PooledAccount],
) -> Result<(Option<JoinToken>, Option<PooledAccount>), Missing> {
    let meeting = link.meeting_number.to_string().parse().ok();
    if let Some(url) = &zoom.zak_url {
        let codes = (SubCode::ZoomZakRejected, SubCode::ZoomZakCallbackFailed);
        let zak = fetch(parts, bot, ("zoom.zak_url", url), codes).await?;
        Ok((Some(JoinToken::Zak(zak)), None))
    } else if let Some(url) = &zoom.obf_token_url {
        let codes = (SubCode::ZoomObfRejected, SubCode::ZoomObfCallbackFailed);
        let obf = fetch(parts, bot, ("zoom.obf_token_url", url), codes).await?;
        Ok((Some(JoinToken::Obf(obf)), None))
    } else if let Some(credential) = zoom.credential {
        let minted = zak(parts, bot, credential, zoom.user.as_ref()).await;
        Ok((Some(JoinToken::Zak(minted.map_err(|failure| missing(&failure))?)), None))
    } else if let Some(pool) = zoom.pool {
        let hosting = if zoom.start_meeting { Hosting::Always } else { Hosting::IfItsOwn };
        let (zak, account) = pooled_zak(parts, bot, (pool, hosting), meeting, inside).await?;
        Ok((Some(JoinToken::Zak(zak)), Some(account)))
    } else if let Some(credential) = zoom.obf_credential {
        let wanted = ObfRequest { user: zoom.user.as_ref(), meeting, join_at: parts.env.now() };
        let minted = parts.broker.tokens.obf(bot.workspace, credential, wanted, asker(bot)).await;
        let obf = minted.map_err(|failure| missing(&failure))?;
        Ok((Some(JoinToken::Obf(obf.clone())), None))
    } else {
        Ok((None, None))
    }
}

/// A ZAK of the account on which the bot gets a seat. An account without a ZAK is skipped.
async fn pooled_zak(
    parts: &Parts,
    bot: &Bot,
    (pool, hosting): (PoolId, Hosting),
    meeting: Option<MeetingNumber>,
    inside: &[PooledAccount],
) -> Result<(Secret, PooledAccount), Missing> {
    if hosting == Hosting::Always {
        parts.broker.pools.somebody_hosts(bot.workspace, meeting).await.map_err(|none| missing(&none))?;
    }
    let holder = bot.id.to_string();
    let (mut without, mut last) = (inside.to_vec(), None);
    loop {
        let until = parts.env.now() + SEAT_TTL;
        let request = PoolSeatRequest { pool, meeting, holder: &holder, hosting, until };
        let seated = parts.broker.pools.take_seat_but(bot.workspace, &request, &without).await;
        // The error of an account says more than the lack of another one.
        let Seated { credential, user, .. } =
            seated.map_err(|none| match missing(last.as_ref().unwrap_or(&none)) {
                Missing::End(End::Fatal(_, words)) if last.is_none() && !inside.is_empty() => {
                    let words =
                        format!("every usable account of the pool is in the meeting already; {words}");
                    Missing::End(End::Fatal(SubCode::ZoomErrorMultipleDeviceJoin, words))
                }
                missing => missing,
            })?;
        match zak(parts, bot, credential, user.as_ref()).await {
            Ok(zak) => return Ok((zak, (credential, user))),
            Err(failure) if failure.class() == Class::PersonMustAct => {
                tracing::warn!(bot = %bot.id, %credential, %failure, "an account of a pool gives no token");
                without.push((credential, user));
                last = Some(failure);
            }
            Err(failure) => return Err(missing(&failure)),
        }
    }
}

async fn zak(
    parts: &Parts,
    bot: &Bot,
    credential: CredentialId,
    user: Option<&AccountUser>,
) -> Result<Secret, Failure> {
    let wanted = ZakRequest { user, outlives: ZAK_MIN_LIFE, fresh: false };
    Ok(parts.broker.tokens.zak(bot.workspace, credential, wanted, asker(bot)).await?.token.clone())
}

const fn asker(bot: &Bot) -> Asker {
    Asker { who: Who::Bot(bot.id), from: None, why: Purpose::BotJoin }
}

/// What a failed token request means for the bot.
fn missing(failure: &Failure) -> Missing {
    let words = format!("{failure}; {}", failure.code.advice());
    let (sub_code, pause) = match failure.code {
        // A seat becomes free when some bot ends; a retry is cheap, and the time is not known.
        Code::PoolFull | Code::HostBusy => (SubCode::ZoomPoolFull, DEFAULT_PAUSE),
        _ => (SubCode::ZoomCredentialUnhealthy, failure.retry_after.unwrap_or(DEFAULT_PAUSE)),
    };
    match failure.class() {
        Class::Retry => Missing::Later { pause, sub_code, words },
        Class::PersonMustAct | Class::OurFault => Missing::End(End::Fatal(sub_code, words)),
    }
}

/// The token to record without asking. It is optional: without one the bot joins anyway. An answer that is
/// not a token is logged as a mistake.
async fn recording(parts: &Parts, bot: &Bot, url: Option<&str>) -> Result<Option<Secret>, Missing> {
    let Some(url) = url else { return Ok(None) };
    let asked = parts.env.clock.timeout(RECORDING_TOKEN_TIMEOUT, ask(parts, bot.workspace, url)).await;
    match asked.unwrap_or(Ok(Err(CallbackError::TooSlow)))? {
        Ok(token) => Ok(Some(token)),
        Err(error @ CallbackError::NotAToken(_)) => {
            let words = format!("zoom.join_token_url: {error}");
            Err(Missing::End(End::Fatal(SubCode::ZoomInvalidJoinToken, words)))
        }
        Err(error) => {
            tracing::warn!(bot = %bot.id, %error, "zoom.join_token_url gives no token; joining without");
            Ok(None)
        }
    }
}

/// The token from a caller's URL. Ends with one of these sub codes if the answer is not a token, or there is
/// none.
async fn fetch(
    parts: &Parts,
    bot: &Bot,
    (field, url): (&str, &str),
    (rejected, failed): (SubCode, SubCode),
) -> Result<Secret, Missing> {
    ask(parts, bot.workspace, url).await?.map_err(|error| {
        let sub_code = if matches!(error, CallbackError::NotAToken(_)) { rejected } else { failed };
        Missing::End(End::Fatal(sub_code, format!("{field}: {error}")))
    })
}

async fn ask(
    parts: &Parts,
    workspace: WorkspaceId,
    url: &str,
) -> Result<Result<Secret, CallbackError>, Missing> {
    let keys = parts.broker.workspaces.callback_keys(workspace).await?;
    Ok(parts.callbacks.fetch(url, &keys).await)
}
