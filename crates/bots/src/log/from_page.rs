//! Converts events of a page to entries of its bot's log. Names of participants, chat and captions are left out.

use browser::{ConsoleLine, PageEnd, PageEvent, ZoomCall};
use serde_json::json;

use super::note::{LogEntryKind, NewLogEntry};

/// The entry for an event; `None` for events that are recorded elsewhere, or that contain people's names or words.
pub(crate) fn of_event(event: &PageEvent) -> Option<NewLogEntry> {
    let sdk = |event: &str, text: String| NewLogEntry::new(LogEntryKind::SdkEvent, text).with("event", event);
    let note = match event {
        // Recorded as `join_request`.
        PageEvent::Joining
        // Stored as meeting events.
        | PageEvent::Meeting(_)
        | PageEvent::Participants { .. }
        // Recorded as `output`.
        | PageEvent::Camera { .. }
        | PageEvent::Chatted { .. } => return None,
        PageEvent::Connected => sdk("connected", "Zoom's meeting server accepted the bot.".into()),
        PageEvent::WaitingRoom => sdk("waiting_room", "The bot is in the waiting room.".into()),
        PageEvent::InMeeting { participants } => {
            sdk("in_meeting", format!("The bot is in the meeting. Other participants: {participants}."))
                .with("others", *participants)
        }
        PageEvent::Reconnecting { reason } => {
            let text = format!("The connection was lost ({}); Zoom's SDK is reconnecting.", words(reason.as_deref()));
            sdk("reconnecting", text).with_some("reason", reason.clone())
        }
        PageEvent::Refused { code, reason, url } => {
            sdk("refused", format!("Zoom refused the join with code {code}: {reason}"))
                .with("code", *code)
                .with("reason", reason.clone())
                .with_some("url", url.clone())
        }
        PageEvent::Failed { code, reason } => {
            sdk("failed", format!("Zoom ended the connection with code {code}: {reason}"))
                .with("code", *code)
                .with("reason", reason.clone())
        }
        PageEvent::Ended { reason, on_hold } => sdk("ended", format!("Zoom closed the call: {reason}"))
            .with("reason", reason.clone())
            .with("on_hold", *on_hold),
        PageEvent::Dropped { how } => sdk("dropped", format!("The call was closed {how}.")),
        PageEvent::Left => sdk("left", "The bot has left the meeting.".into()),
        PageEvent::Script { message } => NewLogEntry::new(LogEntryKind::Exception, message),
        PageEvent::Call(call) => of_call(call),
        PageEvent::Console(ConsoleLine { level, text }) => {
            NewLogEntry::new(LogEntryKind::Console, text).with("level", level.clone())
        }
        PageEvent::Gone(gone) => {
            let kind = match gone {
                PageEnd::PageFrozen => LogEntryKind::HeartbeatMissed,
                PageEnd::PageCrashed | PageEnd::BrowserGone => LogEntryKind::PageGone,
            };
            NewLogEntry::new(kind, format!("{gone}."))
        }
    };
    Some(note)
}

fn of_call(call: &ZoomCall) -> NewLogEntry {
    let ZoomCall { method, url, status, ms, tracking, code, error } = call;
    let outcome = match (error, code) {
        (Some(error), _) => error.clone(),
        (None, Some(code)) if *code != 0 => format!("{status}, Zoom's code {code}"),
        (None, _) => status.to_string(),
    };
    NewLogEntry::new(LogEntryKind::ZoomCall, format!("{method} {url}: {outcome} after {ms} ms"))
        .with("method", method.clone())
        .with("url", url.clone())
        .with("status", *status)
        .with("milliseconds", *ms)
        .with_some("tracking_id", tracking.clone())
        .with_some("zoom_code", *code)
        .with_some("error", error.clone().map(|error| json!(error)))
}

fn words(reason: Option<&str>) -> &str {
    reason.unwrap_or("no reason given")
}
