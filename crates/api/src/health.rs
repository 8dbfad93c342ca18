//! `GET /healthz`: whether this server can do its work. Public: load balancers have no key.

use axum::{Json, extract::State as Extract, http::StatusCode};
use serde_json::{Value, json};

use crate::State;

pub(crate) async fn handler(Extract(state): Extract<State>) -> (StatusCode, Json<Value>) {
    let version = env!("CARGO_PKG_VERSION");
    match state.store.workspaces().await {
        Ok(_) => (StatusCode::OK, Json(json!({ "status": "ok", "version": version }))),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "store_unavailable", "version": version })),
        ),
    }
}
