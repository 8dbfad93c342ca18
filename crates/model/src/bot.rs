//! The states of a bot, in the words of Recall's API.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::Timestamp;

macro_rules! words {
    ($(#[doc = $about:literal])* $type:ident, $noun:literal { $($(#[doc = $text:literal])+ $name:ident = $word:literal,)* }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[doc = $text])+ $name,)* }

        impl $type {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word as it is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it means, for people.
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($text),+),)* }.trim()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
                    .ok_or_else(|| format!(concat!("{:?} is not a ", $noun), text))
            }
        }

        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// The status of a bot. [`BotStatus::Done`] and [`BotStatus::Fatal`] are final.
    BotStatus, "bot status" {
        /// Created, not yet started.
        Ready = "ready",
        /// Joining the meeting.
        JoiningCall = "joining_call",
        /// Held in the waiting room.
        InWaitingRoom = "in_waiting_room",
        /// In the meeting.
        InCallNotRecording = "in_call_not_recording",
        /// Left, removed, or the meeting ended; the sub code says which.
        CallEnded = "call_ended",
        /// Ended normally.
        Done = "done",
        /// Could not join, or failed; the sub code says why.
        Fatal = "fatal",
    }
}

impl BotStatus {
    /// Whether nothing more will happen to the bot.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Fatal)
    }

    /// The possible next statuses. A joining bot may join again after it has lost its connection or its server; a host
    /// can put it back into the waiting room.
    pub const fn next(self) -> &'static [Self] {
        use BotStatus::{CallEnded, Done, Fatal, InCallNotRecording, InWaitingRoom, JoiningCall, Ready};
        match self {
            Ready => &[JoiningCall, CallEnded, Fatal],
            JoiningCall => &[JoiningCall, InWaitingRoom, InCallNotRecording, CallEnded, Fatal],
            InWaitingRoom => &[JoiningCall, InCallNotRecording, CallEnded, Fatal],
            InCallNotRecording => &[JoiningCall, InWaitingRoom, CallEnded, Fatal],
            CallEnded => &[Done, Fatal],
            Done | Fatal => &[],
        }
    }

    /// Whether a bot may change from `self` to `next`. The store refuses every other change.
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
    }
}

