//! Servers that stop, politely or not, and those that carry on.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{runtime, sync::oneshot};

use crate::{
    STUDIO, TIMED, codes,
    house::{House, Plan},
    studio, why,
};

#[tokio::test]
async fn a_server_that_stops_brings_its_bots_out_and_leaves_the_others_to_the_next() {
    let house = studio().await;
    let meeting = house.zoom.meeting(json!({})).await;
    let inside = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "Inside" })).await;
    house.until(&inside, "in_call_not_recording").await;
    house.zoom.hold_up("wc_info", 3_600_000).await;
    let joining = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "Joining" })).await;
    let struck = async || (house.zoom.count("faults").await == 1).then_some(());
    house.wait_for("Zoom is asked", struck).await;
    let next = house.another(&Plan { capacity: 0, ..STUDIO }).await;
    house.stop().await;

    let ended = next.look_at(&inside).await;
    assert_eq!(codes(&ended), ["ready", "joining_call", "in_call_not_recording", "call_ended", "done"]);
    assert_eq!(why(&ended, "call_ended"), ("", "Latchkey was stopped"));
    assert!(meeting.people().await.is_empty());
    assert_eq!(codes(&next.look_at(&joining).await), ["ready", "joining_call"]);

    // At once: it was given back.
    let next = next.another(&STUDIO).await;
    let resumed = next.until(&joining, "in_call_not_recording").await;
    assert_eq!(codes(&resumed), ["ready", "joining_call", "joining_call", "in_call_not_recording"]);
    next.stop().await;
}

#[tokio::test]
async fn a_bot_whose_server_died_is_taken_over_when_its_lease_has_lapsed() {
    let house = Arc::new(House::build(&Plan { capacity: 0, ..TIMED }).await);
    let meeting = house.zoom.meeting(json!({})).await;
    let bot = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "Survivor" })).await;

    // A server in a runtime of its own, which ends in the middle of everything.
    let doomed = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (running, runs) = oneshot::channel();
    let founder = Arc::clone(&house);
    doomed.spawn(async move {
        let _server = founder.another(&TIMED).await;
        running.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    runs.await.unwrap();
    house.until(&bot, "in_call_not_recording").await;
    doomed.shutdown_background();
    let alone = async || meeting.people().await.is_empty().then_some(());
    house.wait_for("its browser is gone with it", alone).await;

    let heir = house.another(&TIMED).await;
    heir.pass(Duration::from_secs(20)).await;
    let left_alone = heir.look_at(&bot).await;
    assert_eq!(
        codes(&left_alone),
        ["ready", "joining_call", "in_call_not_recording"],
        "the lease is respected"
    );
    let resumed = heir.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&resumed).len(), 3);
    let again = async || Some(heir.look_at(&bot).await).filter(|bot| codes(bot).len() == 5);
    let resumed = heir.wait_for("the bot is in again", again).await;
    assert_eq!(
        codes(&resumed),
        ["ready", "joining_call", "in_call_not_recording", "joining_call", "in_call_not_recording"]
    );
    assert_eq!(why(&resumed, "joining_call").1, "The server was restarted; joining again.");
    assert_eq!(meeting.people().await.len(), 1);
    heir.stop().await;
}
