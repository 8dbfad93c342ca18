//! Converts the page's messages to events of the bot.

use serde::Deserialize;

use crate::{ChatOutcome, ConsoleLine, PageEvent, ZoomCall, meeting};

/// One message of `web/bot/page.js`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum PageMessage {
    /// The SDK is initialised.
    Ready,
    /// The SDK could not be initialised.
    Broken { message: String },
    /// The SDK's `connection-change`, except failures.
    Connection { state: String, reason: Option<String> },
    /// Whether the bot is on hold, and how many other participants there are.
    Roster { hold: bool, others: usize },
    /// `join()` was rejected, or the connection failed; reported once.
    Refused { code: Option<i64>, reason: String, url: Option<String> },
    /// Events of the meeting.
    Meeting { news: Vec<serde_json::Value> },
    /// The bot is out of the meeting, and the SDK sent no event.
    Vanished,
    /// `leaveMeeting()` was called.
    Leaving,
    /// `leaveMeeting()` resolved.
    Left,
    /// The result of switching the bot's camera.
    Camera { on: bool, wanted: bool },
    /// The result of sending a chat message.
    Chatted { id: u32, outcome: ChatOutcome, reason: Option<String> },
    /// An exception.
    Script { message: String },
    /// A call to Zoom has ended.
    Call(ZoomCall),
    /// A line of the console.
    Console(ConsoleLine),
}

/// Where the bot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Not in a meeting: before the first join, and after each end. Late messages are ignored.
    Outside,
    /// Between the call of `join` and the first roster.
    Joining,
    WaitingRoom,
    Meeting {
        others: usize,
    },
}

/// Reads a page's messages in order.
#[derive(Debug)]
pub(crate) struct Tracker {
    place: Place,
    /// Whether the bot has been in the meeting since the join: then a failure is not a refusal.
    been_in: bool,
    /// Whether the bot was on hold when it was last in the roster.
    on_hold: bool,
    leaving: bool,
}

/// Used if the SDK gives no code.
const NO_CODE: i64 = 0;
/// The longest URL that is reported. Queries are removed, because those of Zoom's helper pages contain tokens.
const URL_LENGTH: usize = 200;

impl Tracker {
    pub(crate) fn new() -> Self {
        Self { place: Place::Outside, been_in: false, on_hold: false, leaving: false }
    }

    /// Call this when `join` is called.
    pub(crate) fn join(&mut self) -> PageEvent {
        *self = Self { place: Place::Joining, ..Self::new() };
        PageEvent::Joining
    }

    /// The event that follows from `message`, if it is a new one.
    pub(crate) fn read(&mut self, message: PageMessage) -> Option<PageEvent> {
        match message {
            PageMessage::Connection { state, reason } => match state.as_str() {
                "Connected" => {
                    self.place = Place::Joining;
                    Some(PageEvent::Connected)
                }
                "Reconnecting" if self.place != Place::Outside => {
                    self.place = Place::Joining;
                    Some(PageEvent::Reconnecting { reason })
                }
                "Closed" => match reason {
                    None if self.leaving => self.left(),
                    None => self.dropped("without a reason"),
                    Some(reason) => self.ended(reason),
                },
                _ => None,
            },
            PageMessage::Roster { .. } if self.place == Place::Outside => None,
            PageMessage::Roster { hold: true, .. } => {
                self.on_hold = true;
                let news = self.place != Place::WaitingRoom;
                self.place = Place::WaitingRoom;
                news.then_some(PageEvent::WaitingRoom)
            }
            PageMessage::Roster { hold: false, others } => {
                self.on_hold = false;
                self.been_in = true;
                match std::mem::replace(&mut self.place, Place::Meeting { others }) {
                    Place::Meeting { others: before } => {
                        (before != others).then_some(PageEvent::Participants { others })
                    }
                    _ => Some(PageEvent::InMeeting { participants: others }),
                }
            }
            PageMessage::Refused { code, reason, url } => self.refused(code, reason, url),
            PageMessage::Meeting { news } => Some(PageEvent::Meeting(meeting::readable(news))),
            PageMessage::Vanished => self.dropped("without any event"),
            PageMessage::Leaving => {
                self.leaving = true;
                None
            }
            PageMessage::Left => self.left(),
            PageMessage::Broken { message } | PageMessage::Script { message } => {
                Some(PageEvent::Script { message })
            }
            PageMessage::Camera { on, wanted } => Some(PageEvent::Camera { on, wanted }),
            PageMessage::Chatted { id, outcome, reason } => Some(PageEvent::Chatted { id, outcome, reason }),
            PageMessage::Call(call) => Some(PageEvent::Call(call)),
            PageMessage::Console(line) => Some(PageEvent::Console(line)),
            PageMessage::Ready => None,
        }
    }

    fn refused(&mut self, code: Option<i64>, reason: String, url: Option<String>) -> Option<PageEvent> {
        let code = code.unwrap_or(NO_CODE);
        self.go_outside().then(|| {
            if self.been_in {
                PageEvent::Failed { code, reason }
            } else {
                PageEvent::Refused { code, reason, url: url.map(|url| without_query(&url)) }
            }
        })
    }

