//! Tests that the credentials of a join are visible only to the bot's page.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use browser::{JoinToken, PageEvent};
use model::Secret;
use serde_json::json;
use support::{World, processes, profiles, until};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// All log output of this crate at the most detailed level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_secret_is_logged_or_on_a_command_line() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("browser=trace"))
        .with_writer(log.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let world = World::new().await;
    let meeting = world.meeting(json!({ "passcode": "planted-passcode" })).await;
    let mut request = world.request(&meeting, "Bot", Some(world.zak("host@example.com").await));
    request.passcode = Secret::new("planted-passcode");
    let Some(JoinToken::Zak(zak)) = request.token.clone() else { panic!("no ZAK") };
    let secrets = [zak, request.passcode.clone(), request.signature.clone()];
    assert!(!holds(&format!("{request:?}"), &secrets));

    let mut bot = world.browser.open().await.unwrap();
    bot.join(request).await.unwrap();
    until(&mut bot, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    for process in processes(&profiles(world.state.path())[0], &[]) {
        let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        assert!(!holds(&String::from_utf8_lossy(&arguments), &secrets));
    }
    world.browser.close().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("Runtime.callFunctionOn"), "the join itself is logged, without its arguments");
    assert!(!holds(&log, &secrets));
}

fn holds(text: &str, secrets: &[Secret]) -> bool {
    secrets.iter().any(|secret| text.contains(secret.expose()))
}
