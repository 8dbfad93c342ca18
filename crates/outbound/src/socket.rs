//! WebSocket connections to a URL that a customer has configured.
//!
//! The upgrade is an ordinary request of the guarded clients. It has the same limits as a callback, follows no redirect,
//! and is signed like a fetch, with an empty body.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{
    Client, StatusCode, Upgraded,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use url::Url;

use crate::{
    CallbackClient, CallbackError, POST_TIMEOUT,
    callback::unsent,
    signature::{SigningKey, sign_with_each},
};

/// The maximum size of a message from a receiver, in bytes. No messages are expected.
const MAX_RECEIVED: usize = 64 * 1024;
/// The size of the buffers for reading and writing, in bytes.
const READ_BUFFER: usize = 4 * 1024;

/// An open connection.
pub type Socket = WebSocketStream<Upgraded>;

/// The frames of a connection.
pub mod frames {
    pub use tokio_tungstenite::tungstenite::{
        Error as FrameError, Message as Frame,
        protocol::{CloseFrame, frame::coding::CloseCode},
    };
}

impl CallbackClient {
    /// Checks whether `text` can be the URL of a WebSocket. Host names are checked when they are connected to.
    pub fn accepts_socket(&self, text: &str) -> Result<(), CallbackError> {
        self.socket_client_for(text).map(drop)
    }

    /// Connects, without retries. The request is signed with each of `keys`.
    #[tracing::instrument(name = "open_socket", skip_all)]
    pub async fn open_socket(
        &self,
        url: &str,
        keys: &[SigningKey],
        id: &str,
    ) -> Result<Socket, CallbackError> {
        let (client, url) = self.socket_client_for(url)?;
        let (env, now) = (self.env(), self.env().now());
        let key = BASE64_STANDARD.encode(env.entropy.bytes::<16>());
        let request = client
            .get(url)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", sign_with_each(keys, id, now, b""));
        let opening = async {
            let response = request.send().await.map_err(unsent)?;
            match response.status() {
                StatusCode::SWITCHING_PROTOCOLS => {}
                status if status.is_redirection() => return Err(CallbackError::Redirect),
                status => return Err(CallbackError::Status(status.as_u16())),
            }
            let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
            if accepted
                .is_none_or(|accepted| accepted.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
            {
                return Err(CallbackError::NotASocket);
            }
            response.upgrade().await.map_err(|_| CallbackError::NotASocket)
        };
        let stream = env.clock.timeout(POST_TIMEOUT, opening).await.ok_or(CallbackError::NotConnected)??;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(READ_BUFFER)
            .max_message_size(Some(MAX_RECEIVED))
            .max_frame_size(Some(MAX_RECEIVED));
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
    }

    fn socket_client_for(&self, text: &str) -> Result<(&Client, Url), CallbackError> {
        let not_a_socket = |error| match error {
            CallbackError::BadUrl => CallbackError::BadSocketUrl,
            error => error,
        };
        let http = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => format!("http://{rest}"),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => format!("https://{rest}"),
            _ => return Err(CallbackError::BadSocketUrl),
        };
        self.judged(&http, self.sockets.each_ref()).map_err(not_a_socket)
    }
}
