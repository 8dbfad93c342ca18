//! For each sub code: the remedy and who can apply it, and the statuses that it occurs with. The message of a step.

use std::fmt::Write as _;

use crate::{BotStatus, SubCode};

/// Who can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The meeting's host, or an administrator of the host's Zoom account.
    Host,
    /// The program or person that created the bot.
    Caller,
    /// The owner of the Zoom account that the bot signs in with.
    AccountOwner,
    /// The person who runs Latchkey.
    Operator,
    /// No person: it is the normal course of a meeting, or temporary.
    NoOne,
}

impl Actor {
    /// The name in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Caller => "caller",
            Self::AccountOwner => "account owner",
            Self::Operator => "operator",
            Self::NoOne => "–",
        }
    }

    /// The introduction of advice that is not for the reader of the message, who is the caller.
    const fn introduction(self) -> &'static str {
        match self {
            Self::Host => "What the host can do: ",
            Self::AccountOwner => "What the account's owner can do: ",
            Self::Operator => "What the operator of this server can do: ",
            Self::Caller | Self::NoOne => "",
        }
    }
}

/// Sub codes of Recall that are never sent, and the reason.
const NEVER_SENT: &[(&[&str], &str)] = &[
    (
        &[
            "timeout_exceeded_in_call_recording",
            "timeout_exceeded_recording_permission_denied",
            "zoom_local_recording_disabled",
            "zoom_local_recording_request_disabled",
            "zoom_local_recording_request_disabled_by_host",
            "zoom_local_recording_request_denied_by_host",
            "zoom_local_recording_denied",
            "zoom_local_recording_grant_not_supported",
            "zoom_bot_in_waiting_room",
            "zoom_host_not_present",
            "zoom_sdk_key_blocked_by_host_admin",
        ],
        "bots do not record. A join that the host's administrator refuses to the app is \
         `zoom_meeting_not_accessible`.",
    ),
    (
        &["timeout_exceeded_only_bots_in_call"],
        "it is the older name of the two that begin `timeout_exceeded_only_bots_detected`.",
    ),
    (&["timeout_exceeded_max_duration"], "nothing but `automatic_leave` limits a stay."),
];

/// The statuses of a failed join; `joining_call` if the bot retries.
const JOIN: &[BotStatus] = &[BotStatus::Fatal, BotStatus::JoiningCall];
/// The status of an ended call.
const CALL: &[BotStatus] = &[BotStatus::CallEnded];
/// Zoom reports it for joins and for calls.
const EITHER: &[BotStatus] = &[BotStatus::Fatal, BotStatus::CallEnded, BotStatus::JoiningCall];
/// The bot joins again.
const AGAIN: &[BotStatus] = &[BotStatus::JoiningCall];

impl SubCode {
    /// The message of a step with this sub code: what happened, and what can be done. `details` is the text of the failure
    /// itself.
    pub fn message(self, details: Option<&str>) -> String {
        let mut message = format!("{} {}", self.about(), self.advice());
        if let Some(details) = details {
            message.push_str(" Details: ");
            message.push_str(details);
        }
        message
    }

    /// What can be done, addressed to the caller.
    pub fn advice(self) -> String {
        let (who, cure) = self.remedy();
        format!("{}{cure}", who.introduction())
    }