    fn ended(&mut self, reason: String) -> Option<PageEvent> {
        self.go_outside().then_some(PageEvent::Ended { reason, on_hold: self.on_hold })
    }

    fn dropped(&mut self, how: &'static str) -> Option<PageEvent> {
        self.go_outside().then_some(PageEvent::Dropped { how })
    }

    fn left(&mut self) -> Option<PageEvent> {
        self.go_outside().then_some(PageEvent::Left)
    }

    /// Returns `false` if the bot was outside already.
    fn go_outside(&mut self) -> bool {
        std::mem::replace(&mut self.place, Place::Outside) != Place::Outside
    }
}

fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().chars().take(URL_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The events after a join and `messages` of the page.
    fn after_join(messages: &[serde_json::Value]) -> Vec<PageEvent> {
        let mut tracker = Tracker::new();
        tracker.join();
        messages
            .iter()
            .filter_map(|message| tracker.read(PageMessage::deserialize(message).unwrap()))
            .collect()
    }

    fn connection(state: &str, reason: Option<&str>) -> serde_json::Value {
        json!({ "type": "connection", "state": state, "reason": reason })
    }

    fn roster(hold: bool, others: usize) -> serde_json::Value {
        json!({ "type": "roster", "hold": hold, "others": others })
    }

    #[test]
    fn a_refusals_url_has_no_query() {
        let url = "https://applications.zoom.us/sdkhelper/auth?sdkToken=planted";
        let events =
            after_join(&[json!({ "type": "refused", "code": 3051, "reason": "Require login", "url": url })]);
        let url = Some("https://applications.zoom.us/sdkhelper/auth".to_owned());
        assert_eq!(events, [PageEvent::Refused { code: 3051, reason: "Require login".to_owned(), url }]);
    }

    #[test]
    fn the_waiting_room_is_not_the_meeting() {
        let events = after_join(&[
            connection("Connected", None),
            roster(true, 0),
            roster(false, 2),
            roster(false, 2),
            roster(false, 3),
            connection("Closed", Some("kicked by host")),
            connection("Closed", Some("kicked by host")),
        ]);
        assert_eq!(
            events,
            [
                PageEvent::Connected,
                PageEvent::WaitingRoom,
                PageEvent::InMeeting { participants: 2 },
                PageEvent::Participants { others: 3 },
                PageEvent::Ended { reason: "kicked by host".to_owned(), on_hold: false },
            ]
        );
    }

    #[test]
    fn a_failed_reconnection_depends_on_where_the_bot_was() {
        let fail = || json!({ "type": "refused", "reason": "gone", "code": 4004 });
        let lost = || connection("Reconnecting", Some("failover"));
        let from_meeting = after_join(&[connection("Connected", None), roster(false, 0), lost(), fail()]);
        assert_eq!(from_meeting.last(), Some(&PageEvent::Failed { code: 4004, reason: "gone".to_owned() }));
        let from_waiting_room = after_join(&[connection("Connected", None), roster(true, 0), lost(), fail()]);
        assert!(matches!(from_waiting_room.last(), Some(PageEvent::Refused { code: 4004, .. })));
    }

    #[test]
    fn a_reconnect_is_reported_like_a_join() {
        let events = after_join(&[
            connection("Connected", None),
            roster(false, 1),
            connection("Reconnecting", Some("failover")),
            connection("Connected", None),
            roster(false, 1),
        ]);
        assert_eq!(events[3..], [PageEvent::Connected, PageEvent::InMeeting { participants: 1 }]);
    }

    #[test]
    fn a_close_after_leave_counts_as_left_unless_it_has_a_reason() {
        let leaving = || json!({ "type": "leaving" });
        let left = || json!({ "type": "left" });
        let here = [connection("Connected", None), roster(true, 0)];
        let events = after_join(&[&here[..], &[leaving(), connection("Closed", None), left()]].concat());
        assert_eq!(events[2..], [PageEvent::Left]);
        let events = after_join(
            &[&here[..], &[leaving(), connection("Closed", Some("ended by host")), left()]].concat(),
        );
        assert_eq!(events[2..], [PageEvent::Ended { reason: "ended by host".to_owned(), on_hold: true }]);
    }

    #[test]
    fn a_connection_that_closes_without_a_reason_was_dropped() {
        let here = [connection("Connected", None), roster(false, 1)];
        for (message, how) in [
            (connection("Closed", None), "without a reason"),
            (json!({ "type": "vanished" }), "without any event"),
        ] {
            let events = after_join(&[&here[..], &[message]].concat());
            assert_eq!(events[2..], [PageEvent::Dropped { how }]);
        }
    }

    #[test]
    fn the_sdk_may_join_by_itself_after_a_refusal() {
        let events = after_join(&[
            json!({ "type": "refused", "code": 3008, "reason": "Meeting has not started" }),
            connection("Connected", None),
            roster(false, 1),
        ]);
        assert_eq!(events[1..], [PageEvent::Connected, PageEvent::InMeeting { participants: 1 }]);
    }
}
