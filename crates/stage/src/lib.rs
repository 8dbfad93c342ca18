//! Runs Latchkey's roles as processes and uses them as a user would: for the demo, the benchmark and the crash test.
//!
//! Nothing here accesses the internals of a role: it is started from its binary, reports on standard output that it is
//! ready, is called over HTTP, and stops when its standard input ends.

mod consent;
mod pgbouncer;
mod postgres;
mod process;
mod server;
mod simulator;

pub use consent::{allow, browser_config, consent, refresh_token_of_another_program};
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use process::{Log, Process, Program};
pub use server::{Bot, Change, Server};
pub use simulator::{Participant, Simulator};

use anyhow::Context as _;
use serde_json::Value;

/// An HTTP client for loopback, without a proxy.
#[expect(clippy::disallowed_methods, reason = "a user of its own, on loopback")]
pub fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

/// A text field of an answer.
pub fn text<'a>(answer: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    answer[field].as_str().with_context(|| format!("an answer lacks {field}"))
}

/// Sends a request and reads a JSON answer. Errors, including every error status, name the call.
async fn answer(request: reqwest::RequestBuilder, call: &str) -> anyhow::Result<Value> {
    let response = request.send().await.with_context(|| call.to_owned())?;
    let (status, body) = (response.status(), response.text().await.with_context(|| call.to_owned())?);
    anyhow::ensure!(status.is_success(), "{call} answered {status}: {body}");
    serde_json::from_str(&body).with_context(|| format!("{call}: the answer is not JSON"))
}