    /// The statuses that it occurs with.
    pub const fn stands_with(self) -> &'static [BotStatus] {
        match self {
            Self::CallEndedByHost
            | Self::CallEndedByPlatformMaxLength
            | Self::CallEndedByPlatformIdle
            | Self::CallEndedByPlatformWaitingRoomTimeout
            | Self::BotKickedFromCall
            | Self::BotKickedFromWaitingRoom
            | Self::BotReceivedLeaveCall
            | Self::TimeoutExceededWaitingRoom
            | Self::TimeoutExceededNooneJoined
            | Self::TimeoutExceededEveryoneLeft
            | Self::TimeoutExceededInCallNotRecording
            | Self::TimeoutExceededSilenceDetected
            | Self::TimeoutExceededOnlyBotsDetectedUsingParticipantNames
            | Self::TimeoutExceededOnlyBotsDetectedUsingParticipantEvents => CALL,
            Self::MeetingEnded | Self::ZoomInternalError | Self::ZoomObfUserLeftMeeting => EITHER,
            Self::BotServerLost | Self::BotHandedOver => AGAIN,
            _ => JOIN,
        }
    }

    /// Who can do something about it, and the remedy.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub const fn remedy(self) -> (Actor, &'static str) {
        use Actor::{AccountOwner, Caller, Host, NoOne, Operator};
        match self {
            Self::MeetingRequiresSignIn => (
                Caller,
                "Connect a Zoom account and pass `zoom.credential`, or pass `zoom.pool` or `zoom.zak_url`. \
                 If the host admits only users of some domains, the account must be one of them.",
            ),
            Self::MeetingNotFound => (Caller, "Check the meeting's number; the host may have deleted it."),
            Self::MeetingLinkInvalid => (Caller, "Take the link from the host's invitation."),
            Self::MeetingLinkExpired => (
                Caller,
                "Ask the host for a new link: Zoom lets a meeting expire some time after its last use.",
            ),
            Self::MeetingNotStarted => (
                Host,
                "Start the meeting, or let participants join before the host. With the host's own \
                 account, `zoom.start_meeting` starts it.",
            ),
            Self::MeetingEnded => (Caller, "Send a new bot if the meeting goes on."),
            Self::MeetingLocked => (Host, "Unlock the meeting, then send a new bot."),
            Self::MeetingFull => (Host, "A participant has to leave, or the host needs a larger plan."),
            Self::MeetingPasswordIncorrect => {
                (Caller, "Take the whole link with its `pwd` from the invitation.")
            }
            Self::MeetingRequiresRegistration => (
                Caller,
                "Register the bot's e-mail address, and pass the personal link from the confirmation: \
                 it carries a `tk`.",
            ),
            Self::ZoomRegistrationRequired => (
                Caller,
                "Register the bot's e-mail address for the webinar, and pass the personal link from the \
                 confirmation: it carries a `tk`. A panelist has the link of the panelist's invitation.",
            ),
            Self::MeetingNotAccessible => (
                Host,
                "Let removed participants rejoin (a setting of the host's account), or lift the \
                 information barrier.",
            ),
            Self::ZoomAccountBlocked => (
                AccountOwner,
                "Have an administrator of that Zoom account unblock the user, or sign the bot in with another \
                 account.",
            ),
            Self::ZoomErrorMultipleDeviceJoin => (
                Caller,
                "Use another account, or a pool, which gives each bot of a meeting an account of its own.",
            ),
            Self::ZoomObfUserNotInMeeting => {
                (AccountOwner, "Join the meeting first: the bot is admitted while you are in it.")
            }
            Self::ZoomSdkAppNotPublished => {
                (Operator, "Publish the Zoom app, or sign in with an account of the host's organisation.")
            }
            Self::ZoomInvalidJoinToken => (Caller, "Have `zoom.join_token_url` answer with a fresh token."),
            Self::ZoomTokenExpired => (Caller, "Register again: a `tk` is good for a limited time."),
            Self::ZoomInvalidSignature => (
                Operator,
                "Check that the Meeting SDK is switched on in the Zoom app, its id and secret, and this \
                 server's clock (`/readyz`).",
            ),
            Self::ZoomSdkCredentialsMissing => (
                Operator,
                "Register a Zoom app with the Meeting SDK switched on. A server-to-server app cannot sign.",
            ),
            Self::ZoomSdkUpdateRequired => (Operator, "Update Latchkey, and with it Zoom's SDK."),
            Self::ZoomEmailRequired => (Caller, "Pass `zoom.user_email`."),
            Self::ZoomInvalidWebinarInvite => {
                (Caller, "Pass an address in `zoom.user_email` that is neither the host's nor a panelist's.")
            }
            Self::ZoomEmailBlockedByAdmin => (Host, "Unblock the address, or use another one."),
            Self::ZoomWebDisallowed => {
                (Host, "Allow joining from a browser, and switch end-to-end encryption off for this meeting.")
            }
            Self::ZoomCaptchaRequired => {
                (Caller, "Sign the bot in: Zoom asks guests for a captcha. Latchkey does not solve captchas.")
            }
            Self::ZoomAnotherMeetingInProgress => (Host, "End the other meeting, then send a new bot."),
            Self::ZoomMeetingHostInactive => (Host, "Reactivate the host's Zoom account."),
            Self::ZoomMeetingNotAccessible => {
                (Host, "Allow this Zoom app in the host's account; an administrator can.")
            }
            Self::ZoomConnectionFailed | Self::ZoomJoinTimeout | Self::ZoomInternalError => (
                Operator,
                "Send a new bot. If it happens again, check the server's connection to Zoom and Zoom's \
                 status page.",
            ),
            Self::FailedToLaunchInTime => (
                Operator,
                "Give the servers more `bots.capacity` or more servers, and look at `/readyz`: Chromium \
                 may not start.",
            ),
            Self::BotErrored => (Operator, "Look at the server's log for the bot's id, and report it."),
            Self::ZoomZakCallbackFailed => {
                (Caller, "Have `zoom.zak_url` answer 200 with a ZAK as plain text.")
            }
            Self::ZoomZakRejected => (
                Caller,
                "Have `zoom.zak_url` answer with a ZAK that is minted for each call. If it came from an \
                     account that is connected here, connect the account again.",
            ),
            Self::ZoomObfCallbackFailed => {
                (Caller, "Have `zoom.obf_token_url` answer 200 with an OBF token as plain text.")
            }
            Self::ZoomObfRejected => (
                Caller,
                "Have `zoom.obf_token_url` answer with an OBF token of this meeting, minted for each call. If \
                 it came from an account that is connected here, connect the account again.",
            ),
            Self::ZoomObfOrZakRequired => (
                Caller,
                "Pass a ZAK (`zoom.credential`) or an OBF token (`zoom.obf_credential`): guests of SDK \
                 apps are not admitted.",
            ),
            Self::ZoomPoolFull => (Caller, "Add accounts to the pool, or wait until a bot of it has left."),
            Self::ZoomCredentialUnhealthy => {
                (AccountOwner, "Connect the account again: its owner opens a connect link.")
            }
            Self::BotServerLost | Self::BotHandedOver => {
                (NoOne, "The bot joins again by itself, on this or another server.")
            }
            Self::BotKickedFromCall | Self::BotKickedFromWaitingRoom => {
                (Host, "Admit the bot next time. It does not come back by itself.")
            }
            Self::TimeoutExceededWaitingRoom => (
                Host,
                "Admit the bot, or let signed-in users pass the waiting room. \
                 `automatic_leave.waiting_room_timeout` is how long the bot waits.",
            ),
            Self::CallEndedByPlatformWaitingRoomTimeout => {
                (Host, "Come to the meeting and admit the bot; then send a new bot.")
            }
            Self::ZoomObfUserLeftMeeting => (AccountOwner, "Stay in the meeting as long as the bot should."),
            Self::CallEndedByHost
            | Self::CallEndedByPlatformMaxLength
            | Self::CallEndedByPlatformIdle
            | Self::BotReceivedLeaveCall => (NoOne, "It is a usual end."),
            Self::TimeoutExceededNooneJoined
            | Self::TimeoutExceededEveryoneLeft
            | Self::TimeoutExceededInCallNotRecording
            | Self::TimeoutExceededSilenceDetected
            | Self::TimeoutExceededOnlyBotsDetectedUsingParticipantNames
            | Self::TimeoutExceededOnlyBotsDetectedUsingParticipantEvents => {
                (Caller, "It is a usual end. `automatic_leave` has the times.")
            }
        }
    }
}

