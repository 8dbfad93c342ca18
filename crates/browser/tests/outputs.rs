//! Tests the bot's picture and chat messages, as other participants see them.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::{io::Cursor, time::Duration};

use browser::{BotPage, ChatOutcome, ChatTo, PageEvent};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use support::{World, until};

const RED: [u8; 3] = [200, 20, 20];
const BLUE: [u8; 3] = [20, 20, 200];
const SETTLE: Duration = Duration::from_secs(8);
const MEASURE: Duration = Duration::from_secs(15);

fn jpeg(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::ImageRgb8(RgbImage::from_pixel(640, 360, Rgb(colour)));
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// The share of the page's pixels that have about this colour, in percent.
fn share_in(png: &[u8], colour: [u8; 3]) -> usize {
    let shown = image::load_from_memory(png).unwrap().to_rgb8();
    let near = |pixel: &&Rgb<u8>| pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 24);
    shown.pixels().filter(near).count() * 100 / shown.pixels().count()
}

/// The share of pixels in the middle of the bot's tile that have about this colour, in percent. The bot must be alone in its
/// meeting, so that its tile fills the gallery.
async fn share_of(page: &BotPage, colour: [u8; 3]) -> usize {
    let png = page.screenshot().await.unwrap();
    let shown = image::load_from_memory(&png).unwrap().to_rgb8();
    let (width, height) = shown.dimensions();
    let middle = image::imageops::crop_imm(&shown, width / 4, height / 4, width / 2, height / 2).to_image();
    let near = |pixel: &Rgb<u8>| pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 24);
    let (all, alike) = (middle.pixels().count(), middle.pixels().filter(|pixel| near(pixel)).count());
    alike * 100 / all
}

/// The simulator gives each user a picture of one colour, `hsl(… 55% 42%)`, with initials.
fn colour_of_avatar(user: &str) -> [u8; 3] {
    let hue = user.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 360);
    [0_u32, 8, 4].map(|channel| {
        let place = f64::from((channel * 30 + hue) % 360) / 30.0;
        let light = 0.42 - 0.55 * 0.42 * (place - 3.0).min(9.0 - place).clamp(-1.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 48 to 166")]
        let value = (light * 255.0).round() as u8;
        value
    })
}

async fn camera(page: &mut BotPage) -> bool {
    let event = until(page, |event| matches!(event, PageEvent::Camera { .. })).await;
    let PageEvent::Camera { on, wanted } = event else { unreachable!() };
    assert_eq!(on, wanted);
    on
}

async fn chatted(page: &mut BotPage, number: u32) -> ChatOutcome {
    let event = until(page, |event| matches!(event, PageEvent::Chatted { .. })).await;
    let PageEvent::Chatted { id, outcome, .. } = event else { unreachable!() };
    assert_eq!(id, number);
    outcome
}

/// Tests both ways in which the SDK sends a camera. Without WebRTC it draws the bot's own tile up to a second after the
/// gallery, which is too late for a screenshot of the page.
#[tokio::test]
async fn a_picture_is_shown_changed_and_removed() {
    let world = World::new().await;
    for webrtc in [false, true] {
        let meeting = world.meeting(json!({ "webrtc_video": webrtc })).await;
        let mut page = world.browser.open().await.unwrap();
        page.show(Some(&jpeg(RED))).await.unwrap();
        page.join(world.request(&meeting, "Notes", None)).await.unwrap();
        until(&mut page, |event| matches!(event, PageEvent::InMeeting { .. })).await;
        assert!(camera(&mut page).await);
        assert_eq!(world.person(&meeting, "Notes").await["video_on"], true);
        if webrtc {
            assert!(share_of(&page, RED).await > 95);
        }

        page.show(Some(&jpeg(BLUE))).await.unwrap();
        assert!(camera(&mut page).await);
        if webrtc {
            until_true(async || share_of(&page, BLUE).await > 95).await;
            assert_eq!(share_of(&page, RED).await, 0);
        }

        page.show(None).await.unwrap();
        assert!(!camera(&mut page).await);
        assert_eq!(world.person(&meeting, "Notes").await["video_on"], false);
        assert_eq!((share_of(&page, RED).await, share_of(&page, BLUE).await), (0, 0));
        page.close().await;
    }
    world.browser.close().await;
}

#[tokio::test]
async fn a_picture_replaces_the_accounts_picture_until_it_is_removed() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "webrtc_video": true })).await;
    let mut page = world.browser.open().await.unwrap();
    let avatar = colour_of_avatar(&world.user("robin@example.com").await);
    let zak = world.zak("robin@example.com").await;
    page.join(world.request(&meeting, "Notes", Some(zak))).await.unwrap();
    until(&mut page, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    until_true(async || share_of(&page, avatar).await > 1).await;

    page.show(Some(&jpeg(RED))).await.unwrap();
    assert!(camera(&mut page).await);
    until_true(async || share_of(&page, RED).await > 95).await;
    assert_eq!(share_of(&page, avatar).await, 0);

    page.show(None).await.unwrap();
    assert!(!camera(&mut page).await);
    until_true(async || share_of(&page, avatar).await > 1).await;
    assert_eq!(share_of(&page, RED).await, 0);
    world.browser.close().await;
}

#[tokio::test]
async fn a_screenshot_waits_for_the_bots_own_tile_also_among_others() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "webrtc_video": true })).await;
    world.seat_with(&meeting, json!({ "name": "Ada", "host": true })).await;
    let mut page = world.bot_in(&meeting, "Notes").await;
    page.show(Some(&jpeg(RED))).await.unwrap();
    assert!(camera(&mut page).await);
    // The page shows two tiles, one above the other, and the frame around them.
    for _ in 0..3 {
        let red = share_in(&page.screenshot().await.unwrap(), RED);
        assert!(red > 15, "{red} % of the page are red");
    }
    page.close().await;
    world.browser.close().await;
}

