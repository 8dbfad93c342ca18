//! What the simulator's README marks as inferred or as our own choice, and for each the behaviours that test it, or the
//! reason why nothing does. A test keeps the list and the README equal.

use serde_json::{Value, json};

const CONSENT: &str = "a person who presses Deny must start again";
const TIME: &str = "it would take three months";
const LIMITS: &str = "a probe does not exhaust Zoom's limits";
const CHANGES: &str = "it would change or end a user of the account";
const OTHERS: &str = "it needs an app with admin scopes and a second user";
const MEETINGS: &str = "it needs meetings, and scopes that the probe does not request";
const EVENTS: &str = "it needs a URL that Zoom sends events to";
const JOINS: &str = "a probe joins no meeting";

/// How a row of the README is handled.
enum Done {
    /// These behaviours test it, as far as possible.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the test reads the ids"))]
    Tried(&'static [&'static str]),
    /// Nothing tests it, with the reason.
    Not(&'static str),
}

/// The rows, with the text and in the order of the README.
const ROWS: &[(&str, &str, Done)] = &[
    (
        "bad client or redirect: page with a 47xx code, no redirect back",
        "D code, I page",
        Done::Tried(&["consent.bad_redirect", "consent.unknown_app"]),
    ),
    ("Deny: redirect with `error=access_denied`", "I", Done::Not(CONSENT)),
    (
        "refresh tokens are valid for 90 days after they were issued",
        "O, ours that it slides",
        Done::Not(TIME),
    ),
    (
        "a disabled app gets the same error as a wrong secret; revoking a token ends the whole grant",
        "ours",
        Done::Tried(&["revoke.by_access_token", "revoke.access_dead", "revoke.again"]),
    ),
    (
        "a limit of requests per second and app on `/oauth/token` (switch, off): 429 with `Retry-After: 1`",
        "ours; O that none is published",
        Done::Not(LIMITS),
    ),
    (
        "rate limits (switch, off): for each account and label, by the best plan of its users; headers in every answer",
        "D, ours the plan",
        Done::Not(LIMITS),
    ),
    (
        "a per-second limit has a sliding window of real time, and `Retry-After` is in seconds; a daily limit counts from midnight UTC of Zoom's time, and `Retry-After` is a date",
        "D, O, ours the window",
        Done::Not(LIMITS),
    ),
    ("deactivated and deleted users: grants and ZAKs become invalid at once", "ours", Done::Not(CHANGES)),
    (
        "`/v2/users`: the account's users, for `:admin` scopes and server-to-server apps; ordered by id",
        "D, ours the order",
        Done::Not(OTHERS),
    ),
    (
        "`/v2/users/{who}/meetings` (scheduled, live, upcoming; create), `/v2/meetings/{id}` (read, change, delete); 404/3001, 400/3002",
        "D, I which meetings are in which list",
        Done::Not(MEETINGS),
    ),
    (
        "`POST /v2/users`: `custCreate` and the other actions; 409/1005",
        "D, ours that no confirmation is needed",
        Done::Not(CHANGES),
    ),
    (
        "pages: `page_size` 1 to 300; a `next_page_token` is valid for 15 minutes and for its own list",
        "D, ours the token",
        Done::Not(MEETINGS),
    ),
    (
        "a meeting's `start_url` contains a ZAK of its host; local times need the system's time zones; occurrences are not simulated",
        "D, ours the rest",
        Done::Not(MEETINGS),
    ),
    (
        "a user's `pmi` is a number; its meeting exists once a meeting with that number is created",
        "ours",
        Done::Not(MEETINGS),
    ),
    (
        "`type=onbehalf`: valid for two hours or `ttl`, bound to `meeting_id` if given, works once (switch)",
        "D, ours the form",
        Done::Tried(&["obf.form"]),
    ),
    (
        "only the host can issue join tokens: others get 400/200, as do Basic plans; 400/3000 if the host has switched local recording off",
        "D the errors, ours which is which",
        Done::Not(MEETINGS),
    ),
    ("the timestamp is in seconds, and each attempt has a new signature", "D, I", Done::Not(EVENTS)),
    (
        "a URL that has never passed validation gets no events; a later failure is only recorded",
        "I, ours",
        Done::Not(EVENTS),
    ),
    (
        "delivered with 200 or 204 within 3 s, otherwise retried after 5, 20 and 60 minutes, then dropped",
        "D; I that each pause counts from the previous attempt",
        Done::Not(EVENTS),
    ),
    (
        "`app_deauthorized` when a user removes a published app, without a subscription; there is no event for the app's own revocation",
        "D, ours the last",
        Done::Not(EVENTS),
    ),
    (
        "`user.created`, `.activated`, `.deactivated`, `.deleted`, `.updated` to apps of the user's account and to apps with a grant of the user",
        "D, I to whom",
        Done::Not(EVENTS),
    ),
    (
        "a participant in the waiting room has not joined; one who is moved there has left",
        "I",
        Done::Not(EVENTS),
    ),
    ("which step sends which code, and the order of the rules (switch)", "ours", Done::Not(JOINS)),
    (
        "external meetings: unpublished app 4011, no ZAK or OBF 4012 (with a join token 4013)",
        "D, I the last",
        Done::Not(JOINS),
    ),
    (
        "an authoriser who is moved into the waiting room has left; a reconnect removes neither the authoriser nor the bot",
        "ours",
        Done::Not(JOINS),
    ),
    ("a used token lets the same stay rejoin after its connection broke", "I", Done::Not(JOINS)),
    (
        "a duplicate join is refused with 4008, replaces the first, or is admitted (switch)",
        "O, ours the default",
        Done::Not(JOINS),
    ),
    (
        "a meeting's options (`meetingOptions`): reactions, chat, captions and full transcript on, breakout rooms off, local recording as the host's setting",
        "O the names, I the values",
        Done::Not(JOINS),
    ),
    (
        "one shared screen at a time; a later participant receives the active speakers and the shared screen",
        "I",
        Done::Not(JOINS),
    ),
    ("active speakers", "O the frame, I when Zoom sends it", Done::Not(JOINS)),
    (
        "recording in the cloud: on, paused, off",
        "O the frame, I that a later participant receives it",
        Done::Not(JOINS),
    ),
    ("a message has at most 4096 characters; the last 1000 are stored", "I, ours", Done::Not(JOINS)),
    (
        "captions of speech recognition: new, updated, final; only for participants who asked (switch)",
        "O the frames, I that a participant must ask",
        Done::Not(JOINS),
    ),
    (
        "if the host has disabled captions: 8011, and no captions are sent; an account without captions has none of their options",
        "O the frame and names, I the rest",
        Done::Not(JOINS),
    ),
    (
        "breakout rooms: participants in another room are neither seen nor heard; moves into a room and back, by the SDK's own rejoin",
        "O the frames and the rejoin, I who sees whom",
        Done::Not(JOINS),
    ),
    (
        "a move continues the same stay: it skips the waiting room and keeps `zoomID` and `userGUID` (on the way back matched by the name)",
        "ours",
        Done::Not(JOINS),
    ),
    ("`useWBVideo` (`webrtc_video`): off by default", "O, I which value Zoom sends", Done::Not(JOINS)),
    (
        "registration: `tk` in the link; 3099 without one or with a wrong one",
        "D, I that meetings send 3099 as webinars do",
        Done::Not(JOINS),
    ),
    (
        "signed-in hosts and panelists need no `tk`; registering again issues another one",
        "D the host, I the rest",
        Done::Not(JOINS),
    ),
    (
        "webinar: `isWebinar`; an e-mail address is required (3000 with that text, SDK 3005); panelists' addresses 3135 and 3032, the host's own 3027",
        "O the codes, I when",
        Done::Not(JOINS),
    ),
    (
        "captcha 3110; too many joins 3634; blocked 13301",
        "O the SDK's reaction, I the codes of the last two and when Zoom sends them",
        Done::Not(JOINS),
    ),
    (
        "any code at either step, for codes that no other setting produces (`refusal`)",
        "O the SDK's reaction, ours when",
        Done::Not(JOINS),
    ),
    ("a webinar's 3099 has the URL of another page than a meeting's", "I", Done::Not(JOINS)),
    (
        "end reasons: by the host 8, a free plan's limit 10, no host 11, one left 12, archive 14",
        "O the SDK's names, ours when",
        Done::Not(JOINS),
    ),
    (
        "the socket of a client with 1024 unread frames is closed; a frame from a client has at most 1 MiB",
        "ours",
        Done::Not(JOINS),
    ),
    ("only hosts see participants on hold; a reconnect skips the waiting room", "I", Done::Not(JOINS)),
    ("a meeting that is not held open stops running when it is empty", "I", Done::Not(JOINS)),
    (
        "a network cut: sockets close, and nothing from the affected participants gets through for the given time; Zoom may still show them",
        "ours, I the last",
        Done::Not(JOINS),
    ),
];

