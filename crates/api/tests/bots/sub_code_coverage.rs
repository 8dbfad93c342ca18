//! Which test reaches each sub code: the real SDK, in a real Chromium, at the simulated Zoom.

use model::SubCode;

/// A file of this folder.
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

/// The simulator can cause all of them. One that it can't cause would stand in a list of its own, with the reason.
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
            "what_a_meeting_asks_for_is_said_with_its_cure",
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
            "what_only_zooms_code_tells_is_said_with_its_cure",
        ),
        (
            &[S::MeetingLocked, S::MeetingFull, S::TimeoutExceededWaitingRoom],
            "refusals.rs",
            "what_may_pass_is_waited_for_and_then_said",
        ),
        (
            &[S::ZoomInternalError],
            "refusals.rs",
            "a_refusal_without_words_is_tried_again_before_it_is_the_end",
        ),
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
            "a_bot_that_nobody_joins_and_one_that_stays_too_long_leave",
        ),
        (
            &[
                S::TimeoutExceededSilenceDetected,
                S::TimeoutExceededOnlyBotsDetectedUsingParticipantNames,
                S::TimeoutExceededOnlyBotsDetectedUsingParticipantEvents,
            ],
            "leaving.rs",
            "a_bot_leaves_a_silent_meeting_and_one_of_bots",
        ),
        (&[S::TimeoutExceededEveryoneLeft], "leaving.rs", "two_bots_do_not_keep_each_other_in_a_meeting"),
        (&[S::MeetingPasswordIncorrect, S::MeetingLinkInvalid], "meetings.rs", "a_wrong_door_stays_shut"),
        (
            &[S::BotKickedFromCall, S::BotKickedFromWaitingRoom],
            "meetings.rs",
            "a_host_admits_a_bot_and_throws_it_out",
        ),
        (&[S::BotReceivedLeaveCall], "meetings.rs", "a_bot_on_its_way_turns_round"),
        (&[S::MeetingNotStarted], "waiting.rs", "a_host_who_never_comes_is_not_waited_for_longer_than_told"),
        (&[S::ZoomAnotherMeetingInProgress], "waiting.rs", "a_host_who_is_busy_elsewhere_is_waited_for"),
        (&[S::ZoomJoinTimeout], "waiting.rs", "a_zoom_that_says_nothing_is_given_a_minute"),
        (
            &[S::MeetingEnded, S::MeetingNotAccessible],
            "losses.rs",
            "a_removal_and_an_end_are_not_answered_with_a_rejoin",
        ),
        (&[S::ZoomConnectionFailed], "losses.rs", "a_line_that_stays_cut_is_the_end_after_the_limit"),
        (&[S::BotErrored], "losses.rs", "a_crash_costs_a_bot_its_place_for_a_moment"),
        (&[S::FailedToLaunchInTime], "missing_browsers.rs", "without_a_chromium_a_bot_says_what_to_install"),
        (&[S::ZoomErrorMultipleDeviceJoin], "sign_in.rs", "a_zak_opens_a_meeting_for_signed_in_users"),
        (&[S::ZoomCredentialUnhealthy], "sign_in.rs", "an_account_that_cannot_mint_never_joins"),
        (
            &[S::ZoomInvalidSignature],
            "signing.rs",
            "an_app_that_zoom_refuses_is_put_aside_and_the_one_that_signs_is_remembered",
        ),
        (&[S::ZoomSdkCredentialsMissing], "signing.rs", "server_to_server_apps_are_said_to_sign_nothing"),
        (
            &[S::ZoomZakCallbackFailed, S::ZoomZakRejected],
            "callbacks.rs",
            "a_bot_without_its_zak_does_not_join",
        ),
        (
            &[S::ZoomObfCallbackFailed, S::ZoomObfRejected],
            "obf_tokens.rs",
            "without_a_good_token_nobody_joins",
        ),
        (
            &[S::ZoomObfUserNotInMeeting, S::ZoomObfUserLeftMeeting],
            "obf_tokens.rs",
            "a_bot_waits_for_who_vouches_for_it_and_leaves_with_them",
        ),
        (
            &[S::ZoomInvalidJoinToken],
            "recording.rs",
            "a_join_token_is_shown_at_the_door_and_missed_by_nobody",
        ),
        (&[S::ZoomPoolFull], "pools.rs", "each_bot_comes_as_another_and_who_finds_no_seat_waits_for_one"),
        (&[S::BotHandedOver], "restarts.rs", "a_server_that_stops_hands_its_bots_to_the_next"),
        (
            &[S::BotServerLost],
            "restarts.rs",
            "a_bot_whose_server_died_is_taken_over_when_its_lease_has_lapsed",
        ),
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
