//! The meaning of the Meeting SDK's errors for a bot.
//!
//! The codes and their meanings are Zoom's (documented, or observed in SDK 6.2.0); the verdicts are ours. Both views
//! of the SDK are covered: the component view, which bots use, and the client view if it has its own codes.

use std::time::Duration;

use model::SubCode;

use crate::prose;

/// The pause after Zoom has reported too many calls (ours).
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// What a bot does after a failed join. If that does not help, the bot ends with the sub code in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinVerdict {
    /// The bot can do nothing about it.
    Fatal(SubCode),
    /// Join again after `pause`, at most [`JoinVerdict::RETRIES`] times, each with a new signature and new tokens.
    Retry {
        /// The sub code if every attempt fails.
        sub_code: SubCode,
        /// How long to wait before each attempt.
        pause: Duration,
    },
    /// Zoom refused the ZAK, OBF or recording token: drop it from every cache, get a new one, join again once.
    NewToken {
        /// The sub code if the new token is refused too.
        sub_code: SubCode,
    },
    /// Zoom refused the app that signed, or its signature: sign with another app, if there is one.
    NewApp {
        /// The sub code if there is no other app.
        sub_code: SubCode,
        /// Zoom gives the same error for a signature from its future, so our clock may be the cause.
        or_clock: bool,
    },
    /// Zoom refused the signature because of its age: sign again once, and check this machine's clock.
    NewSignature {
        /// The sub code if the new signature is refused too.
        sub_code: SubCode,
    },
    /// The host has not started the meeting: join again until the waiting limit. The sub code is then
    /// [`SubCode::MeetingNotStarted`].
    NotStarted,
    /// The meeting has no free place now, or its host is busy: join again, at most every 15 s, until the waiting limit. Each
    /// attempt with an OBF token can send the host an e-mail (observed).
    Wait {
        /// The sub code when the limit is reached.
        sub_code: SubCode,
    },
}

impl JoinVerdict {
    /// The shortest time between two joins, whatever the verdict on the first: the SDK refuses an earlier one with its
    /// own error (documented).
    pub const SPACING: Duration = Duration::from_secs(10);

    /// How often a bot retries after [`JoinVerdict::Retry`].
    pub const RETRIES: u32 = 3;

    /// Whether it is about the app that signed the join.
    pub const fn concerns_the_app(self) -> bool {
        matches!(
            self,
            Self::NewApp { .. } | Self::NewSignature { .. } | Self::Fatal(SubCode::ZoomSdkAppNotPublished)
        )
    }

    /// The sub code of the bot if nothing helps.
    pub const fn sub_code(self) -> SubCode {
        match self {
            Self::NotStarted => SubCode::MeetingNotStarted,
            Self::Fatal(sub_code)
            | Self::Retry { sub_code, .. }
            | Self::NewToken { sub_code }
            | Self::NewApp { sub_code, .. }
            | Self::NewSignature { sub_code }
            | Self::Wait { sub_code } => sub_code,
        }
    }
}

const fn retry(sub_code: SubCode) -> JoinVerdict {
    JoinVerdict::Retry { sub_code, pause: JoinVerdict::SPACING }
}

/// The verdict on a failed join, from the SDK's `errorCode`, its `reason` or `errorMessage`, and the page to which Zoom
/// would send a person.
///
/// `reason` is read only for the two generic codes: 200 (component view) and 1 (client view). An unknown code counts as a
/// temporary fault of Zoom.
pub fn judge(code: i64, reason: &str, page: Option<&str>) -> JoinVerdict {
    match code {
        1 | 200 => of_code(prose::code_behind(reason).or(prose::code_of_page(page)).unwrap_or(code)),
        // The SDK also says "this webinar requires registration" for meetings.
        3099 if prose::is_of_a_webinar(page) => JoinVerdict::Fatal(SubCode::ZoomRegistrationRequired),
        _ => of_code(code),
    }
}

fn of_code(code: i64) -> JoinVerdict {
    let row = VERDICTS.iter().find(|(codes, _)| codes.contains(&code));
    row.map_or(retry(SubCode::ZoomInternalError), |(_, verdict)| *verdict)
}