words! {
    /// Why a bot's call ended or failed. The set is open: clients must tolerate new ones.
    SubCode, "sub code" {
        // fatal: what the meeting wants
        /// The host admits only signed-in users, and the bot had no valid ZAK.
        MeetingRequiresSignIn = "meeting_requires_sign_in",
        /// There is no such meeting.
        MeetingNotFound = "meeting_not_found",
        /// The link names no meeting.
        MeetingLinkInvalid = "meeting_link_invalid",
        /// The meeting of the link is over for good: Zoom has let it expire.
        MeetingLinkExpired = "meeting_link_expired",
        /// The host has not started the meeting.
        MeetingNotStarted = "meeting_not_started",
        /// The meeting is over.
        MeetingEnded = "meeting_ended",
        /// The host locked the meeting.
        MeetingLocked = "meeting_locked",
        /// The meeting has no free place.
        MeetingFull = "meeting_full",
        /// The passcode is wrong.
        MeetingPasswordIncorrect = "meeting_password_incorrect",
        /// The meeting asks for a registration, and the link has no `tk` of one.
        MeetingRequiresRegistration = "meeting_requires_registration",
        /// The webinar asks for a registration, and the link has no `tk` of one.
        ZoomRegistrationRequired = "zoom_registration_required",
        /// The bot was removed earlier, or is behind an information barrier.
        MeetingNotAccessible = "meeting_not_accessible",
        // fatal: Zoom's own rules
        /// Zoom blocks the account of the user that the bot signs in as.
        ZoomAccountBlocked = "zoom_account_blocked",
        /// The same Zoom user is in the meeting already.
        ZoomErrorMultipleDeviceJoin = "zoom_error_multiple_device_join",
        /// The OBF token's user is not in the meeting.
        ZoomObfUserNotInMeeting = "zoom_obf_user_not_in_meeting",
        /// The Zoom app is not published, and the meeting is another account's.
        ZoomSdkAppNotPublished = "zoom_sdk_app_not_published",
        /// The recording join token was refused.
        ZoomInvalidJoinToken = "zoom_invalid_join_token",
        /// The registration token (`tk`) of the link is spent or expired.
        ZoomTokenExpired = "zoom_token_expired",
        /// The SDK signature was refused: key, secret or clock.
        ZoomInvalidSignature = "zoom_invalid_signature",
        /// No Zoom app is registered to sign the join with.
        ZoomSdkCredentialsMissing = "zoom_sdk_credentials_missing",
        /// Zoom wants a newer SDK.
        ZoomSdkUpdateRequired = "zoom_sdk_update_required",
        /// The meeting or webinar wants an e-mail address.
        ZoomEmailRequired = "zoom_email_required",
        /// The e-mail address is the host's or a panelist's, and the bot comes as an attendee.
        ZoomInvalidWebinarInvite = "zoom_invalid_webinar_invite",
        /// An administrator blocks the e-mail address.
        ZoomEmailBlockedByAdmin = "zoom_email_blocked_by_admin",
        /// Joining from a browser is switched off, or the meeting is end-to-end encrypted.
        ZoomWebDisallowed = "zoom_web_disallowed",
        /// Zoom takes the bot for a robot and asks for a captcha.
        ZoomCaptchaRequired = "zoom_captcha_required",
        /// The host has another meeting in progress.
        ZoomAnotherMeetingInProgress = "zoom_another_meeting_in_progress",
        /// The host's account is inactive.
        ZoomMeetingHostInactive = "zoom_meeting_host_inactive",
        /// Zoom denies this app the meeting.
        ZoomMeetingNotAccessible = "zoom_meeting_not_accessible",
        /// The connection to Zoom failed.
        ZoomConnectionFailed = "zoom_connection_failed",
        /// Zoom did not answer before the join deadline.
        ZoomJoinTimeout = "zoom_join_timeout",
        /// Zoom refused or ended the call without a usable reason.
        ZoomInternalError = "zoom_internal_error",
        // fatal: ours
        /// The browser or its page did not start in time.
        FailedToLaunchInTime = "failed_to_launch_in_time",
        /// The bot failed through an error of ours.
        BotErrored = "bot_errored",
        /// `zoom.zak_url` gave no token.
        ZoomZakCallbackFailed = "zoom_zak_callback_failed",
        /// Zoom refused the ZAK, or the answer was not one.
        ZoomZakRejected = "zoom_zak_rejected",
        /// `zoom.obf_token_url` gave no token.
        ZoomObfCallbackFailed = "zoom_obf_callback_failed",
        /// Zoom refused the OBF token, or the answer was not one.
        ZoomObfRejected = "zoom_obf_rejected",
        /// The meeting does not admit anonymous SDK apps.
        ZoomObfOrZakRequired = "zoom_obf_or_zak_required",
        /// No seat of `zoom.pool` came free in time.
        ZoomPoolFull = "zoom_pool_full",
        /// `zoom.credential` or `zoom.obf_credential` cannot mint, or no account of `zoom.pool` can.
        ZoomCredentialUnhealthy = "zoom_credential_unhealthy",
        // joining_call, once more
        /// The bot's server died; another one takes it over.
        BotServerLost = "bot_server_lost",
        /// The bot's server was stopped; another one takes it over.
        BotHandedOver = "bot_handed_over",
        // call_ended
        /// The host ended the meeting.
        CallEndedByHost = "call_ended_by_host",
        /// Zoom ended a free meeting at its limit.
        CallEndedByPlatformMaxLength = "call_ended_by_platform_max_length",
        /// Zoom ended the meeting: nobody came to host it, or one participant was left.
        CallEndedByPlatformIdle = "call_ended_by_platform_idle",
        /// Zoom ended the meeting while the bot was in its waiting room: nobody came to host it.
        CallEndedByPlatformWaitingRoomTimeout = "call_ended_by_platform_waiting_room_timeout",
        /// The host removed the bot.
        BotKickedFromCall = "bot_kicked_from_call",
        /// The host removed the bot from the waiting room.
        BotKickedFromWaitingRoom = "bot_kicked_from_waiting_room",
        /// The API told the bot to leave.
        BotReceivedLeaveCall = "bot_received_leave_call",
        /// The host did not admit the bot in time.
        TimeoutExceededWaitingRoom = "timeout_exceeded_waiting_room",
        /// No other participant came in time.
        TimeoutExceededNooneJoined = "timeout_exceeded_noone_joined",
        /// All other participants left.
        TimeoutExceededEveryoneLeft = "timeout_exceeded_everyone_left",
        /// The longest stay without a recording has ended.
        TimeoutExceededInCallNotRecording = "timeout_exceeded_in_call_not_recording",
        /// Nobody spoke for too long.
        TimeoutExceededSilenceDetected = "timeout_exceeded_silence_detected",
        /// All others are bots, by their names.
        TimeoutExceededOnlyBotsDetectedUsingParticipantNames =
            "timeout_exceeded_only_bots_detected_using_participant_names",
        /// All others are bots: they have never spoken or shared a screen.
        TimeoutExceededOnlyBotsDetectedUsingParticipantEvents =
            "timeout_exceeded_only_bots_detected_using_participant_events",
        /// The user who authorised the bot left.
        ZoomObfUserLeftMeeting = "zoom_obf_user_left_meeting",
    }
}

