//! Calls the API from inside this process on behalf of a key.
//!
//! The console is such a caller. It uses the same handlers as a request over the network, so it can do exactly what
//! the key can do. Calls are not counted against the key's rate limits: a person who looks at a page must not use up the
//! calls of the workspace's programs. The caller limits its own requests.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response, header::AUTHORIZATION},
};
use model::Failure;
use store::ApiKey;
use tower::ServiceExt as _;

use crate::{BodyError, Sender, State, caller, error::ApiError, inner_router};

/// The API for another part of this process.
#[derive(Clone)]
pub struct InProcess {
    router: Router,
    state: State,
}

/// A key that the caller has checked. It is only put into requests inside this process.
#[derive(Debug, Clone)]
pub(crate) struct CheckedKey(pub(crate) ApiKey);

/// Why a sign-in with a key is refused.
#[derive(Debug, Clone)]
pub struct KeyRefused {
    /// The reason, for a person.
    pub words: String,
    /// Whether the key itself is wrong.
    pub is_wrong: bool,
}

impl InProcess {
    /// The API of this server.
    pub fn new(state: State) -> Self {
        Self { router: inner_router(state.clone()), state }
    }

    /// The API's answer to a request with this key, which has just been checked.
    pub async fn call(&self, key: &ApiKey, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(CheckedKey(key.clone()));
        Box::pin(self.router.clone().oneshot(request)).await.unwrap_or_else(|never| match never {})
    }

    /// Checks a key that a person typed. Answers to wrong keys are slowed down as they are for the API.
    pub async fn check_key(&self, key: &str, peer: Option<SocketAddr>) -> Result<ApiKey, KeyRefused> {
        let mut headers = HeaderMap::new();
        if let Ok(value) = format!("Token {key}").parse() {
            headers.insert(AUTHORIZATION, value);
        }
        let checked = caller::authenticated_key(&headers, &self.state, peer.map(|peer| peer.ip())).await;
        checked.map_err(|error| match error {
            ApiError::NotAuthenticated | ApiError::AuthenticationFailed(_) => {
                let words = match error {
                    ApiError::AuthenticationFailed(words) => words,
                    _ => "This is not an API key: paste the complete key.",
                };
                KeyRefused { words: words.to_owned(), is_wrong: true }
            }
            ApiError::Throttled(_) => KeyRefused {
                words: "There were too many wrong keys in the last minute. Try again in a minute.".to_owned(),
                is_wrong: false,
            },
            _ => KeyRefused {
                words: "The key can't be checked at the moment: the database does not answer. Try again."
                    .to_owned(),
                is_wrong: false,
            },
        })
    }

    /// Reads a form from the network, with the size, time and memory limits of a body for the API.
    pub async fn read_form(&self, body: Body, sender: Sender) -> Result<Bytes, BodyError> {
        self.state.admission.bodies.read(body, sender).await
    }

    /// The name of the key's workspace.
    pub async fn workspace_name(&self, key: &ApiKey) -> Result<String, Failure> {
        let workspace = self.state.store.workspace(key.workspace).await?;
        Ok(workspace.map(|workspace| workspace.name).unwrap_or_default())
    }
}
