//! `/_sim/apps`: registered apps, as their owner manages them in the Marketplace.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use super::error::{Body, ControlError, patched};
use crate::ids::ClientId;
use crate::state::SharedSim;
use crate::world::World;
use crate::world::app::{App, AppKind};

/// Scopes of a token when the app names none: enough to read the user and to mint tokens.
const SCOPES: [&str; 3] = ["user:read:user", "user:read:token", "user:read:zak"];

pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Vec<App>> {
    Json(sim.world().apps.clone())
}

pub(crate) async fn show(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
) -> Result<Json<App>, ControlError> {
    Ok(Json(sim.world().app(&id).ok_or(ControlError::Unknown("app"))?.clone()))
}

/// Creates an app. Every field is optional; a missing id or secret is generated.
pub(crate) async fn create(
    State(sim): State<SharedSim>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<App>), ControlError> {
    let mut world = sim.world();
    let World { entropy, home_account, .. } = &mut *world;
    let fresh = App {
        client_id: ClientId(entropy.id()),
        client_secret: entropy.secret(),
        name: "Simulated app".to_owned(),
        kind: AppKind::default(),
        account_id: home_account.clone(),
        redirect_uris: Vec::new(),
        scopes: SCOPES.map(str::to_owned).to_vec(),
        sdk: false,
        public: false,
        published: true,
        disabled: false,
    };
    let app: App = patched(&fresh, body)?;
    if app.client_id.0.is_empty() || app.client_secret.is_empty() {
        return Err(ControlError::Bad("client_id and client_secret must not be empty".to_owned()));
    }
    if world.app(&app.client_id).is_some() {
        return Err(ControlError::Bad(format!("client_id {} is taken", app.client_id)));
    }
    world.apps.push(app.clone());
    Ok((StatusCode::CREATED, Json(app)))
}

/// Changes any field except `client_id`. Tokens of a disabled app stop working; a new secret applies to SDK signatures at
/// once.
pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
    Body(body): Body<Value>,
) -> Result<Json<App>, ControlError> {
    let mut world = sim.world();
    let app = world.app_mut(&id).ok_or(ControlError::Unknown("app"))?;
    let changed: App = patched(app, body)?;
    if changed.client_id != id {
        return Err(ControlError::Bad("client_id cannot be changed".to_owned()));
    }
    *app = changed.clone();
    Ok(Json(changed))
}
