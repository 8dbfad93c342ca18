//! Shows a delivery as it is sent to an endpoint. It is built like the requests of `attempt`. Values that are secret, or
//! that differ between attempts, are redacted.

use model::EndpointKind;
use store::Event;

use crate::{
    Endpoint, Webhooks,
    mail::Mail,
    sent_body,
    text_message::{TextMessage, text_message},
};

/// Replaces redacted values.
const REDACTED: &str = "********";

/// The request or mail of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPreview {
    /// The headers that depend on the event or the endpoint.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON, or the text of a mail.
    pub body: String,
}

impl Webhooks {
    /// Shows the request or mail for this event to `to`. Timestamps and signatures of headers are redacted, and so is the
    /// link that reconnects an account. The affected bots are those of now.
    pub async fn preview(&self, to: &Endpoint, event: &Event) -> DeliveryPreview {
        let parts = &*self.parts;
        let body = sent_body::body(parts, &event.event, |_| REDACTED.to_owned()).await;
        let posted = [
            ("content-type", "application/json".to_owned()),
            ("latchkey-sequence", event.sequence.to_string()),
        ];
        match to.row.kind {
            EndpointKind::Webhook => {
                let names: [[&'static str; 3]; 2] = [
                    ["webhook-id", "webhook-timestamp", "webhook-signature"],
                    ["svix-id", "svix-timestamp", "svix-signature"],
                ];
                let names = &names[..=usize::from(to.row.svix_headers)];
                let signed = names.iter().flat_map(|[id, timestamp, signature]| {
                    let id = (*id, format!("msg_{}", event.event.id));
                    [id, (*timestamp, REDACTED.to_owned()), (*signature, REDACTED.to_owned())]
                });
                DeliveryPreview { headers: posted.into_iter().chain(signed).collect(), body }
            }
            EndpointKind::Slack => {
                DeliveryPreview { headers: posted.into(), body: self.text(event, &body).for_slack() }
            }
            EndpointKind::Email => {
                let (id, text) = (event.event.id.to_string(), self.text(event, &body));
                let mail = Mail { id: &id, to: to.url.expose(), text: &text, sequence: event.sequence };
                let headers = parts.mailer.as_ref().map(|mailer| mailer.headers(&mail)).unwrap_or_default();
                DeliveryPreview { headers, body: mail.body() }
            }
        }
    }

    fn text(&self, event: &Event, body: &str) -> TextMessage {
        text_message(&event.event.kind, body, &self.parts.broker.addresses)
    }
}
