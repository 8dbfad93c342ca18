use std::{collections::BTreeSet, time::Duration};

use browser::{Person, SdkMeetingEvent};
use model::{ChatReceiver, MeetingEventKind, Participant, Timestamp};

use super::Meeting;

const START: Timestamp = Timestamp::from_second(1_800_000_000);
const BOT: u32 = 100;

fn at(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn person(id: u32, name: &str) -> Person {
    Person { id, guid: Some(format!("G{name}")), name: Some(name.into()), ..Person::default() }
}

fn present(list: Vec<Person>) -> SdkMeetingEvent {
    SdkMeetingEvent::Present { me: BOT, room: None, list }
}

fn in_room(room: &str, list: Vec<Person>) -> SdkMeetingEvent {
    SdkMeetingEvent::Present { me: BOT + 1, room: Some(room.into()), list }
}

/// Events in short: who did what.
fn told(happened: &[MeetingEventKind]) -> Vec<String> {
    let tell = |what: &MeetingEventKind| match what {
        MeetingEventKind::BotEntered { room: None } => "in".into(),
        MeetingEventKind::BotEntered { room: Some(room) } => format!("in {room}"),
        MeetingEventKind::BotLeft => "out".into(),
        MeetingEventKind::Caption { participant, text, is_final, .. } => {
            format!("{}: {text}{}", participant.name, if *is_final { "." } else { "" })
        }
        what => {
            let who = what.participant().map_or("", |who| who.name.as_str());
            format!("{who} {}", what.action().unwrap_or("something"))
        }
    };
    happened.iter().map(tell).collect()
}

fn take(meeting: &mut Meeting, news: Vec<SdkMeetingEvent>) -> Vec<String> {
    told(&meeting.take(news, START).events)
}

fn caption(id: &str, user: u32, text: &str, done: bool) -> SdkMeetingEvent {
    let (id, text) = (id.into(), text.into());
    SdkMeetingEvent::Caption { id, user, name: None, text, language: 400, done }
}

/// A meeting with Ada and Bob, and the events so far.
fn with_ada_and_bob() -> (Meeting, Vec<MeetingEventKind>) {
    let mut meeting = Meeting::new(&[]);
    let happened = meeting.take(vec![present(vec![person(1, "Ada"), person(2, "Bob")])], START).events;
    assert_eq!(told(&happened), ["in", "Ada join", "Bob join"]);
    (meeting, happened)
}

#[test]
fn each_action_of_a_participant_is_reported_once() {
    let (mut meeting, _) = with_ada_and_bob();
    let changed = |change: fn(&mut Person)| {
        let mut person = Person { id: 1, ..Person::default() };
        change(&mut person);
        SdkMeetingEvent::Updated { person }
    };
    let speaking = |users: &[u32]| SdkMeetingEvent::Speaking { users: users.into() };
    for (news, expected) in [
        (changed(|who| who.camera = Some(true)), vec!["Ada webcam_on"]),
        (changed(|who| who.camera = Some(true)), vec![]),
        (changed(|who| who.shares = Some(true)), vec!["Ada screenshare_on"]),
        (changed(|who| who.host = Some(true)), vec!["Ada update"]),
        (changed(|who| who.hand = Some(true)), vec!["Ada update"]),
        (speaking(&[1, 99]), vec!["Ada speech_on"]),
        (speaking(&[1, 2]), vec!["Bob speech_on"]),
        (speaking(&[2]), vec!["Ada speech_off"]),
        (SdkMeetingEvent::Added { person: person(2, "Bob") }, vec![]),
        (
            changed(|who| (who.camera, who.shares) = (Some(false), Some(false))),
            vec!["Ada webcam_off", "Ada screenshare_off"],
        ),
        (changed(|who| who.name = Some("<b>Ada</b>".into())), vec!["<b>Ada</b> update"]),
        (SdkMeetingEvent::Removed { id: 2 }, vec!["Bob speech_off", "Bob leave"]),
        (SdkMeetingEvent::Removed { id: 2 }, vec![]),
        (SdkMeetingEvent::Removed { id: BOT }, vec![]),
    ] {
        assert_eq!(take(&mut meeting, vec![news.clone()]), expected, "{news:?}");
    }
}

#[test]
fn a_participant_who_stayed_during_a_loss_does_not_join_again() {
    let (mut meeting, _) = with_ada_and_bob();
    assert_eq!(take(&mut meeting, vec![SdkMeetingEvent::Away { moves: false }]), ["out"]);
    assert!(take(&mut meeting, vec![SdkMeetingEvent::Added { person: person(1, "Ada") }]).is_empty());
    // Zoom announces them one by one; Bob has another number now, and Cem is new.
    let back = take(&mut meeting, vec![present(vec![person(1, "Ada"), person(3, "Cem")])]);
    assert_eq!(back, ["in", "Cem join"]);
    assert_eq!(
        take(&mut meeting, vec![SdkMeetingEvent::Added { person: person(7, "Bob") }]),
        Vec::<&str>::new()
    );
    assert_eq!(meeting.deadline(), Some(at(5)));
    assert!(meeting.tick(at(5)).is_empty(), "all were announced");

    take(&mut meeting, vec![SdkMeetingEvent::Away { moves: false }]);
    take(&mut meeting, vec![present(vec![person(7, "Bob")])]);
    assert!(meeting.tick(at(4)).is_empty());
    assert_eq!(told(&meeting.tick(at(5))), ["Ada leave", "Cem leave"]);
}

/// A participant who rejoins has another number at Zoom. Events name them by the first one, also their last captions.
#[test]
fn a_participant_keeps_the_first_id() {
    let (mut meeting, _) = with_ada_and_bob();
    let ids = |happened: Vec<MeetingEventKind>| {
        happened.iter().filter_map(MeetingEventKind::participant).map(|who| who.id).collect::<Vec<_>>()
    };
    take(&mut meeting, vec![SdkMeetingEvent::Removed { id: 2 }]);
    assert_eq!(meeting.number_now(2), None);
    let back = vec![SdkMeetingEvent::Added { person: person(9, "Bob") }];
    assert_eq!(ids(meeting.take(back, START).events), [2]);
    assert_eq!((meeting.number_now(2), meeting.number_now(9)), (Some(9), None));

    // Bob rejoins once more while the bot itself is away.
    take(&mut meeting, vec![SdkMeetingEvent::Away { moves: false }]);
    take(&mut meeting, vec![present(vec![person(1, "Ada"), person(12, "Bob")])]);
    assert_eq!(meeting.number_now(2), Some(12));
    let said = vec![caption("c1", 12, "Bye.", true), SdkMeetingEvent::Removed { id: 12 }];
    assert_eq!(ids(meeting.take(said, START).events), [2, 2]);
    assert_eq!(ids(meeting.take(vec![caption("c2", 12, "Late.", true)], START).events), [2]);
}

#[test]
fn a_server_that_takes_over_knows_who_was_there() {
    let (mut first, mut happened) = with_ada_and_bob();
    let camera = Person { id: 1, camera: Some(true), ..Person::default() };
    let chat = SdkMeetingEvent::Chat { id: "M1".into(), from: 2, name: None, to: 0, text: "hi".into() };
    let news = vec![SdkMeetingEvent::Updated { person: camera }, chat.clone()];
    happened.extend(first.take(news, START).events);

    let mut second = Meeting::new(&[]);
    for what in happened {
        second.recall(what);
    }
    let ada = Person { camera: Some(true), ..person(1, "Ada") };
    let told = take(&mut second, vec![present(vec![ada, person(2, "Bob")]), chat]);
    assert_eq!(told, ["in"], "everything else is known already");
}

/// A speech that was open when the other server died is closed once, and starts again.
#[test]
fn a_takeover_closes_the_open_speeches_of_the_dead_server() {
    let (mut first, mut happened) = with_ada_and_bob();
    let speaking = |users: &[u32]| SdkMeetingEvent::Speaking { users: users.into() };
    happened.extend(first.take(vec![speaking(&[1, 2]), speaking(&[1])], START).events);
    let mut second = Meeting::new(&[]);
    for what in happened {
        second.recall(what);
    }
    assert_eq!(told(&second.take_over(true, START)), ["Ada speech_off", "out"]);
    assert!(second.take_over(true, START).is_empty());
    let back = take(&mut second, vec![present(vec![person(1, "Ada"), person(2, "Bob")]), speaking(&[1])]);
    assert_eq!(back, ["in", "Ada speech_on"]);
}

/// The numbers of participants who are greeted when the page reports this.
fn welcomed(meeting: &mut Meeting, news: Vec<SdkMeetingEvent>, now: Timestamp) -> Vec<u32> {
    meeting.take(news, now).arrivals.iter().map(|who| who.id).collect()
}

#[test]
fn a_participant_who_joins_after_the_bot_is_new_once() {
    let added = |id, name| SdkMeetingEvent::Added { person: person(id, name) };
    let mut meeting = Meeting::new(&[]);
    let list = vec![person(1, "Ada"), person(2, "Bob")];
    assert!(welcomed(&mut meeting, vec![present(list)], at(0)).is_empty());
    // Zoom may still announce participants who were there before. Their numbers distinguish them from new ones.
    assert!(welcomed(&mut meeting, vec![added(3, "Cem")], at(1)).is_empty());
    assert_eq!(welcomed(&mut meeting, vec![added(BOT + 1, "Dan")], at(1)), [BOT + 1]);
    assert_eq!(welcomed(&mut meeting, vec![added(4, "Eve")], at(2)), [4]);
    let again = vec![SdkMeetingEvent::Removed { id: 4 }, added(5, "Eve")];
    assert!(welcomed(&mut meeting, again, at(9)).is_empty(), "once");

    // Fay joins while the bot is away; Zoom announces the others one by one.
    let back =
        vec![SdkMeetingEvent::Away { moves: false }, present(vec![person(1, "Ada"), person(6, "Fay")])];
    assert_eq!(welcomed(&mut meeting, back, at(20)), [6]);
    assert!(welcomed(&mut meeting, vec![added(2, "Bob"), added(BOT + 1, "Dan")], at(21)).is_empty());
    // In another room, people are there before the bot.
    let moved =
        vec![SdkMeetingEvent::Away { moves: true }, in_room("Red", vec![person(2, "Bob"), person(7, "Gil")])];
    assert!(welcomed(&mut meeting, moved, at(30)).is_empty());
    assert_eq!(welcomed(&mut meeting, vec![added(8, "Hal")], at(32)), [8]);
}

/// After a waiting room the bot's number is lower than those of some who were there before it. Then numbers prove nothing.
#[test]
fn numbers_decide_who_is_new_only_if_the_bots_number_is_the_highest() {
    let mut meeting = Meeting::new(&[]);
    let news = vec![
        present(vec![person(BOT + 1, "Ada")]),
        SdkMeetingEvent::Added { person: person(BOT + 2, "Bob") },
    ];
    assert!(welcomed(&mut meeting, news, START).is_empty());
}

#[test]
fn a_server_that_takes_over_greets_newcomers_if_it_knows_who_was_there() {
    let list = || vec![present(vec![person(1, "Ada"), person(2, "Bob"), person(3, "Cem")])];
    for (knows, expected) in [(true, vec![3]), (false, vec![])] {
        let mut second = Meeting::new(&[]);
        for what in with_ada_and_bob().1 {
            second.recall(what);
        }
        second.take_over(knows, START);
        assert_eq!(welcomed(&mut second, list(), at(60)), expected);
    }
}

#[test]
fn a_move_to_a_breakout_room_is_reported_as_a_move() {
    let (mut meeting, _) = with_ada_and_bob();
    let moved = meeting
        .take(vec![SdkMeetingEvent::Away { moves: true }, in_room("Red", vec![person(2, "Bob")])], START);
    assert!(moved.moved);
    assert_eq!(told(&moved.events), ["out", "Ada leave", "Bob leave", "in Red", "Bob join"]);
    let Some(MeetingEventKind::Join { participant: Participant { id, .. } }) = moved.events.last() else {
        panic!("expected Bob to join in the room")
    };
    assert_eq!(*id, 2);
}

#[test]
fn every_caption_is_closed_also_when_the_connection_is_lost() {
    let (mut meeting, _) = with_ada_and_bob();
    let news =
        vec![caption("c1", 1, "He", false), caption("c2", 2, "Hi", false), caption("c1", 1, "Hello", true)];
    assert_eq!(take(&mut meeting, news), [" something", "Ada: He", "Bob: Hi", "Ada: Hello."]);
    assert_eq!(take(&mut meeting, vec![caption("c3", 9, "Who", true)]), [": Who."]);
    assert_eq!(take(&mut meeting, vec![SdkMeetingEvent::Removed { id: 2 }]), ["Bob: Hi.", "Bob leave"]);
    take(&mut meeting, vec![caption("c4", 1, "Then", false)]);
    assert_eq!(told(&meeting.away()), ["Ada: Then.", "out"]);
    assert!(meeting.away().is_empty());
}

#[test]
fn a_chat_message_names_its_sender_and_its_receiver() {
    let (mut meeting, _) = with_ada_and_bob();
    let chat = |id: &str, from, to| SdkMeetingEvent::Chat {
        id: id.into(),
        from,
        name: Some("Gone".into()),
        to,
        text: "<script>alert(1)</script>".into(),
    };
    let news =
        vec![chat("M1", 1, 0), chat("M1", 1, 0), chat("M2", 2, BOT), chat("M3", BOT, 0), chat("M4", 8, 0)];
    let happened = meeting.take(news, START).events;
    let messages = happened.iter().map(|what| match what {
        MeetingEventKind::ChatMessage { participant, to, text, .. } => {
            (participant.name.as_str(), *to, text.as_str())
        }
        other => panic!("{other:?}"),
    });
    let text = "<script>alert(1)</script>";
    let expected = [
        ("Ada", ChatReceiver::Everyone, text),
        ("Bob", ChatReceiver::OnlyBot, text),
        ("Gone", ChatReceiver::Everyone, text),
    ];
    assert_eq!(messages.collect::<Vec<_>>(), expected);
}

#[test]
fn bots_are_recognised_by_their_names_their_actions_and_this_installation() {
    let mut meeting = Meeting::new(&["NoteTaker".into()]);
    take(&mut meeting, vec![present(vec![person(1, "Ada's notetaker 🤖"), person(2, "Bob")])]);
    let others = meeting.others();
    assert!(!others.only_bots_by_name && others.only_bots_by_events);
    assert_eq!(told(&meeting.recognise(BTreeSet::from([2]))), ["Bob update"]);
    let others = meeting.others();
    assert!(others.only_bots_by_name && others.our_bots == 1);
    assert!(meeting.recognise(BTreeSet::from([2])).is_empty());
    take(&mut meeting, vec![SdkMeetingEvent::Speaking { users: vec![1] }]);
    assert!(meeting.others().anyone_speaks && !meeting.others().only_bots_by_events);
    take(&mut meeting, vec![SdkMeetingEvent::Removed { id: 1 }, SdkMeetingEvent::Removed { id: 2 }]);
    let alone = meeting.others();
    assert!(!alone.only_bots_by_name && !alone.only_bots_by_events && alone.our_bots == 0);
}

#[test]
fn names_are_unchanged_up_to_a_maximum_length() {
    let mut meeting = Meeting::new(&[]);
    let name = format!("e{}", "\u{301}".repeat(100));
    let news = present(vec![person(1, &name), person(2, &"x".repeat(5000))]);
    let happened = meeting.take(vec![news], START).events;
    let names: Vec<_> =
        happened.iter().filter_map(MeetingEventKind::participant).map(|who| &who.name).collect();
    assert_eq!(names[0], &name);
    assert_eq!(names[1].len(), 500);
}
