//! What can be done about each sub code, and who can do it.

use std::fmt::Write as _;

use crate::SubCode;

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
    /// No person: it is how the meeting went, or it passes by itself.
    NoOne,
}

impl Actor {
    /// As the documentation has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Caller => "caller",
            Self::AccountOwner => "account owner",
            Self::Operator => "operator",
            Self::NoOne => "–",
        }
    }
}

impl SubCode {
    /// Who can do something about it, and what.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub const fn cure(self) -> (Actor, &'static str) {
        use Actor::{AccountOwner, Caller, Host, NoOne, Operator};
        match self {
            Self::MeetingRequiresSignIn => (
                Caller,
                "Connect a Zoom account and pass `zoom.credential`, `zoom.pool` or `zoom.zak_url`. \
                 If the host admits only users of some domains, the account must be one of them.",
            ),
            Self::MeetingNotFound => (Caller, "Check the meeting's number; the host may have deleted it."),
            Self::MeetingLinkInvalid => (Caller, "Take the link from the host's invitation."),
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
            Self::MeetingNotAccessible => (
                Host,
                "Let removed participants rejoin (a setting of the host's account), or lift the \
                 information barrier.",
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
                (Caller, "Pass an address in `zoom.user_email` that is not the host's.")
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
            Self::ZoomZakRejected => {
                (Caller, "Have `zoom.zak_url` answer with a ZAK that is minted for each call.")
            }
            Self::ZoomObfCallbackFailed => {
                (Caller, "Have `zoom.obf_token_url` answer 200 with an OBF token as plain text.")
            }
            Self::ZoomObfRejected => (
                Caller,
                "Have `zoom.obf_token_url` answer with an OBF token of this meeting, minted for each call.",
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
ones may come, so clients must take ones that they do not know.

This page is printed by `latchkey sub-codes`, from `model/src/bot.rs` and
`model/src/sub_code_cure.rs`.
"
    .to_owned();
    for code in SubCode::ALL {
        let (who, cure) = code.cure();
        let _ = write!(page, "\n## `{code}`\n\n");
        for line in wrapped(code.about()) {
            page.push_str(&line);
        }
        page.push('\n');
        let turn = if who == Actor::NoOne { String::new() } else { format!("**{}**: ", who.as_str()) };
        for line in wrapped(&format!("{turn}{cure}")) {
            page.push_str(&line);
        }
    }
    page
}

/// Lines of at most a hundred characters, each with its end.
pub(crate) fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= 100 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}
