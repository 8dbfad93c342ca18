//! Which test covers each sub code: with the real SDK, in a real Chromium, with the simulated Zoom.

use model::SubCode;

/// A test file in this folder.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!($name))
    };
}

const FILES: &[(&str, &str)] = &[
    file!("callbacks.rs"),
    file!("ends.rs"),
    file!("leaving.rs"),
    file!("losses.rs"),
    file!("meetings.rs"),
    file!("missing_browsers.rs"),
    file!("pools.rs"),
    file!("recording.rs"),
    file!("refusals.rs"),
    file!("restarts.rs"),
    file!("sign_in.rs"),
    file!("signing.rs"),
    file!("obf_tokens.rs"),
    file!("waiting.rs"),
];

/// The simulator can cause all of them. One that it cannot cause would be in a separate list, with the reason.
const REACHED: &[(&[SubCode], &str, &str)] = {
    use SubCode as S;
    &[
        (
            &[
                S::MeetingRequiresRegistration,
                S::ZoomRegistrationRequired,
                S::ZoomEmailRequired,
                S::ZoomCaptchaRequired,
                S::ZoomObfOrZakRequired,
                S::ZoomMeetingNotAccessible,
                S::ZoomSdkAppNotPublished,
            ],
            "refusals.rs",
            "a_refusal_names_what_the_meeting_requires_and_the_cure",
        ),
        (
            &[
                S::MeetingNotFound,
                S::MeetingLinkExpired,
                S::ZoomTokenExpired,
                S::ZoomSdkUpdateRequired,
                S::ZoomWebDisallowed,
                S::ZoomAccountBlocked,
                S::ZoomInvalidWebinarInvite,
                S::ZoomEmailBlockedByAdmin,
                S::ZoomMeetingHostInactive,
                S::MeetingNotAccessible,
            ],
            "refusals.rs",
            "a_refusal_known_only_by_zooms_code_has_its_cure",
        ),
        (
            &[S::MeetingLocked, S::MeetingFull, S::TimeoutExceededWaitingRoom],
            "refusals.rs",
            "a_temporary_refusal_is_waited_for_and_then_reported",
        ),
        (&[S::ZoomInternalError], "refusals.rs", "an_unexplained_refusal_is_retried_before_the_bot_ends"),
        (&[S::MeetingRequiresSignIn], "refusals.rs", "a_message_has_the_details_last"),
        (
            &[
                S::CallEndedByHost,
                S::CallEndedByPlatformMaxLength,
                S::CallEndedByPlatformIdle,
                S::ZoomInternalError,
            ],
            "ends.rs",
            "each_end_of_a_meeting_has_its_sub_code",
        ),
        (
            &[S::CallEndedByHost, S::CallEndedByPlatformWaitingRoomTimeout],
            "ends.rs",
            "a_bot_in_the_waiting_room_ends_with_the_meeting",
        ),
        (
            &[S::TimeoutExceededNooneJoined, S::TimeoutExceededInCallNotRecording],
            "ends.rs",
            "bots_leave_when_nobody_joins_or_they_stay_too_long",
        ),
        (
            &[
                S::TimeoutExceededSilenceDetected,
                S::TimeoutExceededOnlyBotsDetectedUsingParticipantNames,
                S::TimeoutExceededOnlyBotsDetectedUsingParticipantEvents,
            ],
            "leaving.rs",
            "a_bot_leaves_a_silent_meeting_and_a_meeting_of_bots",
        ),
        (&[S::TimeoutExceededEveryoneLeft], "leaving.rs", "two_bots_do_not_keep_each_other_in_a_meeting"),
        (
            &[S::MeetingPasswordIncorrect, S::MeetingLinkInvalid],
            "meetings.rs",
            "a_wrong_link_does_not_let_a_bot_in",
        ),
        (
            &[S::BotKickedFromCall, S::BotKickedFromWaitingRoom],
            "meetings.rs",
            "a_host_admits_and_removes_a_bot",
        ),
        (&[S::BotReceivedLeaveCall], "meetings.rs", "a_joining_bot_can_be_stopped"),
        (&[S::MeetingNotStarted], "waiting.rs", "a_bot_waits_for_the_host_only_until_its_timeout"),
        (&[S::ZoomAnotherMeetingInProgress], "waiting.rs", "a_bot_waits_for_a_host_in_another_meeting"),
        (&[S::ZoomJoinTimeout], "waiting.rs", "a_join_without_an_answer_times_out_after_a_minute"),
        (
            &[S::MeetingEnded, S::MeetingNotAccessible],
            "losses.rs",
            "a_bot_does_not_rejoin_after_a_removal_or_the_end",
        ),
        (&[S::ZoomConnectionFailed], "losses.rs", "a_bot_ends_if_its_connection_stays_broken"),
        (&[S::BotErrored], "losses.rs", "a_bot_rejoins_after_a_crash"),
        (&[S::FailedToLaunchInTime], "missing_browsers.rs", "without_a_chromium_a_bot_says_what_to_install"),
        (&[S::ZoomErrorMultipleDeviceJoin], "sign_in.rs", "a_zak_opens_a_meeting_for_signed_in_users"),
        (&[S::ZoomCredentialUnhealthy], "sign_in.rs", "an_account_that_cannot_mint_never_joins"),
        (
            &[S::ZoomInvalidSignature],
            "signing.rs",
            "an_app_that_zoom_refuses_is_skipped_and_the_working_one_is_remembered",
        ),
        (&[S::ZoomSdkCredentialsMissing], "signing.rs", "server_to_server_apps_cannot_sign_joins"),
        (
            &[S::ZoomZakCallbackFailed, S::ZoomZakRejected],
            "callbacks.rs",
            "a_bot_without_its_zak_does_not_join",
        ),
        (
            &[S::ZoomObfCallbackFailed, S::ZoomObfRejected],
            "obf_tokens.rs",
            "a_bot_without_a_valid_token_does_not_join",
        ),
        (
            &[S::ZoomObfUserNotInMeeting, S::ZoomObfUserLeftMeeting],
            "obf_tokens.rs",
            "a_bot_waits_for_the_user_who_vouches_for_it_and_leaves_with_them",
        ),
        (
            &[S::ZoomInvalidJoinToken],
            "recording.rs",
            "a_bot_joins_with_a_join_token_or_without_one_if_there_is_none",
        ),
        (&[S::ZoomPoolFull], "pools.rs", "each_bot_uses_another_account_and_waits_if_no_seat_is_free"),
        (&[S::BotHandedOver], "restarts.rs", "a_server_that_stops_hands_its_bots_to_the_next"),
        (&[S::BotServerLost], "restarts.rs", "a_bot_of_a_dead_server_is_taken_over_when_its_lease_expires"),
    ]
};

#[test]
fn each_sub_code_is_reached_by_a_test() {
    let reached = |code: &SubCode| REACHED.iter().any(|(codes, ..)| codes.contains(code));
    let unreached: Vec<_> = SubCode::ALL.iter().filter(|code| !reached(code)).collect();
    assert!(unreached.is_empty(), "no test with the real SDK reaches {unreached:?}");
}

#[test]
fn each_test_names_the_sub_codes_that_it_reaches() {
    for (codes, file, test) in REACHED {
        let (_, text) = FILES.iter().find(|(name, _)| name == file).unwrap();
        let begin = format!("#[tokio::test]\nasync fn {test}() {{");
        let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no test {test} in {file}"));
        let (body, _) = rest.split_once("\n}\n").unwrap();
        for code in *codes {
            assert!(body.contains(&format!("\"{code}\"")), "{test} in {file} does not name {code}");
        }
    }
}