/// For the report: what was not tested, and why.
pub(super) fn not_tried() -> Value {
    let rows = ROWS.iter().filter_map(|(what, mark, done)| match done {
        Done::Tried(_) => None,
        Done::Not(why) => Some(json!({ "what": what, "simulator": mark, "why": why })),
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::behaviours::BEHAVIOURS;

    const README: &str = include_str!("../../../zoom-sim/README.md");

    /// Text and mark of the rows that are not confirmed.
    fn unsure() -> Vec<(&'static str, &'static str)> {
        let rows = README.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        let rows = rows.filter_map(|row| row.rsplit_once(" | "));
        let is_unsure = |mark: &str| {
            mark.split(|letter: char| !letter.is_ascii_alphabetic()).any(|word| ["I", "ours"].contains(&word))
        };
        rows.filter(|(_, mark)| is_unsure(mark)).collect()
    }

    #[test]
    fn each_unconfirmed_row_of_the_readme_is_tested_or_has_a_reason() {
        let unsure = unsure();
        assert!(unsure.len() > 40, "{}", unsure.len());
        let here: Vec<_> = ROWS.iter().map(|(what, mark, _)| (*what, *mark)).collect();
        assert_eq!(here, unsure);
        for (what, _, done) in ROWS {
            if let Done::Tried(ids) = done {
                assert!(!ids.is_empty(), "{what}");
                for id in *ids {
                    assert!(BEHAVIOURS.iter().any(|behaviour| behaviour.id == *id), "{what}: {id}");
                }
            }
        }
        assert!(not_tried().as_array().unwrap().len() > 40);
    }
}
