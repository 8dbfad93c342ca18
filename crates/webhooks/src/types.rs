//! The types of events that an endpoint can listen to.

use model::{BotStatus, RealtimeState, WEBHOOK_ENDPOINT_DISABLED, bot_event_type, realtime_event_type};

/// Types of events that are not the state of a bot or of its real-time endpoints.
const OTHERS: [&str; 5] = [
    "zoom_oauth_credential.healthy",
    "zoom_oauth_credential.degraded",
    "zoom_oauth_credential.needs_reauth",
    "zoom_oauth_credential.disconnected",
    WEBHOOK_ENDPOINT_DISABLED,
];

/// Every type that an endpoint can listen to.
pub fn event_types() -> Vec<String> {
    let bots = BotStatus::ALL.iter().filter(|status| **status != BotStatus::Ready);
    let live = RealtimeState::ALL.iter().filter(|state| **state != RealtimeState::Waiting);
    let bots = bots.map(|status| bot_event_type(*status));
    bots.chain(live.map(|state| realtime_event_type(*state))).chain(OTHERS.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use model::{CredentialStatus, account_event_type};

    use super::event_types;

    #[test]
    fn every_state_of_an_account_has_its_event() {
        let known = event_types();
        for status in CredentialStatus::ALL {
            assert!(known.contains(&account_event_type(status).0), "{status}");
        }
        assert!(known.contains(&"bot.in_call_not_recording".to_owned()));
        assert!(!known.contains(&"bot.ready".to_owned()), "no webhook says that a bot was made");
        assert!(known.contains(&"realtime_endpoint.failed".to_owned()));
    }
}