/// The SDK's codes, by their meaning for a bot.
const VERDICTS: &[(&[i64], JoinVerdict)] = {
    use JoinVerdict::{Fatal, NewApp, NewSignature, NewToken, NotStarted, Retry, Wait};
    use SubCode as S;
    &[
        // Requirements of the meeting.
        (&[3034, 3051, 3052, 3082, 3100, 6024], Fatal(S::MeetingRequiresSignIn)),
        (&[3001, 3610, 3702, 3709], Fatal(S::MeetingNotFound)),
        (&[3703, 3706, 3707], Fatal(S::MeetingLinkInvalid)),
        (&[3008], NotStarted),
        (&[4004, 13208], Fatal(S::MeetingEnded)),
        (&[4005], Wait { sub_code: S::MeetingFull }),
        (&[4006], Wait { sub_code: S::MeetingLocked }),
        (&[3004], Fatal(S::MeetingPasswordIncorrect)),
        (&[3099], Fatal(S::MeetingRequiresRegistration)),
        // A panelist's address without the link of the panelist's invitation.
        (&[3135], Fatal(S::ZoomRegistrationRequired)),
        (&[prose::LINK_EXPIRED], Fatal(S::MeetingLinkExpired)),
        // The server's number for a registration token; both views replace it by their own.
        (&[124], Fatal(S::ZoomTokenExpired)),
        (&[3005], Fatal(S::ZoomEmailRequired)),
        // The host's address; a panelist's address with an attendee's registration.
        (&[3032, 3627], Fatal(S::ZoomInvalidWebinarInvite)),
        (&[3620], Fatal(S::ZoomEmailBlockedByAdmin)),
        // Removed earlier; behind an information barrier.
        (&[3009, 4007], Fatal(S::MeetingNotAccessible)),
        // About the host: another identity, an inactive account, or a host who is busy in another meeting.
        (&[3003, 3624, 3713, 6603], Fatal(S::ZoomMeetingNotAccessible)),
        (&[3625], Fatal(S::ZoomMeetingHostInactive)),
        (&[3000, 3711], Wait { sub_code: S::ZoomAnotherMeetingInProgress }),
        // Joining from browsers is disabled, or not possible for this kind of meeting.
        (&[3603, 3604, 3605, 3606, 3607, 3608, 3609, 3611, 3630, 3701], Fatal(S::ZoomWebDisallowed)),
        // The bot's identity and its tokens.
        (&[prose::ACCOUNT_BLOCKED], Fatal(S::ZoomAccountBlocked)),
        (&[4008], Fatal(S::ZoomErrorMultipleDeviceJoin)),
        (&[3265, 3623], NewToken { sub_code: S::ZoomZakRejected }),
        (&[4012, 4013], Fatal(S::ZoomObfOrZakRequired)),
        (&[4014], NewToken { sub_code: S::ZoomObfRejected }),
        (&[4015], Fatal(S::ZoomObfRejected)),
        (&[4016], NewToken { sub_code: S::ZoomInvalidJoinToken }),
        (&[4017], Wait { sub_code: S::ZoomObfUserNotInMeeting }),
        (&[4019], Fatal(S::ZoomObfUserLeftMeeting)),
        // The app and its signature.
        (&[3704, 3710], NewApp { sub_code: S::ZoomInvalidSignature, or_clock: false }),
        (&[3712], NewApp { sub_code: S::ZoomInvalidSignature, or_clock: true }),
        (&[3705], NewSignature { sub_code: S::ZoomInvalidSignature }),
        (&[4011], Fatal(S::ZoomSdkAppNotPublished)),
        (&[10000], Fatal(S::ZoomSdkUpdateRequired)),
        // Zoom suspects a robot. This is reported and never circumvented.
        (&[3110, 3113, 3634], Fatal(S::ZoomCaptchaRequired)),
        // Temporary faults: too many calls; the connection to Zoom; Zoom itself.
        (&[3633], Retry { sub_code: S::ZoomConnectionFailed, pause: LONG_PAUSE }),
        (&[-3000, 403, 3621, 3622, 3635, 4000, 4001], retry(S::ZoomConnectionFailed)),
        (&[1, 200, 4009], retry(S::ZoomInternalError)),
        // Our bugs: init not called, role missing or wrong, a bad parameter, two identities, joined twice.
        (&[2, 3010, 3708, 4003, 4018, 5012, 5013], Fatal(S::BotErrored)),
    ]
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A verdict as one line of the tables below.
    fn line(verdict: JoinVerdict) -> String {
        let does = match verdict {
            JoinVerdict::Fatal(_) => "fatal",
            JoinVerdict::Retry { pause, .. } if pause == LONG_PAUSE => "retry slowly",
            JoinVerdict::Retry { .. } => "retry",
            JoinVerdict::NewToken { .. } => "new token",
            JoinVerdict::NewApp { or_clock: false, .. } => "new app",
            JoinVerdict::NewApp { or_clock: true, .. } => "new app or clock",
            JoinVerdict::NewSignature { .. } => "new signature",
            JoinVerdict::NotStarted | JoinVerdict::Wait { .. } => "wait",
        };
        format!("{does}: {}", verdict.sub_code())
    }

    #[test]
    fn every_code_of_the_sdk() {
        for (code, meaning, verdict) in [
            (1, "client view, generic", "retry: zoom_internal_error"),
            (2, "init not called", "fatal: bot_errored"),
            (200, "component view, generic", "retry: zoom_internal_error"),
            (403, "service offline", "retry: zoom_connection_failed"),
            (-3000, "connection error", "retry: zoom_connection_failed"),
            (3000, "other meeting in progress", "wait: zoom_another_meeting_in_progress"),
            (3001, "meeting does not exist", "fatal: meeting_not_found"),
            (3610, "meeting does not exist", "fatal: meeting_not_found"),
            (3003, "not the host", "fatal: zoom_meeting_not_accessible"),
            (3004, "wrong passcode", "fatal: meeting_password_incorrect"),
            (3005, "e-mail missing", "fatal: zoom_email_required"),
            (3008, "not started", "wait: meeting_not_started"),
            (3009, "removed earlier", "fatal: meeting_not_accessible"),
            (3010, "role missing", "fatal: bot_errored"),
            (3032, "panelist's address, attendee's registration", "fatal: zoom_invalid_webinar_invite"),
            (3034, "webinar enforces login", "fatal: meeting_requires_sign_in"),
            (3051, "sign-in: any account", "fatal: meeting_requires_sign_in"),
            (3052, "sign-in: given account or domain", "fatal: meeting_requires_sign_in"),
            (6024, "sign-in: SSO", "fatal: meeting_requires_sign_in"),
            (3082, "real name or login", "fatal: meeting_requires_sign_in"),
            (3099, "registration", "fatal: meeting_requires_registration"),
            (3100, "login, panelist e-mail", "fatal: meeting_requires_sign_in"),
            (3110, "captcha", "fatal: zoom_captcha_required"),
            (3113, "captcha", "fatal: zoom_captcha_required"),
            (3135, "panelist without the invitation's link", "fatal: zoom_registration_required"),
            (3265, "token error", "new token: zoom_zak_rejected"),
            (3623, "token error", "new token: zoom_zak_rejected"),
            (3603, "web client unsupported", "fatal: zoom_web_disallowed"),
            (3604, "web client unsupported", "fatal: zoom_web_disallowed"),
            (3606, "webinar unsupported", "fatal: zoom_web_disallowed"),
            (3608, "webinar unsupported", "fatal: zoom_web_disallowed"),
            (3609, "TSP unsupported", "fatal: zoom_web_disallowed"),
            (3701, "web client unsupported", "fatal: zoom_web_disallowed"),
            (3611, "browser join off", "fatal: zoom_web_disallowed"),
            (3620, "e-mail blocked by admin", "fatal: zoom_email_blocked_by_admin"),
            (3621, "no response", "retry: zoom_connection_failed"),
            (3622, "server error", "retry: zoom_connection_failed"),
            (3624, "host e-mail needed to start webinar", "fatal: zoom_meeting_not_accessible"),
            (3625, "host inactive", "fatal: zoom_meeting_host_inactive"),
            (3627, "host's e-mail as attendee", "fatal: zoom_invalid_webinar_invite"),
            (3630, "simulive unsupported", "fatal: zoom_web_disallowed"),
            (3633, "call limit", "retry slowly: zoom_connection_failed"),
            (3634, "frequent join, captcha", "fatal: zoom_captcha_required"),
            (3635, "wasm download", "retry: zoom_connection_failed"),
            (3702, "host not found", "fatal: meeting_not_found"),
            (3709, "host not found", "fatal: meeting_not_found"),
            (3703, "bad meeting number", "fatal: meeting_link_invalid"),
            (3706, "bad meeting number", "fatal: meeting_link_invalid"),
            (3707, "bad meeting number", "fatal: meeting_link_invalid"),
            (3704, "SDK key wrong", "new app: zoom_invalid_signature"),
            (3710, "SDK key disabled", "new app: zoom_invalid_signature"),
            (3705, "signature expired", "new signature: zoom_invalid_signature"),
            (3708, "wrong role", "fatal: bot_errored"),
            (3711, "cannot host another", "wait: zoom_another_meeting_in_progress"),
            (3712, "signature invalid", "new app or clock: zoom_invalid_signature"),
            (3713, "no permission", "fatal: zoom_meeting_not_accessible"),
            (4000, "reconnecting", "retry: zoom_connection_failed"),
            (4001, "disconnected", "retry: zoom_connection_failed"),
            (4003, "bad parameter", "fatal: bot_errored"),
            (4004, "ended", "fatal: meeting_ended"),
            (4005, "full", "wait: meeting_full"),
            (4006, "locked", "wait: meeting_locked"),
            (4007, "information barrier", "fatal: meeting_not_accessible"),
            (4008, "participant already present", "fatal: zoom_error_multiple_device_join"),
            (4009, "internal", "retry: zoom_internal_error"),
            (4011, "external meeting, unpublished app", "fatal: zoom_sdk_app_not_published"),
            (4012, "anonymous refused: ZAK or OBF", "fatal: zoom_obf_or_zak_required"),
            (4013, "OBF missing", "fatal: zoom_obf_or_zak_required"),
            (4014, "OBF invalid", "new token: zoom_obf_rejected"),
            (4015, "OBF of another meeting", "fatal: zoom_obf_rejected"),
            (4016, "recording token expired or invalid", "new token: zoom_invalid_join_token"),
            (4017, "authorised user not in meeting", "wait: zoom_obf_user_not_in_meeting"),
            (4018, "conflict with login: two identities", "fatal: bot_errored"),
            (4019, "authorised user left", "fatal: zoom_obf_user_left_meeting"),
            (5012, "duplicate join", "fatal: bot_errored"),
            (5013, "bad parameter", "fatal: bot_errored"),
            (6603, "SDK key blocked by host's admin", "fatal: zoom_meeting_not_accessible"),
            (10000, "SDK too old", "fatal: zoom_sdk_update_required"),
            (13208, "simulive ended", "fatal: meeting_ended"),
            (987_654, "not in any table", "retry: zoom_internal_error"),
        ] {
            assert_eq!(line(judge(code, "", None)), verdict, "{code} ({meaning})");
        }
    }

    #[test]
    fn the_component_views_200_is_distinguished_by_its_text() {
        for (text, verdict) in [
            ("Token error", "new token: zoom_zak_rejected"),
            ("The signature has expired.", "new signature: zoom_invalid_signature"),
            ("Invalid signature.", "new app or clock: zoom_invalid_signature"),
            ("The api key is wrong.", "new app: zoom_invalid_signature"),
            ("The meeting number is not found.", "fatal: meeting_link_invalid"),
            ("Token has expired.", "fatal: zoom_token_expired"),
            ("Meeting does not exist.", "fatal: meeting_not_found"),
            ("Meeting host is inactive.", "fatal: zoom_meeting_host_inactive"),
            ("Email is blocked by Administrator.", "fatal: zoom_email_blocked_by_admin"),
            ("Be removed.", "fatal: meeting_not_accessible"),
            ("Require login", "fatal: meeting_requires_sign_in"),
            ("Denied register use panelist email.", "fatal: zoom_invalid_webinar_invite"),
            ("require tk parameter to join as a panelist", "fatal: zoom_registration_required"),
            ("This meeting link has expired.", "fatal: meeting_link_expired"),
            ("The meeting has expired", "fatal: meeting_link_expired"),
            ("Your account has been blocked. Sign in with another one.", "fatal: zoom_account_blocked"),
            (
                "Your admin has restricted the account you are able to join meetings from.",
                "fatal: zoom_account_blocked",
            ),
            (
                "Join failed because this Meeting SDK key is blocked by the host's account admin.",
                "fatal: zoom_meeting_not_accessible",
            ),
            ("Bot cannot join meeting: owner is not in the meeting", "wait: zoom_obf_user_not_in_meeting"),
            ("You be limit by zoom, need to check recaptcha.", "fatal: zoom_captcha_required"),
            ("connection error", "retry: zoom_connection_failed"),
            ("Fail to join the meeting.", "retry: zoom_internal_error"),
            ("Une erreur est survenue.", "retry: zoom_internal_error"),
        ] {
            assert_eq!(line(judge(200, text, None)), verdict, "{text}");
        }
    }

    #[test]
    fn the_page_for_people_distinguishes_what_the_text_does_not() {
        let page = |code, page| line(judge(code, "Fail to join the meeting.", Some(page)));
        assert_eq!(page(200, "https://zoom.us/captcha"), "fatal: zoom_captcha_required");
        assert_eq!(page(200, "https://zoom.us/elsewhere"), "retry: zoom_internal_error");
        assert_eq!(
            page(3099, "https://us02web.zoom.us/webinar/register/WN_x"),
            "fatal: zoom_registration_required"
        );
        assert_eq!(
            page(3099, "https://zoom.us/meeting/register/tJ0"),
            "fatal: meeting_requires_registration"
        );
    }

    #[test]
    fn the_text_does_not_overrule_a_specific_code() {
        assert_eq!(judge(4006, "Token error", Some("https://zoom.us/captcha")), judge(4006, "", None));
    }

    #[test]
    fn a_code_has_one_verdict() {
        let mut seen = HashSet::new();
        assert!(VERDICTS.iter().flat_map(|(codes, _)| *codes).all(|code| seen.insert(code)));
    }
}
