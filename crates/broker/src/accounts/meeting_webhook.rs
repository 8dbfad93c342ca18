//! Translates a webhook about meetings into a change of the meeting map.

use model::Timestamp;
use store::{MeetingChange, MeetingWebhookChange};
use zoom::{MeetingAction, WebhookEvent};

/// The change of the map by `event`, which happened at `as_of`; `None` if it changes nothing.
pub(crate) fn meeting_change_of(event: &WebhookEvent, as_of: Timestamp) -> Option<MeetingWebhookChange> {
    let (account_id, change) = match event {
        WebhookEvent::Meeting { action: MeetingAction::Deleted, account_id, number, host_id } => {
            (account_id, MeetingChange::Gone { number: *number, host: host_id.clone() })
        }
        // A change without a host doesn't move the meeting.
        WebhookEvent::Meeting { account_id, number, host_id, .. } => {
            (account_id, MeetingChange::Exists { number: *number, host: host_id.clone()? })
        }
        WebhookEvent::PersonalRoom { account_id, user_id, number } => {
            (account_id, MeetingChange::PersonalRoom { number: *number, host: user_id.clone() })
        }
        WebhookEvent::UserAppeared { account_id, user_id, .. } => {
            (account_id, MeetingChange::Unclear { host: user_id.clone() })
        }
        WebhookEvent::UserDeactivated { account_id, user_id }
        | WebhookEvent::UserDeleted { account_id, user_id } => {
            (account_id.as_ref()?, MeetingChange::HostGone { host: user_id.clone() })
        }
        WebhookEvent::AppDeauthorized { .. }
        | WebhookEvent::UrlValidation { .. }
        | WebhookEvent::Other { .. } => return None,
    };
    Some(MeetingWebhookChange { zoom_account_id: account_id.clone(), change, as_of })
}
