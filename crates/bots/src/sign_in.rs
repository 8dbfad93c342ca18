//! What a bot signs its join with, and what it signs in with.

use std::time::Duration;

use broker::{Asker, WantedZak};
use model::{Purpose, Secret, SubCode, Who, WorkspaceId};
use outbound::CallbackError;
use store::Bot;
use zoom::AppKeys;

use crate::{ZoomOptions, life::End, parts::Parts};

/// A ZAK has to outlive the join.
const ZAK_OUTLIVES: Duration = Duration::from_secs(180);

/// What the bot signs with and signs in with, or the end if it cannot have them. It never joins anonymously when it
/// was told to sign in.
pub(crate) async fn identity(
    parts: &Parts,
    bot: &Bot,
    zoom: &ZoomOptions,
) -> Result<(AppKeys, Option<Secret>), End> {
    let workspace = bot.workspace;
    let app = parts.broker.sdk_app(workspace, zoom.credential).await?;
    let app = app.ok_or_else(|| {
        let words = "no Zoom app is registered to sign the join with: POST /api/v2/zoom-oauth-apps/";
        End::Fatal(SubCode::ZoomSdkCredentialsMissing, words.into())
    })?;
    let zak = match (&zoom.zak_url, zoom.credential) {
        (Some(url), _) => fetch_zak(parts, workspace, url).await?,
        (None, Some(credential)) => {
            let wanted = WantedZak { user: zoom.user.as_ref(), outlives: ZAK_OUTLIVES, fresh: false };
            let asker = Asker { who: Who::Bot(bot.id), from: None, why: Purpose::BotJoin };
            let zak = parts.broker.zak(workspace, credential, wanted, asker).await.map_err(|failure| {
                let words = format!("{failure}; {}", failure.code.advice());
                End::Fatal(SubCode::ZoomCredentialUnhealthy, words)
            })?;
            zak.token.clone()
        }
        (None, None) => return Ok((app, None)),
    };
    Ok((app, Some(zak)))
}

async fn fetch_zak(parts: &Parts, workspace: WorkspaceId, url: &str) -> Result<Secret, End> {
    let keys = parts.broker.callback_keys(workspace).await?;
    parts.callbacks.fetch(url, &keys).await.map_err(|error| {
        let sub_code = match error {
            CallbackError::NotAToken(_) => SubCode::ZoomZakRejected,
            _ => SubCode::ZoomZakCallbackFailed,
        };
        End::Fatal(sub_code, format!("zoom.zak_url: {error}"))
    })
}
