//! Sends an event to a URL that a customer has configured.

use std::time::Duration;

use model::Timestamp;
use reqwest::{Response, header::CONTENT_TYPE};

use crate::{
    CallbackClient, CallbackError,
    callback::unsent,
    signature::{SigningKey, sign_with_each},
};

/// The time limit of one attempt, from connecting to the head of the answer.
pub const POST_TIMEOUT: Duration = Duration::from_secs(15);
/// The time limit for reading the answer's body. What arrives later is discarded.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum number of bytes that are read of an answer. The connection of a longer answer is closed.
const MAX_READ: usize = 64 * 1024;
/// The maximum number of bytes of an answer that are returned.
const MAX_KEPT: usize = 4 * 1024;
/// The maximum number of an answer's headers that are returned, and of bytes of each value.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 512;

/// A message to send.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// Its id, the same for every attempt.
    pub id: &'m str,
    /// The body, in JSON.
    pub body: &'m str,
    /// Additional headers.
    pub headers: &'m [(&'static str, String)],
    /// Whether the signature is sent a second time, as `svix-…`.
    pub svix: bool,
}

/// The answer to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The first headers. A value that may contain a secret of the receiver is masked.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB of the body. Bytes that are not text are replaced.
    pub body: String,
}

impl CallbackClient {
    /// Sends a message once, signed with each of `keys`, or unsigned if there are none. Returns the answer, whatever its
    /// status. A redirect is not followed, so its status is returned.
    pub async fn post(
        &self,
        url: &str,
        keys: &[SigningKey],
        message: Message<'_>,
    ) -> Result<PostAnswer, CallbackError> {
        let (client, url) = self.client_for(url)?;
        let now = self.env().now();
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
        for (name, value) in signed(keys, message, now) {
            request = request.header(name, value);
        }
        for (name, value) in message.headers {
            request = request.header(*name, value);
        }
        let request = request.body(message.body.to_owned());
        let clock = &self.env().clock;
        let sent = clock.timeout(POST_TIMEOUT, request.send()).await.ok_or(CallbackError::TooSlow)?;
        let mut response = sent.map_err(unsent)?;
        let mut kept = Vec::new();
        clock.timeout(BODY_TIMEOUT, read(&mut response, &mut kept)).await;
        let headers = kept_headers(&response);
        Ok(PostAnswer { status: response.status().as_u16(), headers, body: clipped(&kept, MAX_KEPT) })
    }
}

/// The signature headers of a message.
fn signed(keys: &[SigningKey], message: Message<'_>, now: Timestamp) -> Vec<(&'static str, String)> {
    if keys.is_empty() {
        return Vec::new();
    }
    let signature = sign_with_each(keys, message.id, now, message.body.as_bytes());
    let values = [message.id.to_owned(), now.as_second().to_string(), signature];
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let again = ["svix-id", "svix-timestamp", "svix-signature"];
    let again = again.into_iter().zip(values.clone()).filter(|_| message.svix);
    names.into_iter().zip(values).chain(again).collect()
}

fn kept_headers(response: &Response) -> Vec<(String, String)> {
    let headers = response.headers().iter().take(MAX_HEADERS).map(|(name, value)| {
        let is_secret = ["set-cookie", "authorization", "cookie"].contains(&name.as_str());
        let value = if is_secret { "********".into() } else { clipped(value.as_bytes(), MAX_HEADER_BYTES) };
        (name.as_str().to_owned(), value)
    });
    headers.collect()
}

/// Reads a body until it ends, breaks off or is too long. An error is ignored, because the status has arrived.
async fn read(response: &mut Response, kept: &mut Vec<u8>) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        kept.extend_from_slice(&chunk[..chunk.len().min(MAX_KEPT - kept.len())]);
        read += chunk.len();
        if read >= MAX_READ {
            break;
        }
    }
}

/// Converts bytes to text of at most `most` bytes. NUL is replaced, because PostgreSQL's text can't contain it.
fn clipped(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).replace('\0', "\u{fffd}");
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}
