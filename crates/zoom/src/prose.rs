//! The one place that reads Zoom's prose.
//!
//! In two cases the Meeting SDK for Web gives nothing else (observed, SDK 6.2.0): its component view turns most refusals
//! of its first request into code 200 and passes on the server's English text, and it names the end of a call by a
//! phrase. The page to which it would send a person distinguishes two refusals. Unknown texts are ignored, so a changed
//! wording costs three more attempts to join, or the sub code at the end, but never gives a wrong one.

use model::SubCode;

/// The account of the user who signs in is blocked, by Zoom or by its administrator. The texts have no code in the SDK.
pub(crate) const ACCOUNT_BLOCKED: i64 = -1;
/// The meeting of the link has expired. The texts have no code in the SDK.
pub(crate) const LINK_EXPIRED: i64 = -2;

/// Texts and their codes, in lower case and without a full stop.
///
/// `Token error` and the texts of 37xx were observed in answers. The others are the SDK's own English for the same
/// code; that the server uses the same words is inferred.
const TEXTS: &[(&str, i64)] = &[
    ("token has expired", 124),
    ("the service is temporarily offline", 403),
    ("meeting does not exist", 3001),
    ("you are not the meeting host", 3003),
    ("user email is required", 3005),
    ("be removed", 3009),
    ("denied register use panelist email", 3032),
    ("require tk parameter to join as a panelist", 3135),
    ("token error", 3265),
    ("not support start or join meeting from web", 3603),
    ("email is blocked by administrator", 3620),
    ("no response from web, try again later", 3621),
    ("meeting host is inactive", 3625),
    ("you have reached the api limit for this call", 3633),
    ("you be limit by zoom, need to check recaptcha", 3634),
    ("the meeting host does not exist", 3702),
    ("invalid meeting id", 3703),
    ("the api key is wrong", 3704),
    ("the accounts api key is not valid", 3704),
    ("the signature has expired", 3705),
    ("the meeting number is wrong", 3706),
    ("the meeting number is not found", 3707),
    ("incorrect role", 3708),
    ("the meeting host is not found", 3709),
    ("the accounts api key is deactivated", 3710),
    ("cannot not host another meeting concurrently", 3711),
    ("invalid signature", 3712),
    ("signature is invalid", 3712),
    ("no permission", 3713),
    ("bot cannot join meeting: owner is not in the meeting", 4017),
    ("join failed because this meeting sdk key is blocked by the host's account admin", 6603),
    ("connection error", -3000),
];

/// Phrases that are sufficient in any sentence, for cases in which Zoom has many sentences. The first match decides.
///
/// The phrases about administrators are the SDK's own; that Zoom uses the others is inferred.
const WORDS: &[(&str, i64)] = &[
    ("account has been blocked", ACCOUNT_BLOCKED),
    ("account is blocked", ACCOUNT_BLOCKED),
    ("account has been suspended", ACCOUNT_BLOCKED),
    ("your admin has restricted the account", ACCOUNT_BLOCKED),
    ("your administrator has restricted access", ACCOUNT_BLOCKED),
    ("you are restricted from joining webinars", ACCOUNT_BLOCKED),
    ("meeting link has expired", LINK_EXPIRED),
    ("meeting has expired", LINK_EXPIRED),
    ("webinar has expired", LINK_EXPIRED),
    ("captcha", 3634),
    ("login", 3051),
    ("log in", 3051),
    ("sign in", 3051),
];

/// The SDK's phrases for why its connection closed.
const ENDS: &[(&str, Closed)] = {
    use Closed::{Lost, Over};
    &[
        ("ended by host", Over(SubCode::CallEndedByHost)),
        ("free meeting ended", Over(SubCode::CallEndedByPlatformMaxLength)),
        // The phrase for ends without their own phrase. The SDK's list has names for the numbers: the host did not come
        // (`JBHTimeout`); one participant is left (`EndBySingleStatus`); `WebinarNeedRegister`.
        (HOST_NEVER_CAME, Over(SubCode::CallEndedByPlatformIdle)),
        ("unknown reason: 12", Over(SubCode::CallEndedByPlatformIdle)),
        ("unknown reason: 13", Over(SubCode::ZoomRegistrationRequired)),
        ("duplicated session", Over(SubCode::ZoomErrorMultipleDeviceJoin)),
        ("bot user kicked due to master leaving", Over(SubCode::ZoomObfUserLeftMeeting)),
        ("archive failed", Over(SubCode::ZoomInternalError)),
        // Zoom's own server at the other end of the connection.
        ("rsgw ended", Lost(SubCode::ZoomConnectionFailed)),
    ]
};

