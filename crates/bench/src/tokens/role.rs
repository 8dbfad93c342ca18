//! Baseline servers as processes: each reads one line, prints its address, and ends with its standard input.

use anyhow::Context as _;
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use model::Timestamp;
use outbound::signature::{self, SignatureHeaders, SigningKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines, Stdin},
    net::TcpListener,
};

/// The line that a role prints.
#[derive(Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) url: String,
}

/// A role's standard input.
pub(super) struct Input(Lines<BufReader<Stdin>>);

impl Input {
    /// Reads the input line.
    pub(super) async fn read<T: DeserializeOwned>() -> anyhow::Result<(T, Self)> {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let line = lines.next_line().await?.context("there is no input line")?;
        Ok((serde_json::from_str(&line)?, Self(lines)))
    }

    /// Serves until standard input ends.
    pub(super) async fn serve(mut self, router: Router) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let ready = Ready { url: format!("http://{}", listener.local_addr()?) };
        println!("{}", serde_json::to_string(&ready)?);
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { while let Ok(Some(_)) = self.0.next_line().await {} })
            .await?;
        Ok(())
    }
}

/// Verification by both baselines, with the same code as in Latchkey.
pub(super) fn verify(headers: &HeaderMap, key: &SigningKey, now: Timestamp) -> Result<(), StatusCode> {
    let value =
        |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(StatusCode::UNAUTHORIZED);
    let headers = SignatureHeaders {
        id: value("webhook-id")?,
        timestamp: value("webhook-timestamp")?,
        signature: value("webhook-signature")?,
    };
    let keys = std::slice::from_ref(key);
    signature::verify(keys, headers, b"", now).map_err(|_| StatusCode::UNAUTHORIZED)
}