/// `docs/sub-codes.md`.
pub fn sub_codes_page() -> String {
    let mut page = "\
# Sub codes

Why a bot could not join, or why it left: `sub_code` in the last entries of `status_changes`. New
ones may be added, so clients must accept ones that they do not know. The `message` next to a sub
code says what happened, what can be done, and the details.

This page is printed by `latchkey sub-codes`, from `model/src/bot.rs` and
`model/src/sub_code_remedy.rs`.

## The states of a bot

A bot takes no other step than these: the store refuses it.

| status | what it means | what may follow |
|---|---|---|
"
    .to_owned();
    for status in BotStatus::ALL {
        let next = words(status.next());
        let next = if next.is_empty() { "nothing" } else { &next };
        let _ = writeln!(page, "| `{status}` | {} | {next} |", status.about());
    }
    for code in SubCode::ALL {
        let (who, cure) = code.remedy();
        let _ = write!(page, "\n## `{code}`\n\n");
        for line in wrapped(code.about()) {
            page.push_str(&line);
        }
        page.push('\n');
        for line in wrapped(&format!("With {}.", words(code.stands_with()))) {
            page.push_str(&line);
        }
        page.push('\n');
        let turn = if who == Actor::NoOne { String::new() } else { format!("**{}**: ", who.as_str()) };
        for line in wrapped(&format!("{turn}{cure}")) {
            page.push_str(&line);
        }
    }
    page.push_str("\n## Never sent\n\nSub codes of Recall's that no bot of Latchkey ends with:\n\n");
    for (codes, why) in NEVER_SENT {
        let codes = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
        let lines = wrapped(&format!("- {codes}: {why}"));
        page.push_str(&lines.join("  "));
    }
    page
}

