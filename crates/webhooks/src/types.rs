//! The event types that an endpoint can subscribe to.

use broker::AUDIT;
use model::{
    BotStatus, RealtimeState, TOKEN_LINK_REFUSED, WEBHOOK_ENDPOINT_DISABLED, bot_event_type,
    realtime_event_type,
};

/// Event types other than states of a bot or of its real-time endpoints.
const OTHERS: [&str; 8] = [
    "zoom_oauth_credential.healthy",
    "zoom_oauth_credential.degraded",
    "zoom_oauth_credential.needs_reauth",
    "zoom_oauth_credential.disconnected",
    "pool.nearly_full",
    "pool.full",
    TOKEN_LINK_REFUSED,
    WEBHOOK_ENDPOINT_DISABLED,
];

/// The findings of a server that become events, and their event types.
pub(crate) const ALARMS: [(&str, &str); 2] = [(AUDIT, "audit.failing"), ("clock", "clock.off")];

/// Every event type that an endpoint can subscribe to.
pub fn event_types() -> Vec<String> {
    let bots = BotStatus::ALL.iter().filter(|status| **status != BotStatus::Ready);
    let live = RealtimeState::ALL.iter().filter(|state| **state != RealtimeState::Waiting);
    let bots = bots.map(|status| bot_event_type(*status));
    let alarms = ALARMS.iter().map(|(_, kind)| (*kind).to_owned());
    bots.chain(live.map(|state| realtime_event_type(*state)))
        .chain(OTHERS.map(str::to_owned))
        .chain(alarms)
        .collect()
}

/// The event types that need a person's attention. Endpoints for people receive these by default.
pub fn notable_types() -> Vec<String> {
    let bots = bot_event_type(BotStatus::Fatal);
    let live = realtime_event_type(RealtimeState::Failed);
    let quiet = [".healthy", ".degraded", ".nearly_full"];
    let others = OTHERS.iter().filter(|kind| !quiet.iter().any(|end| kind.ends_with(end)));
    let others = others.chain(ALARMS.iter().map(|(_, kind)| kind));
    [bots, live].into_iter().chain(others.map(|kind| (*kind).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use model::{CredentialStatus, account_event_type};

    use super::{event_types, notable_types};

    #[test]
    fn every_state_of_an_account_has_an_event_type() {
        let known = event_types();
        for status in CredentialStatus::ALL {
            assert!(known.contains(&account_event_type(status).0), "{status}");
        }
        assert!(known.contains(&"bot.in_call_not_recording".to_owned()));
        assert!(!known.contains(&"bot.ready".to_owned()), "the creation of a bot is not an event");
        assert!(known.contains(&"realtime_endpoint.failed".to_owned()));
        assert!(notable_types().iter().all(|kind| known.contains(kind)));
    }
}
