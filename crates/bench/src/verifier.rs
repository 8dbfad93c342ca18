//! The least that serves a token: verifies the signature, and answers a constant.

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use broker::signature::{self, SignatureHeaders, SigningKey};
use model::{Environment, Secret};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
};

/// The line it reads.
#[derive(Deserialize)]
struct Given {
    secret: Secret,
    answer: String,
}

/// The line it prints.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) url: String,
}

struct Constant {
    keys: [SigningKey; 1],
    answer: String,
    env: Environment,
}

/// Serves until its standard input ends.
pub(crate) async fn run(env: Environment) -> anyhow::Result<()> {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let given: Given = serde_json::from_str(&input.next_line().await?.context("nothing was given")?)?;
    let keys = [SigningKey::parse(&given.secret).context("the secret is not one")?];
    let constant = Arc::new(Constant { keys, answer: given.answer, env });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let ready = Ready { url: format!("http://{}", listener.local_addr()?) };
    println!("{}", serde_json::to_string(&ready)?);
    let router = Router::new().route("/t/{address}", get(answer)).with_state(constant);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { while let Ok(Some(_)) = input.next_line().await {} })
        .await?;
    Ok(())
}

async fn answer(State(constant): State<Arc<Constant>>, headers: HeaderMap) -> Result<String, StatusCode> {
    let value =
        |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(StatusCode::UNAUTHORIZED);
    let headers = SignatureHeaders {
        id: value("webhook-id")?,
        timestamp: value("webhook-timestamp")?,
        signature: value("webhook-signature")?,
    };
    signature::verify(&constant.keys, headers, b"", constant.env.now())
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    Ok(constant.answer.clone())
}
