//! Sends one event once, in the format of the endpoint's kind.

use metrics::DeliveryOutcome;
use model::{EndpointKind, Secret};
use outbound::{CallbackError, Message, POST_TIMEOUT, PostAnswer, signature::SigningKey};
use store::{Answer, Event, WebhookEndpoint};

use crate::{
    Parts,
    mail::{Mail, MailError, MailRefusal, Reply},
    secrets::Secrets,
    sent_body,
    text_message::text_message,
};

/// An endpoint with its decrypted secrets.
pub(crate) struct Receiver {
    pub(crate) row: WebhookEndpoint,
    pub(crate) url: Secret,
    pub(crate) secrets: Secrets,
    pub(crate) keys: Vec<SigningKey>,
}

/// The result of an attempt.
pub(crate) struct Sent {
    pub(crate) outcome: DeliveryOutcome,
    pub(crate) answer: Answer,
    /// Whether the failure is permanent, so that the event is not sent again.
    pub(crate) is_final: bool,
}

/// Sends an event to an endpoint, once.
pub(crate) async fn send(parts: &Parts, to: &Receiver, event: &Event) -> Sent {
    let body = sent_body::body(parts, &event.event, |link| link.address(parts)).await;
    match to.row.kind {
        EndpointKind::Webhook => post(parts, to, &to.keys, event, &body).await,
        // Not signed: Slack does not verify signatures, because its URL is the secret.
        EndpointKind::Slack => {
            let text = text_message(&event.event.kind, &body, &parts.broker.addresses);
            post(parts, to, &[], event, &text.for_slack()).await
        }
        // Boxed, because an SMTP connection would enlarge the future of every attempt.
        EndpointKind::Email => Box::pin(mail(parts, to, event, &body)).await,
    }
}

async fn post(parts: &Parts, to: &Receiver, keys: &[SigningKey], event: &Event, body: &str) -> Sent {
    let id = format!("msg_{}", event.event.id);
    let headers = [("latchkey-sequence", event.sequence.to_string())];
    let message = Message { id: &id, body, headers: &headers, svix: to.row.svix_headers };
    let (outcome, answer) = read(parts.callbacks.post(to.url.expose(), keys, message).await, &to.secrets);
    Sent { outcome, answer, is_final: false }
}

async fn mail(parts: &Parts, to: &Receiver, event: &Event, body: &str) -> Sent {
    let (id, text) =
        (event.event.id.to_string(), text_message(&event.event.kind, body, &parts.broker.addresses));
    let mail = Mail { id: &id, to: to.url.expose(), text: &text, sequence: event.sequence };
    let sent = match &parts.mailer {
        Some(mailer) => mailer.send(&mail).await,
        None => Err(MailRefusal::NotSetUp.into()),
    };
    let of_reply = |reply: Option<Reply>| match reply {
        Some(Reply { code, text }) => Answer { status: Some(code), body: text, ..Answer::default() },
        None => Answer::default(),
    };
    match sent {
        Ok(reply) => {
            Sent { outcome: DeliveryOutcome::Delivered, answer: of_reply(Some(reply)), is_final: false }
        }
        Err(error) => {
            let reply = error.reply();
            let outcome = match &error {
                MailError::TooSlow => DeliveryOutcome::Timeout,
                MailError::Address(_) | MailError::Unwritten(_) => DeliveryOutcome::Forbidden,
                _ if reply.is_some() => DeliveryOutcome::Refused,
                MailError::Server(_) | MailError::Refused(_) => DeliveryOutcome::Unreachable,
            };
            let answer = Answer { error: Some(error.to_string()), ..of_reply(reply) };
            Sent { outcome, answer, is_final: error.is_final() }
        }
    }
}

fn read(sent: Result<PostAnswer, CallbackError>, secrets: &Secrets) -> (DeliveryOutcome, Answer) {
    match sent {
        Ok(PostAnswer { status, headers, body }) => {
            let (outcome, error) = match status {
                200..=299 => (DeliveryOutcome::Delivered, None),
                300..=399 => {
                    let error = format!("the answer is a redirect (HTTP {status}), which is never followed");
                    (DeliveryOutcome::Redirect, Some(error))
                }
                _ => (DeliveryOutcome::Refused, Some(format!("the answer is HTTP {status}"))),
            };
            let headers = headers.into_iter().map(|(name, value)| (name, secrets.removed_from(&value)));
            let body = secrets.removed_from(&body);
            (outcome, Answer { status: Some(status), headers: headers.collect(), body, error, took_ms: 0 })
        }
        Err(error) => {
            let outcome = match error {
                CallbackError::TooSlow => DeliveryOutcome::Timeout,
                CallbackError::Forbidden | CallbackError::BadUrl => DeliveryOutcome::Forbidden,
                _ => DeliveryOutcome::Unreachable,
            };
            let words = match error {
                CallbackError::TooSlow => format!("no answer within {} s", POST_TIMEOUT.as_secs()),
                error => error.to_string(),
            };
            (outcome, Answer { error: Some(words), ..Answer::default() })
        }
    }
}