const HOST_NEVER_CAME: &str = "unknown reason: 11";

/// The meaning of a closed connection for a bot in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A decision, or an unknown reason of Zoom: the call is over for the bot.
    Over(SubCode),
    /// A failure; the meeting continues. If the bot can't return, it ends with this sub code.
    Lost(SubCode),
}

/// The code of the server's `text`.
pub(crate) fn code_behind(text: &str) -> Option<i64> {
    let text = plain(text);
    let whole = TEXTS.iter().find(|(known, _)| *known == text);
    let part = || WORDS.iter().find(|(word, _)| text.contains(word));
    whole.or_else(part).map(|(_, code)| *code)
}

/// The code of the page for people: for a captcha the SDK has no text (observed).
pub(crate) fn code_of_page(page: Option<&str>) -> Option<i64> {
    page.filter(|page| page.to_ascii_lowercase().contains("captcha")).map(|_| 3110)
}

/// Whether the page for people is of a webinar.
pub(crate) fn is_of_a_webinar(page: Option<&str>) -> bool {
    page.is_some_and(|page| page.split('/').any(|part| part == "webinar"))
}

/// Why a connection closed: the `reason` of the SDK's `Closed`.
///
/// Some ends have the same phrase for the meeting and its waiting room, so the caller says whether the bot `was_waiting`
/// to be admitted.
pub fn judge_end(reason: &str, was_waiting: bool) -> Closed {
    let reason = plain(reason);
    if reason == "kicked by host" {
        return Closed::Over(if was_waiting {
            SubCode::BotKickedFromWaitingRoom
        } else {
            SubCode::BotKickedFromCall
        });
    }
    if reason == HOST_NEVER_CAME && was_waiting {
        return Closed::Over(SubCode::CallEndedByPlatformWaitingRoomTimeout);
    }
    let known = ENDS.iter().find(|(known, _)| *known == reason);
    known.map_or(Closed::Over(SubCode::ZoomInternalError), |(_, closed)| *closed)
}

fn plain(text: &str) -> String {
    text.trim().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_recognised_whatever_its_case_and_full_stop() {
        assert_eq!(code_behind("Token error"), Some(3265));
        assert_eq!(code_behind(" The signature has expired. "), Some(3705));
        assert_eq!(code_behind("This webinar requires you to log in"), Some(3051));
        assert_eq!(code_behind("Fail to join the meeting."), None);
        assert_eq!(code_behind(""), None);
    }

    #[test]
    fn every_end_that_the_sdk_names() {
        for (reason, was_waiting, sub_code) in [
            ("kicked by host", false, "bot_kicked_from_call"),
            ("kicked by host", true, "bot_kicked_from_waiting_room"),
            ("ended by host", false, "call_ended_by_host"),
            ("free meeting ended", false, "call_ended_by_platform_max_length"),
            ("unknown reason: 11", false, "call_ended_by_platform_idle"),
            ("unknown reason: 11", true, "call_ended_by_platform_waiting_room_timeout"),
            ("unknown reason: 12", false, "call_ended_by_platform_idle"),
            ("unknown reason: 13", false, "zoom_registration_required"),
            ("unknown reason: 99", false, "zoom_internal_error"),
            ("duplicated session", false, "zoom_error_multiple_device_join"),
            ("bot user kicked due to master leaving", false, "zoom_obf_user_left_meeting"),
            ("archive failed", false, "zoom_internal_error"),
            ("user request", false, "zoom_internal_error"),
            ("", false, "zoom_internal_error"),
        ] {
            let over = Closed::Over(sub_code.parse().unwrap());
            assert_eq!(judge_end(reason, was_waiting), over, "{reason:?}");
        }
        assert_eq!(judge_end("RSGW ended", false), Closed::Lost(SubCode::ZoomConnectionFailed));
    }

    #[test]
    fn the_tables_are_in_the_form_that_the_search_uses() {
        let texts = TEXTS.iter().chain(WORDS).map(|(text, _)| *text);
        for text in texts.chain(ENDS.iter().map(|(text, _)| *text)) {
            assert_eq!(text, plain(text));
        }
    }
}