#[tokio::test]
async fn a_picture_returns_after_a_reconnect_and_stays_off_when_the_host_stops_it() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "webrtc_video": true })).await;
    let mut page = world.bot_in(&meeting, "Notes").await;
    page.show(Some(&jpeg(RED))).await.unwrap();
    assert!(camera(&mut page).await);
    world.control(&format!("meetings/{meeting}/drop-sockets"), json!({})).await;
    until(&mut page, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    assert!(camera(&mut page).await);
    assert_eq!(world.person(&meeting, "Notes").await["video_on"], true);
    let id = world.person(&meeting, "Notes").await["id"].clone();
    world.change(&format!("meetings/{meeting}/participants/{id}"), json!({ "video_on": false })).await;
    until_true(async || world.person(&meeting, "Notes").await["video_on"] == false).await;
    world.browser.close().await;
}

#[tokio::test]
async fn a_message_reaches_its_receivers_and_a_refusal_is_reported() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let (ada, bob) = (
        world.seat_with(&meeting, json!({ "name": "Ada", "host": true })).await,
        world.seat_with(&meeting, json!({ "name": "Bob" })).await,
    );
    let mut page = world.bot_in(&meeting, "Notes").await;
    let text = "Hé 👋 <img src=x onerror=alert(1)>";
    for (number, (to, receivers)) in [
        (ChatTo::Everyone, vec![Value::Null]),
        (ChatTo::Host, vec![ada.clone()]),
        (ChatTo::EveryoneExceptHost, vec![bob.clone()]),
        (ChatTo::Participant(u32::try_from(bob.as_u64().unwrap()).unwrap()), vec![bob.clone()]),
    ]
    .into_iter()
    .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        page.chat(number, text, to).await.unwrap();
        assert_eq!(chatted(&mut page, number).await, ChatOutcome::Sent, "{to:?}");
        let chat = world.read(&format!("meetings/{meeting}/chat")).await;
        let last: Vec<_> = chat.as_array().unwrap().iter().skip(number as usize).collect();
        let seen: Vec<_> = last.iter().map(|message| message["to"].clone()).collect();
        assert_eq!((seen, last[0]["text"].as_str()), (receivers, Some(text)));
    }
    page.chat(7, text, ChatTo::Participant(1)).await.unwrap();
    assert_eq!(chatted(&mut page, 7).await, ChatOutcome::Nobody);
    world.change(&format!("meetings/{meeting}"), json!({ "chat": "host_only" })).await;
    until_outcome(&mut page, 8, ChatOutcome::Forbidden).await;
    // In this case the SDK sends the message and Zoom refuses it. From then on the SDK confirms no more messages.
    world.change(&format!("meetings/{meeting}"), json!({ "chat": "nobody" })).await;
    until_outcome(&mut page, 100, ChatOutcome::Unconfirmed).await;
    world.change(&format!("meetings/{meeting}"), json!({ "chat": "everyone" })).await;
    page.chat(200, "arrives", ChatTo::Everyone).await.unwrap();
    assert_eq!(chatted(&mut page, 200).await, ChatOutcome::Unconfirmed);
    let chat = world.read(&format!("meetings/{meeting}/chat")).await;
    assert_eq!(chat.as_array().unwrap().last().unwrap()["text"], "arrives");
    world.browser.close().await;
}

/// Prints the CPU usage of a bot in a meeting, with and without a picture: that of the whole browser, in cores.
/// `cargo nextest run -p browser --run-ignored only --no-capture what_a_picture_costs`
#[tokio::test]
#[ignore = "it measures, for a minute"]
async fn what_a_picture_costs() {
    let world = World::new().await;
    let clock = model::Environment::system().clock;
    for webrtc in [true, false] {
        let meeting = world.meeting(json!({ "webrtc_video": webrtc })).await;
        world.seat(&meeting, "Ada").await;
        let mut page = world.bot_in(&meeting, "Notes").await;
        let measure = async |what: &str| {
            clock.sleep(SETTLE).await;
            let before = processor_time();
            clock.sleep(MEASURE).await;
            let used = processor_time() - before;
            println!("webrtc_video {webrtc}, {what}: {:.3} of a core", used / MEASURE.as_secs_f64());
        };
        measure("without a picture").await;
        page.show(Some(&jpeg(RED))).await.unwrap();
        assert!(camera(&mut page).await);
        measure("with a picture").await;
        page.close().await;
    }
    world.browser.close().await;
}

/// The CPU time of all processes of the browser, in seconds. Linux counts in hundredths of a second.
fn processor_time() -> f64 {
    let stat = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ticks = |stat: String| -> f64 {
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let field =
            |number: usize| fields.get(number).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        field(11) + field(12)
    };
    support::tree_of(std::process::id()).iter().map(stat).map(ticks).sum::<f64>() / 100.0
}

/// Sends messages until one has the `outcome`, because a change of settings takes a moment to arrive.
async fn until_outcome(page: &mut BotPage, first: u32, outcome: ChatOutcome) {
    for number in first..first + 50 {
        page.chat(number, "again", ChatTo::Everyone).await.unwrap();
        if chatted(page, number).await == outcome {
            return;
        }
    }
    panic!("never {outcome:?}");
}

async fn until_true(check: impl AsyncFn() -> bool) {
    support::within(async {
        while !check().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
