//! What the simulator's readme marks as inferred or as our own choice, and what the probe does about each: the behaviours that try
//! it, or why nothing does. A test holds the list and the readme equal.

use serde_json::{Value, json};

const CONSENT: &str = "a person who presses Deny has to begin anew";
const TIME: &str = "it would take three months";
const LIMITS: &str = "a probe does not call Zoom until it refuses";
const CHANGES: &str = "it would change or end a user of the account";
const OTHERS: &str = "it needs an app with admin scopes and a second user";
const MEETINGS: &str = "it needs meetings, and scopes that the probe does not ask for";
const EVENTS: &str = "it needs an address that Zoom sends events to";
const JOINS: &str = "a probe joins no meeting";

/// What is done about a row of the readme.
enum Done {
    /// These behaviours try it, as far as they go.
    #[cfg_attr(not(test), expect(dead_code, reason = "the test looks for them in the table of behaviours"))]
    Tried(&'static [&'static str]),
    /// Nothing does: why.
    Not(&'static str),
}

/// The rows, in the words and the order of the readme.
const ROWS: &[(&str, &str, Done)] = &[
    (
        "bad client or redirect: page with a 47xx code, no redirect back",
        "D code, I page",
        Done::Tried(&["consent.bad_redirect", "consent.unknown_app"]),
    ),
    ("Deny: redirect with `error=access_denied`", "I", Done::Not(CONSENT)),
    ("refresh tokens live 90 days from their making", "O, ours that it slides", Done::Not(TIME)),
    (
        "a disabled app looks like a wrong secret; revoking ends the whole grant",
        "ours",
        Done::Tried(&["revoke.by_access_token", "revoke.access_dead", "revoke.again"]),
    ),
    (
        "a limit of requests per second and app on `/oauth/token` (switch, off): 429 with `Retry-After: 1`",
        "ours; O that none is published",
        Done::Not(LIMITS),
    ),
    (
        "limits (switch, off): for each account and label, by the best plan of its users; headers on every answer",
        "D, ours the plan",
        Done::Not(LIMITS),
    ),
    (
        "a limit per second slides over real time, `Retry-After` in seconds; one per day is Zoom's time, from midnight UTC, and says a date",
        "D, O, ours the window",
        Done::Not(LIMITS),
    ),
    ("deactivated and deleted users: grants and ZAKs die at once", "ours", Done::Not(CHANGES)),
    (
        "`/v2/users`: the account's, for `:admin` scopes and server-to-server apps; by id",
        "D, ours the order",
        Done::Not(OTHERS),
    ),
    (
        "`/v2/users/{who}/meetings` (scheduled, live, upcoming; create), `/v2/meetings/{id}` (read, change, delete); 404/3001, 400/3002",
        "D, I what is in which list",
        Done::Not(MEETINGS),
    ),
    (
        "`POST /v2/users`: `custCreate` and its like; 409/1005",
        "D, ours that nobody has to confirm",
        Done::Not(CHANGES),
    ),
    (
        "pages: `page_size` 1 to 300, `next_page_token` good for 15 minutes and its own list",
        "D, ours the token",
        Done::Not(MEETINGS),
    ),
    (
        "a meeting's `start_url` holds a ZAK of its host; local times need the system's time zones; occurrences are left out",
        "D, ours the rest",
        Done::Not(MEETINGS),
    ),
    (
        "a user's `pmi` is a number; its room is there once a meeting with that number is made",
        "ours",
        Done::Not(MEETINGS),
    ),
    (
        "`type=onbehalf`: two hours or `ttl`, bound to `meeting_id` when given, works once (switch)",
        "D, ours the form",
        Done::Tried(&["obf.form"]),
    ),
    (
        "join tokens are the host's: others get 400/200, as do Basic plans; 400/3000 where the host has switched local recording off",
        "D the errors, ours which is which",
        Done::Not(MEETINGS),
    ),
    ("the timestamp is in seconds, and each attempt is signed anew", "D, I", Done::Not(EVENTS)),
    (
        "an address that never passed gets no event; a later failure is only noted",
        "I, ours",
        Done::Not(EVENTS),
    ),
    (
        "200 or 204 within 3 s, else again after 5, 20 and 60 minutes, then dropped",
        "D; I that each counts from the attempt before",
        Done::Not(EVENTS),
    ),
    (
        "`app_deauthorized` when a user removes a published app; comes unsubscribed; the app's own revocation is not told",
        "D, ours the last",
        Done::Not(EVENTS),
    ),
    (
        "`user.created`, `.activated`, `.deactivated`, `.deleted`, `.updated` to apps of the user's account and those with a grant",
        "D, I to whom",
        Done::Not(EVENTS),
    ),
    ("who is in the waiting room has not joined; who is put there has left", "I", Done::Not(EVENTS)),
    ("which step says what, and the order of the rules (switch)", "ours", Done::Not(JOINS)),
    (
        "external meetings: unpublished app 4011, no ZAK or OBF 4012 (with a join token 4013)",
        "D, I the last",
        Done::Not(JOINS),
    ),
    (
        "who vouches and is put into the waiting room has left; a reconnect costs neither of them their place",
        "ours",
        Done::Not(JOINS),
    ),
    ("a token that was used brings the same stay back after its line broke", "I", Done::Not(JOINS)),
    ("duplicates: refused with 4008, replaced, or let in (switch)", "O, ours the default", Done::Not(JOINS)),
    (
        "a meeting's options (`meetingOptions`): reactions, chat, captions and full transcript on, breakout rooms off, local recording as the host has it",
        "O the names, I the values",
        Done::Not(JOINS),
    ),
    (
        "one screen at a time; who comes later learns who speaks and whose screen is shown",
        "I",
        Done::Not(JOINS),
    ),
    ("active speakers", "O the frame, I when Zoom sends it", Done::Not(JOINS)),
    (
        "recording in the cloud: on, paused, off",
        "O the frame, I that who comes later is told",
        Done::Not(JOINS),
    ),
    ("a message has at most 4096 characters; the last 1000 are kept", "I, ours", Done::Not(JOINS)),
    (
        "captions of speech recognition: new, grown, final; only for who has asked (switch)",
        "O the frames, I that one has to ask",
        Done::Not(JOINS),
    ),
    (
        "a host who has disabled captions: 8011, and none come; an account without them has none of their options",
        "O the frame and names, I the rest",
        Done::Not(JOINS),
    ),
    (
        "breakout rooms: who is in another one is neither seen nor heard; moves into a room and back, by the SDK's own rejoin",
        "O the frames and the rejoin, I who sees whom",
        Done::Not(JOINS),
    ),
    (
        "a move is one stay: it passes the waiting room and keeps `zoomID` and `userGUID` (on the way back by the name)",
        "ours",
        Done::Not(JOINS),
    ),
    (
        "`useWBVideo` (`webrtc_video`): off until a meeting says otherwise",
        "O, I which Zoom says",
        Done::Not(JOINS),
    ),
    (
        "registration: `tk` in the link; without, or with a wrong one, 3099",
        "D, I that meetings say 3099 as webinars do",
        Done::Not(JOINS),
    ),
    (
        "signed-in hosts and panelists need no `tk`; who registers again gets another",
        "D the host, I the rest",
        Done::Not(JOINS),
    ),
    (
        "webinar: `isWebinar`, an e-mail address is asked for (3000 with that text, SDK 3005); panelists 3135 and 3032, the host's own 3027",
        "O the codes, I when",
        Done::Not(JOINS),
    ),
    (
        "captcha 3110; too many joins 3634; blocked 13301",
        "O what the SDK makes of them, I the codes of the last two and when Zoom says any",
        Done::Not(JOINS),
    ),
    (
        "any code at either step, for what no setting leads to (`refusal`)",
        "O what the SDK makes of it, ours when",
        Done::Not(JOINS),
    ),
    ("a webinar's 3099 names another page than a meeting's", "I", Done::Not(JOINS)),
    (
        "ends: by the host 8, a free plan's limit 10, no host 11, one left 12, archive 14",
        "O the SDK's names, ours when",
        Done::Not(JOINS),
    ),
    (
        "a client that leaves 1024 frames unread loses its socket; a frame from it has at most 1 MiB",
        "ours",
        Done::Not(JOINS),
    ),
    ("who is on hold is seen by hosts only; a reconnect skips the waiting room", "I", Done::Not(JOINS)),
    ("a meeting that is not held open stops running when it is empty", "I", Done::Not(JOINS)),
    (
        "a cut line: sockets close, and nothing of those it concerns gets through, for as long as told; Zoom may go on showing them",
        "ours, I the last",
        Done::Not(JOINS),
    ),
];

/// For the report: what nobody has looked at, and why.
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

    /// What and mark of the rows that are not sure.
    fn unsure() -> Vec<(&'static str, &'static str)> {
        let rows = README.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        let rows = rows.filter_map(|row| row.rsplit_once(" | "));
        let is_unsure = |mark: &str| {
            mark.split(|letter: char| !letter.is_ascii_alphabetic()).any(|word| ["I", "ours"].contains(&word))
        };
        rows.filter(|(_, mark)| is_unsure(mark)).collect()
    }

    #[test]
    fn each_row_of_the_readme_that_is_not_sure_is_tried_or_has_a_reason() {
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
