//! What an endpoint is sent of an event, for who looks at its deliveries. It is made as `attempt` makes it; what differs between
//! attempts or is a secret is struck out.

use model::EndpointKind;
use store::Event;

use crate::{
    Endpoint, Webhooks,
    mail::Mail,
    sent_body,
    text_message::{TextMessage, text_message},
};

/// Stands for what is not shown.
const REDACTED: &str = "********";

/// A request, or a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPreview {
    /// Headers that the event or the endpoint decides.
    pub headers: Vec<(&'static str, String)>,
    /// JSON; the text of a mail.
    pub body: String,
}

impl Webhooks {
    /// What `to` is sent of this event. Times and signatures are struck out, and so is the link that connects an account; the
    /// bots that are at stake are those of now.
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
