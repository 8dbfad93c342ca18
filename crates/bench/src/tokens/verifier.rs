//! The least work to serve a token: it verifies the signature and answers a constant.

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use model::{Environment, Secret};
use outbound::signature::SigningKey;
use serde::Deserialize;

use super::role::{Input, verify};

/// The input line.
#[derive(Deserialize)]
struct Given {
    secret: Secret,
    answer: String,
}

struct Constant {
    key: SigningKey,
    answer: String,
    env: Environment,
}

/// Serves until its standard input ends.
pub(crate) async fn run(env: Environment) -> anyhow::Result<()> {
    let (Given { secret, answer }, input) = Input::read().await?;
    let key = SigningKey::parse(&secret).context("the secret is invalid")?;
    let constant = Arc::new(Constant { key, answer, env });
    input.serve(Router::new().route("/t/{address}", get(handler)).with_state(constant)).await
}

async fn handler(State(constant): State<Arc<Constant>>, headers: HeaderMap) -> Result<String, StatusCode> {
    verify(&headers, &constant.key, constant.env.now())?;
    Ok(constant.answer.clone())
}