/// `` `one`, `other` ``
fn words(statuses: &[BotStatus]) -> String {
    statuses.iter().map(|status| format!("`{status}`")).collect::<Vec<_>>().join(", ")
}

/// Wraps the text of a generated page to lines of at most a hundred characters, each with its line end.
pub fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is at least one line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= 98 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::{JOIN, NEVER_SENT};
    use crate::{BotStatus, SubCode};

    #[test]
    fn a_message_says_what_happened_who_must_act_and_what_to_do() {
        let locked =
            SubCode::MeetingLocked.message(Some("Zoom refused the join with code 4006: meeting locked"));
        assert_eq!(
            locked,
            "The host locked the meeting. What the host can do: Unlock the meeting, then send a new bot. \
             Details: Zoom refused the join with code 4006: meeting locked"
        );
        let expired = SubCode::MeetingLinkExpired.message(None);
        assert!(expired.starts_with("The meeting of the link is over for good"), "{expired}");
        assert!(expired.ends_with(
            "Ask the host for a new link: Zoom lets a meeting expire some time after its last use."
        ));
    }

    #[test]
    fn every_sub_code_has_sentences_and_a_status() {
        for code in SubCode::ALL {
            let message = code.message(None);
            assert!(message.ends_with('.') && code.about().ends_with('.'), "{code}: {message}");
            assert!(!message.contains("  ") && !message.contains('\n'), "{code}: {message}");
            let never = [BotStatus::Ready, BotStatus::Done, BotStatus::InCallNotRecording];
            assert!(!code.stands_with().is_empty(), "{code}");
            assert!(!code.stands_with().iter().any(|status| never.contains(status)), "{code}");
        }
        assert_eq!(SubCode::MeetingLocked.stands_with(), JOIN);
    }

    #[test]
    fn sub_codes_that_are_never_sent_do_not_exist() {
        let never = NEVER_SENT.iter().flat_map(|(codes, _)| *codes);
        assert!(never.into_iter().all(|code| code.parse::<SubCode>().is_err()));
    }
}
