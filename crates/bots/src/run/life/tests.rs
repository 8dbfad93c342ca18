use std::time::Duration;

use browser::{PageEnd, PageEvent};
use model::{BotStatus, SubCode, Timestamp};
use zoom::JoinVerdict;

use super::{Action, AutomaticLeave, End, Life, Loss, Timing};
use crate::meeting::state::Others;

const START: Timestamp = Timestamp::from_second(1_800_000_000);

fn at(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn fresh() -> Life {
    Life::new(AutomaticLeave::default(), Timing::default(), None, START)
}

fn joined(others: usize) -> Life {
    let mut life = fresh();
    assert_eq!(life.event(PageEvent::Connected, START), None);
    let inside = life.event(PageEvent::InMeeting { participants: others }, START);
    assert_eq!(inside, Some(Action::Arrive(BotStatus::InCallNotRecording)));
    life
}

/// The action at the deadline; asserts that there is none a second before.
fn due(life: &Life, seconds: u64) -> Action {
    assert_eq!(life.deadline(), at(seconds));
    assert_eq!(life.due(at(seconds - 1)), None);
    life.due(at(seconds)).expect("due")
}

#[test]
fn silence_from_the_sdk_ends_in_a_timeout() {
    let life = fresh();
    assert!(matches!(due(&life, 60), Action::End(End::Fatal(SubCode::ZoomJoinTimeout, _))));
}

#[test]
fn a_refusal_is_judged() {
    let mut life = fresh();
    let refused = PageEvent::Refused { code: 3051, reason: "Require login".into(), url: None };
    let Some(Action::Refused(verdict, words)) = life.event(refused, START) else { panic!("refused") };
    assert_eq!(verdict, JoinVerdict::Fatal(SubCode::MeetingRequiresSignIn));
    assert!(words.contains("3051") && words.contains("Require login"));
}

#[test]
fn the_waiting_room_has_its_own_limit_and_a_second_arrival_is_ignored() {
    let mut life = fresh();
    assert_eq!(life.event(PageEvent::WaitingRoom, START), Some(Action::Arrive(BotStatus::InWaitingRoom)));
    assert_eq!(life.event(PageEvent::WaitingRoom, at(5)), None);
    assert_eq!(due(&life, 1200), Action::Leave(SubCode::TimeoutExceededWaitingRoom));
    let inside = life.event(PageEvent::InMeeting { participants: 1 }, at(6));
    assert_eq!(inside, Some(Action::Arrive(BotStatus::InCallNotRecording)));
    let held = life.event(PageEvent::WaitingRoom, at(9));
    assert_eq!(held, Some(Action::Arrive(BotStatus::InWaitingRoom)), "put back on hold");
}

/// Two bots join before all others: each counts as a participant for the other until it is recognised.
#[test]
fn bots_of_ours_wait_together_for_the_first_person() {
    let ours = |our_bots| Others { our_bots, ..Others::default() };
    let mut life = joined(1);
    life.others_changed(ours(1), at(3));
    assert_eq!(due(&life, 1200), Action::Leave(SubCode::TimeoutExceededNooneJoined));
    // The other bot leaves: first it is no longer recognised, then the count of participants changes.
    life.others_changed(ours(0), at(10));
    assert_eq!(life.event(PageEvent::Participants { others: 0 }, at(10)), None);
    assert_eq!(due(&life, 1200), Action::Leave(SubCode::TimeoutExceededNooneJoined));

    // With a person, the usual rules apply.
    let mut life = joined(2);
    life.others_changed(ours(1), at(3));
    life.event(PageEvent::Participants { others: 1 }, at(100));
    assert_eq!(due(&life, 102), Action::Leave(SubCode::TimeoutExceededEveryoneLeft));
}

#[test]
fn an_empty_meeting_is_left() {
    assert_eq!(due(&joined(0), 1200), Action::Leave(SubCode::TimeoutExceededNooneJoined));
}

#[test]
fn a_meeting_that_emptied_is_left_soon_unless_a_person_returns() {
    let mut life = joined(2);
    assert_eq!(due(&life, 3600), Action::Leave(SubCode::TimeoutExceededInCallNotRecording));
    life.event(PageEvent::Participants { others: 0 }, at(10));
    assert_eq!(due(&life, 12), Action::Leave(SubCode::TimeoutExceededEveryoneLeft));
    life.event(PageEvent::Participants { others: 1 }, at(11));
    assert_eq!(life.deadline(), at(3600));
}

/// The sub code of a loss, and its time.
fn loss(act: Option<Action>) -> (SubCode, Timestamp) {
    match act {
        Some(Action::Rejoin(Loss { since, sub_code, .. })) => (sub_code, since),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lost_connection_has_a_minute_to_come_back_by_itself() {
    let mut life = joined(1);
    life.event(PageEvent::Reconnecting { reason: None }, at(10));
    life.event(PageEvent::Reconnecting { reason: None }, at(20));
    assert_eq!(loss(Some(due(&life, 70))), (SubCode::ZoomConnectionFailed, at(10)));
    life.event(PageEvent::Connected, at(30));
    assert_eq!(life.event(PageEvent::InMeeting { participants: 1 }, at(31)), None, "it was in before");
    assert_eq!(life.deadline(), at(3600));
}

#[test]
fn a_failed_reconnect_is_a_loss_since_the_connection_was_lost() {
    for (code, reason, sub_code) in [
        (-3000, "connection error", SubCode::ZoomConnectionFailed),
        (200, "connection error", SubCode::ZoomConnectionFailed),
        (4009, "internal", SubCode::ZoomInternalError),
        (3265, "Token error", SubCode::ZoomZakRejected),
        (3705, "The signature has expired.", SubCode::ZoomInvalidSignature),
        (4006, "locked meanwhile", SubCode::MeetingLocked),
        // Zoom still counts the bot's own former place.
        (4008, "already there", SubCode::ZoomErrorMultipleDeviceJoin),
        (5012, "joined twice", SubCode::BotErrored),
        (987_654, "not in any table", SubCode::ZoomInternalError),
    ] {
        let mut life = joined(1);
        life.event(PageEvent::Reconnecting { reason: None }, at(10));
        let failed = PageEvent::Failed { code, reason: reason.into() };
        assert_eq!(loss(life.event(failed, at(12))), (sub_code, at(10)), "{code}");
    }
}

#[test]
fn an_exit_without_a_decision_is_a_loss_wherever_the_bot_was() {
    let events = || {
        [
            (PageEvent::Dropped { how: "without any event" }, SubCode::ZoomConnectionFailed),
            (PageEvent::Left, SubCode::ZoomConnectionFailed),
            (PageEvent::Ended { reason: "RSGW ended".into(), on_hold: false }, SubCode::ZoomConnectionFailed),
            (PageEvent::Gone(PageEnd::PageCrashed), SubCode::BotErrored),
            (PageEvent::Gone(PageEnd::BrowserGone), SubCode::BotErrored),
            (PageEvent::Gone(PageEnd::PageFrozen), SubCode::BotErrored),
        ]
    };
    let waiting = || {
        let mut life = fresh();
        life.event(PageEvent::WaitingRoom, START);
        life
    };
    for life in [fresh, waiting, || joined(0), || joined(2)] {
        for (event, sub_code) in events() {
            assert_eq!(loss(life().event(event, at(5))), (sub_code, at(5)));
        }
    }
    let refused = PageEvent::Refused { code: -3000, reason: "connection error".into(), url: None };
    assert_eq!(loss(waiting().event(refused, at(5))), (SubCode::ZoomConnectionFailed, at(5)));
}

#[test]
fn a_persons_decision_ends_the_bot() {
    let end =
        |reason: &str, on_hold| joined(1).event(PageEvent::Ended { reason: reason.into(), on_hold }, at(1));
    let call_ended = |act: Option<Action>| match act {
        Some(Action::End(End::CallEnded(sub_code, _))) => sub_code,
        other => panic!("{other:?}"),
    };
    assert_eq!(call_ended(end("kicked by host", false)), SubCode::BotKickedFromCall);
    assert_eq!(call_ended(end("kicked by host", true)), SubCode::BotKickedFromWaitingRoom);
    assert_eq!(call_ended(end("ended by host", false)), SubCode::CallEndedByHost);
    assert_eq!(call_ended(end("free meeting ended", false)), SubCode::CallEndedByPlatformMaxLength);
    assert_eq!(call_ended(end("something new", false)), SubCode::ZoomInternalError);
    assert_eq!(
        call_ended(end("bot user kicked due to master leaving", false)),
        SubCode::ZoomObfUserLeftMeeting
    );
    let twice = end("duplicated session", false);
    assert!(matches!(twice, Some(Action::End(End::Fatal(SubCode::ZoomErrorMultipleDeviceJoin, _)))));

    let failed = |code| {
        let mut life = joined(1);
        life.event(PageEvent::Reconnecting { reason: None }, at(1));
        life.event(PageEvent::Failed { code, reason: "gone".into() }, at(2))
    };
    assert_eq!(call_ended(failed(4019)), SubCode::ZoomObfUserLeftMeeting);
    // The meeting ended while the bot was away, or Zoom's server knows of no running meeting.
    assert_eq!(call_ended(failed(4004)), SubCode::MeetingEnded);
    assert_eq!(call_ended(failed(3008)), SubCode::MeetingEnded);
    let removed = failed(3009);
    assert!(matches!(removed, Some(Action::End(End::Fatal(SubCode::MeetingNotAccessible, _)))));
}

#[test]
fn rejoining_does_not_extend_the_stay() {
    let mut life = joined(2);
    life.event(PageEvent::Gone(PageEnd::PageCrashed), at(600));
    life.join(at(610));
    assert!(!life.is_in() && life.was_inside());
    assert_eq!(life.deadline(), at(670));
    let again = life.event(PageEvent::InMeeting { participants: 1 }, at(615));
    assert_eq!(again, Some(Action::Arrive(BotStatus::InCallNotRecording)));
    assert_eq!(due(&life, 3600), Action::Leave(SubCode::TimeoutExceededInCallNotRecording));

    // All others left while it was away.
    life.join(at(700));
    life.event(PageEvent::InMeeting { participants: 0 }, at(705));
    assert_eq!(due(&life, 707), Action::Leave(SubCode::TimeoutExceededEveryoneLeft));

    // Another server recorded when the bot entered, but not who was there.
    let mut taken_over = Life::new(AutomaticLeave::default(), Timing::default(), Some(START), at(3000));
    taken_over.event(PageEvent::InMeeting { participants: 0 }, at(3000));
    assert_eq!(due(&taken_over, 3600), Action::Leave(SubCode::TimeoutExceededInCallNotRecording));
}
