//! Sends an event to a URL that a customer gave us.

use std::time::Duration;

use model::Timestamp;
use reqwest::{Response, header::CONTENT_TYPE};

use crate::{
    CallbackClient, CallbackError,
    callback::unsent,
    signature::{SigningKey, sign_with_each},
};

/// Time for one attempt, from connecting to the head of the answer.
pub const POST_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for what is read of the answer's body. What has not come by then is not kept.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read. The connection of a longer one is closed.
const MAX_READ: usize = 64 * 1024;
/// Bytes of an answer that are kept.
const MAX_KEPT: usize = 4 * 1024;
/// Headers of an answer that are kept, and bytes of each value.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 512;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// The same for every attempt.
    pub id: &'m str,
    /// JSON.
    pub body: &'m str,
    /// Headers of our own.
    pub headers: &'m [(&'static str, String)],
    /// Whether the signature is sent a second time, as `svix-…`.
    pub svix: bool,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostAnswer {
    /// HTTP's status.
    pub status: u16,
    /// The first headers. Of a header that may hold a secret of the receiver, the name alone.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB. Bytes that are no text are replaced.
    pub body: String,
}

impl CallbackClient {
    /// Sends a message once, signed with each of `keys` at this moment; not signed when there is none. An answer of any status is an answer; that a redirect
    /// is not followed shows in its status.
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

/// The headers that sign a message.
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

/// Reads a body until it ends or is too long. What was answered counts, whatever becomes of the rest of it.
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

/// Text of at most so many bytes. PostgreSQL's text holds no NUL.
fn clipped(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).replace('\0', "\u{fffd}");
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}