/// One step of a bot, as `status_changes` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StatusChange {
    /// The new status.
    pub code: BotStatus,
    /// An explanation for people; null when the code is enough.
    #[schema(required)]
    pub message: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// The reason, for machines.
    #[schema(required)]
    pub sub_code: Option<SubCode>,
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample};

    use super::{BotStatus, SubCode};

    /// The steps of a bot if these are tried in this order. A refused step changes nothing.
    fn life(wanted: &[BotStatus]) -> Vec<BotStatus> {
        let mut steps = vec![BotStatus::Ready];
        for next in wanted {
            if steps.last().is_some_and(|last| last.may_become(*next)) {
                steps.push(*next);
            }
        }
        steps
    }

    proptest! {
        #[test]
        fn no_order_of_steps_leads_to_an_illegal_sequence(wanted in vec(sample::select(BotStatus::ALL), 0..40)) {
            use BotStatus::{CallEnded, Done, InCallNotRecording, InWaitingRoom, JoiningCall, Ready};
            let steps = life(&wanted);
            let end = steps.iter().position(|step| step.is_terminal());
            prop_assert!(end.is_none_or(|at| at == steps.len() - 1), "a step follows a final one: {steps:?}");
            prop_assert!(!steps[1..].contains(&Ready), "only the first step is ready: {steps:?}");
            for (before, after) in steps.iter().zip(&steps[1..]) {
                prop_assert!(*after != Done || *before == CallEnded, "{steps:?}");
                prop_assert!(*before != CallEnded || after.is_terminal(), "{steps:?}");
                let is_in = [InWaitingRoom, InCallNotRecording].contains(after);
                prop_assert!(!is_in || *before != Ready, "it is in the meeting without having joined: {steps:?}");
                prop_assert!(before != after || *after == JoiningCall, "{steps:?}");
            }
        }
    }

    #[test]
    fn every_state_is_reachable_and_all_but_the_final_ones_can_fail() {
        for state in BotStatus::ALL {
            let reached = BotStatus::ALL.iter().any(|before| before.may_become(*state));
            assert!(reached || *state == BotStatus::Ready, "{state}");
            assert_eq!(state.may_become(BotStatus::Fatal), !state.is_terminal(), "{state}");
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        assert!(SubCode::ALL.iter().all(|word| word.as_str().parse() == Ok(*word)));
        assert!(BotStatus::ALL.iter().all(|word| word.as_str().parse() == Ok(*word)));
    }
}
