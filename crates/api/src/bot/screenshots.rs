//! `GET /api/v1/bot/{id}/screenshots/`, and the images themselves.

use axum::{
    Json,
    extract::{FromRequestParts, Query as UriQuery, RawQuery, State as Extract},
    http::{
        header::{CACHE_CONTROL, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use model::{BotId, ScreenshotId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{find, signed_address};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    openapi::errors,
    page::{Page, single_page},
    path::Path,
    query::Query,
};

/// A screenshot of a bot's page.
#[derive(Serialize, ToSchema)]
pub(crate) struct Screenshot {
    id: ScreenshotId,
    recorded_at: Timestamp,
    /// The URL of the PNG. It is valid for six hours and needs no API key, so an `<img>` can show it.
    url: String,
}

/// List a bot's screenshots
#[utoipa::path(
    get,
    path = "/api/v1/bot/{id}/screenshots/",
    tag = "bots",
    operation_id = "bot_screenshots_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "All screenshots, oldest first.", body = Page<Screenshot>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Screenshot>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    find(&state, caller.workspace, id).await?;
    let base = state.broker.addresses.public_base().as_str().trim_end_matches('/');
    let shots = state.bots.screenshots.list(caller.workspace, id).await?;
    let shown = shots.iter().map(|shot| Screenshot {
        id: shot.id,
        recorded_at: shot.recorded_at,
        url: {
            let file = format!("{}.png", shot.id);
            let token = signed_address::token(&state, caller.workspace, id, &named(&file));
            let workspace = caller.workspace;
            format!("{base}/api/latchkey/v1/bot/{id}/screenshots/{file}?workspace={workspace}&token={token}")
        },
    });
    Ok(Json(single_page(shown.collect())))
}

/// The name under which a signed address gives the screenshot.
fn named(file: &str) -> String {
    format!("screenshots/{file}")
}

/// Who may see a screenshot: a caller with an API key, or with a signed address from a bot's list.
pub(crate) enum Viewer {
    Key(Caller<Read>),
    Address(Ticket),
}

/// The query of a signed address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Ticket {
    /// The bot's workspace.
    #[param(value_type = Option<WorkspaceId>, required = false)]
    workspace: WorkspaceId,
    /// Proves that Latchkey issued the address. Without it an API key is needed.
    #[param(value_type = Option<String>, required = false)]
    token: String,
}

impl FromRequestParts<State> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "token") {
            let ticket =
                UriQuery::<Ticket>::try_from_uri(&parts.uri).map_err(|_| ApiError::AddressInvalid)?;
            return Ok(Self::Address(ticket.0));
        }
        Caller::from_request_parts(parts, state).await.map(Self::Key)
    }
}

impl Viewer {
    /// The workspace of the bot.
    fn workspace(&self, state: &State, bot: BotId, file: &str) -> Result<WorkspaceId, ApiError> {
        match self {
            Self::Key(caller) => Ok(caller.workspace),
            Self::Address(Ticket { workspace, token }) => {
                signed_address::check(state, *workspace, bot, &named(file), token)?;
                Ok(*workspace)
            }
        }
    }
}

errors! {
    ScreenshotErrors:
    ApiError::AddressInvalid,
    ApiError::AddressExpired(Timestamp::from_second(1_900_000_000)),
}

/// Retrieve a screenshot
///
/// It shows a meeting, so it needs an API key, or the `token` of an address from the bot's list of screenshots, which is
/// valid for six hours.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot/{id}/screenshots/{file}",
    tag = "bots",
    operation_id = "bot_screenshot_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path), ("file" = String, Path, description = "`<screenshot>.png`"), Ticket),
    responses(
        (status = 200, description = "The image.", body = Vec<u8>, content_type = "image/png"),
        ScreenshotErrors,
    ),
)]
pub(crate) async fn picture(
    viewer: Viewer,
    Extract(state): Extract<State>,
    Path((id, file)): Path<(BotId, String)>,
) -> Result<Response, ApiError> {
    let workspace = viewer.workspace(&state, id, &file)?;
    find(&state, workspace, id).await?;
    let wanted = file.strip_suffix(".png").and_then(|id| id.parse().ok()).ok_or(ApiError::NotFound)?;
    let png = state.bots.screenshots.read(workspace, id, wanted).await?;
    let png = png.ok_or(ApiError::NotFound)?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "private, no-store")], png).into_response())
}
