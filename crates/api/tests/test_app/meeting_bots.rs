//! Bots, and what is stored about them.

use std::time::Duration;

use model::{BotStatus, LeaseToken, StatusChange, SubCode};
use serde_json::Value;
use store::{Bot, Lease};

use super::{TestApp, last_step};

impl TestApp {
    /// Creates a bot; returns its id.
    pub(crate) async fn bot(&self, request: Value) -> String {
        self.post("/api/v1/bot/", request).await.created()["id"].as_str().unwrap().to_owned()
    }

    /// A new bot that the test plays: a server without browsers leases it. It is the only one that is due.
    pub(crate) async fn leased(&self, request: Value) -> (Bot, Lease) {
        self.bot(request).await;
        let (now, token) = (self.env.now(), LeaseToken::generate(&self.env));
        let until = now + Duration::from_secs(24 * 3600);
        let leased = self.store.lease_due_bots(&[token], now, now, until).await.unwrap();
        leased.into_iter().next().unwrap()
    }

    /// Records a status change of a bot that the test plays.
    pub(crate) async fn step(&self, bot: &Bot, lease: &Lease, code: BotStatus, sub_code: Option<SubCode>) {
        let message = sub_code.map(|sub_code| sub_code.about().to_owned());
        let step = StatusChange { code, sub_code, message, created_at: self.env.now() };
        self.store.record_step(bot.id, lease, &step).await.unwrap();
    }

    /// The bot in its current state.
    pub(crate) async fn look_at(&self, bot: &str) -> Value {
        self.get(&format!("/api/v1/bot/{bot}/")).await.ok()
    }

    /// The bot, once its latest status has this code. Fails if it has ended otherwise.
    pub(crate) async fn until(&self, bot: &str, code: &str) -> Value {
        let what = format!("bot {bot} is {code}");
        self.wait_for(&what, async || {
            let bot = self.look_at(bot).await;
            let last = last_step(&bot)["code"].clone();
            let over = last == "done" || last == "fatal";
            assert!(!over || last == code, "wanted {code}: {:#}", bot["status_changes"]);
            (last == code).then_some(bot)
        })
        .await
    }

    /// A screenshot of a bot that never ran: its name in the bot's list. No API call creates one.
    pub(crate) async fn picture_of(&self, bot: &str) -> String {
        let stored = self.bots.screenshots.store(bot.parse().unwrap(), b"\x89PNG").await;
        format!("{}.png", stored.unwrap())
    }

    /// The names of all screenshot files.
    pub(crate) fn picture_files(&self) -> Vec<String> {
        let folders =
            std::fs::read_dir(self.directory.path().join("screenshots")).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
        let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The folder of the browsers' profiles.
    pub(crate) fn profiles(&self) -> std::path::PathBuf {
        self.directory.path().join("browser")
    }

    /// Waits for a screenshot of the bot in its current state.
    pub(crate) async fn drawn(&self, bot: &str) {
        let since = last_step(&self.look_at(bot).await)["created_at"].as_str().unwrap().to_owned();
        let drawn = async || {
            let listed = self.get(&format!("/api/v1/bot/{bot}/screenshots/")).await.ok();
            let last = listed["results"].as_array()?.last()?["recorded_at"].as_str()?.to_owned();
            (last > since).then_some(())
        };
        self.wait_for("a picture is taken", drawn).await;
    }

    /// The entries of a bot's log; `query` filters by kind.
    pub(crate) async fn log_of(&self, bot: &str, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/latchkey/v1/bot/{bot}/log/{query}")).await.ok();
        answer["results"].as_array().unwrap().clone()
    }

    /// The stored screenshots of a bot.
    pub(crate) async fn pictures(&self, bot: &str) -> Vec<Vec<u8>> {
        let listed = self.get(&format!("/api/v1/bot/{bot}/screenshots/")).await.ok();
        let mut pictures = Vec::new();
        for shot in listed["results"].as_array().unwrap() {
            let answer = self.get(&self.path_of(shot["url"].as_str().unwrap())).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
            assert!(answer.bytes.starts_with(b"\x89PNG"));
            pictures.push(answer.bytes);
        }
        pictures
    }
}
