//! `latchkey webhook listen`: a receiver that prints the events it receives.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use model::{Environment, Secret};
use outbound::signature::{SignatureHeaders, SigningKey, verify};
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(crate) struct Listen {
    /// The address to listen on. An endpoint with this address needs its network in `callbacks.allow_networks`.
    #[arg(long = "listen", default_value = "127.0.0.1:8090")]
    address: SocketAddr,
    /// A file with the endpoint's secret.
    #[arg(long, env = "LATCHKEY_WEBHOOK_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// The secret itself, from the environment.
    #[arg(long, env = "LATCHKEY_WEBHOOK_SECRET", hide = true, hide_env_values = true)]
    secret: Option<String>,
}

struct Verifier {
    key: SigningKey,
    env: Environment,
}

/// Prints each event with a valid signature as one line of JSON. Others are answered with 401.
pub(super) async fn run(arguments: Listen) -> anyhow::Result<()> {
    let text = match (arguments.secret_file, arguments.secret) {
        (Some(path), None) => {
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
        }
        (None, Some(secret)) => secret,
        (None, None) => {
            bail!(
                "the endpoint's secret is required: set LATCHKEY_WEBHOOK_SECRET, or give a file with --secret-file"
            )
        }
        (Some(_), Some(_)) => {
            bail!("there are two secrets: leave out LATCHKEY_WEBHOOK_SECRET or --secret-file")
        }
    };
    let secret = Secret::new(model::pasted(&text).context("this is not an endpoint's secret")?);
    let key =
        SigningKey::parse(&secret).context("this is not an endpoint's secret: it must begin with whsec_")?;
    let verifier = Arc::new(Verifier { key, env: Environment::system() });
    let listener = TcpListener::bind(arguments.address)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.address))?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(hear).with_state(verifier)).await?;
    Ok(())
}

async fn hear(State(verifier): State<Arc<Verifier>>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = header("webhook-id");
    let signed = SignatureHeaders {
        id,
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let now = verifier.env.now();
    match verify(std::slice::from_ref(&verifier.key), signed, body.as_bytes(), now) {
        Ok(()) => {
            eprintln!("{now} {id} number {}: verified", header("latchkey-sequence"));
            println!("{body}");
            StatusCode::NO_CONTENT
        }
        Err(failure) => {
            eprintln!("{now} {id:?}: refused, {}", failure.detail);
            StatusCode::UNAUTHORIZED
        }
    }
}
