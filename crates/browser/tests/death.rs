//! Tests every way in which a page, a browser or Latchkey itself can end.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use browser::{Browser, BrowserError, PageEnd, PageEvent};
use model::Environment;
use serde_json::json;
use support::{World, config, next, processes, profiles, send, until, within};

/// Longer than the SDK blocks its page during its start.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_crashed_page_does_not_affect_others() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let mut bot = world.bot_in(&meeting, "Bot").await;

    send("KILL", &processes(&profiles(world.state.path())[0], &["--type=renderer"]));
    assert_eq!(next(&mut bot).await, PageEvent::Gone(PageEnd::PageCrashed));
    assert_eq!(
        next(&mut bot).await,
        PageEvent::Gone(PageEnd::PageCrashed),
        "repeated calls return the same event"
    );
    assert!(matches!(bot.screenshot().await, Err(BrowserError::PageGone)));
    bot.close().await;

    assert!(world.browser.is_alive());
    world.bot_in(&meeting, "Next").await.close().await;
    world.browser.close().await;
}

#[tokio::test]
async fn a_killed_browser_is_noticed_at_once() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let mut bot = world.bot_in(&meeting, "Bot").await;
    let profile = profiles(world.state.path()).remove(0);
    let temporary = temporary_files_of(&profile);
    assert!(std::fs::read_dir(&temporary).unwrap().count() > 0, "Chromium has a socket there");

    send("KILL", &main_process(&profile));
    assert_eq!(next(&mut bot).await, PageEvent::Gone(PageEnd::BrowserGone));
    within(world.browser.closed()).await;
    assert!(!world.browser.is_alive());
    assert!(matches!(world.browser.open().await, Err(BrowserError::BrowserGone)));
    assert!(matches!(bot.leave().await, Err(BrowserError::BrowserGone)));
    world.browser.close().await;
    assert!(profiles(world.state.path()).is_empty());
    assert!(!temporary.exists(), "{} is left", temporary.display());
}

/// A frozen page is detected only because it doesn't respond. Closing it takes its bot out of the meeting.
#[tokio::test]
async fn a_frozen_page_is_noticed_and_can_be_closed() {
    let world = World::answering_within(SOON).await;
    let meeting = world.meeting(json!({})).await;
    let mut bot = world.bot_in(&meeting, "Bot").await;

    send("STOP", &processes(&profiles(world.state.path())[0], &["--type=renderer"]));
    assert_eq!(next(&mut bot).await, PageEvent::Gone(PageEnd::PageFrozen));
    within(bot.close()).await;
    within(async {
        while !world.names(&meeting).await.is_empty() {
            Environment::system().clock.sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    world.browser.close().await;
}

#[tokio::test]
async fn a_frozen_browser_is_ended() {
    let world = World::answering_within(SOON).await;
    let meeting = world.meeting(json!({})).await;
    let mut bot = world.bot_in(&meeting, "Bot").await;
    let frozen = main_process(&profiles(world.state.path())[0]);
    send("STOP", &frozen);
    until(&mut bot, |event| matches!(event, PageEvent::Gone(_))).await;
    within(world.browser.closed()).await;
    until_ended(&frozen).await;
    world.browser.close().await;
}

#[tokio::test]
async fn close_leaves_nothing_behind() {
    let state = tempfile::tempdir().unwrap();
    let browser = Browser::launch(config(state.path()), Environment::system()).await.unwrap();
    assert!(browser.version().starts_with("Chromium/"), "{}", browser.version());
    let profile = profiles(state.path()).remove(0);
    let running = processes(&profile, &[]);
    assert!(!running.is_empty());
    browser.close().await;
    assert!(profiles(state.path()).is_empty());
    until_ended(&running).await;
}

/// When Latchkey is killed with -9, its Chromium ends too. A Chromium that hangs is ended by the next start.
#[tokio::test]
async fn nothing_is_left_for_long_after_latchkey_is_killed() {
    let state = tempfile::tempdir().unwrap();
    let (mut latchkey, profile) = another_latchkey(state.path());
    let chromium = main_process(&profile);
    let temporary = temporary_files_of(&profile);
    latchkey.kill().unwrap();
    latchkey.wait().unwrap();
    until_ended(&chromium).await;

    let (mut latchkey, hanging_profile) = another_latchkey(state.path());
    assert!(!profile.exists() && !temporary.exists(), "removed by the next start");
    let hanging = main_process(&hanging_profile);
    send("STOP", &hanging);
    latchkey.kill().unwrap();
    latchkey.wait().unwrap();
    let browser = Browser::launch(config(state.path()), Environment::system()).await.unwrap();
    until_ended(&hanging).await;
    assert_eq!(profiles(state.path()).len(), 1, "the new browser's profile");
    browser.close().await;
}

/// Not a test: the second process of the test above. It starts a browser and waits to be killed.
#[tokio::test]
#[ignore = "run by another test"]
async fn runs_until_it_is_killed() {
    let Some(state) = std::env::var_os("STATE_DIR") else { return };
    let _browser = Browser::launch(config(Path::new(&state)), Environment::system()).await.unwrap();
    eprintln!("running");
    std::future::pending::<()>().await;
}

/// Starts another process with a browser in `state`. Also returns the browser's profile.
fn another_latchkey(state: &Path) -> (Child, PathBuf) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "runs_until_it_is_killed", "--nocapture"])
        .env("STATE_DIR", state)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "running"));
    (child, profiles(state).remove(0))
}

/// The folder for temporary files of the browser with this profile.
fn temporary_files_of(profile: &Path) -> PathBuf {
    std::fs::read_link(profile.join("temporary")).unwrap()
}

/// The browser's main process, which was started first.
fn main_process(profile: &Path) -> [u32; 1] {
    [processes(profile, &[]).into_iter().min().unwrap()]
}

async fn until_ended(processes: &[u32]) {
    let clock = Environment::system().clock;
    within(async {
        while processes.iter().any(|pid| is_running(*pid)) {
            clock.sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Whether `pid` runs. If orphans are not reaped, ended processes stay listed as zombies.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}
