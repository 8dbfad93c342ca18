//! One bot in one page.

use std::{collections::VecDeque, fmt, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    BrowserError, Gone, JoinRequest, PageEvent,
    devtools::{DevTools, Signal, Signals},
    tab::Tab,
    tracker::{PageMessage, Tracker},
};

/// The page's one way out. `web/bot/page.js` calls it by this name.
const BINDING: &str = "latchkeyEvent";
/// From the empty page to an initialised SDK. Two seconds are usual; a machine that starts many bots at once is slow.
const READY_DEADLINE: Duration = Duration::from_secs(30);

/// A page with the SDK loaded and initialised, waiting for a meeting or in one. Dropping it closes its context in
/// the background.
pub struct BotPage {
    tab: Tab,
    signals: Signals,
    tracker: Tracker,
    /// The object in the page that takes commands.
    bot: String,
    news: VecDeque<PageEvent>,
    gone: Option<Gone>,
}

impl BotPage {
    /// Opens the bot page at `url` and waits for its SDK.
    pub(crate) async fn open(devtools: &DevTools, url: &str) -> Result<Self, BrowserError> {
        let opened = devtools.clock().timeout(READY_DEADLINE, async {
            let (tab, mut signals) = Tab::open(devtools, BINDING).await?;
            tab.navigate(url).await?;
            wait_until_ready(devtools, &mut signals).await?;
            let bot = find_bot(&tab).await?;
            Ok(Self { tab, signals, tracker: Tracker::new(), bot, news: VecDeque::new(), gone: None })
        });
        opened.await.unwrap_or(Err(BrowserError::Timeout { what: "the bot page", span: READY_DEADLINE }))
    }

    /// Hands `request` to the page. What comes of it is told by [`event`](Self::event).
    pub async fn join(&mut self, request: JoinRequest) -> Result<(), BrowserError> {
        // Before the call: the page may answer while it is still under way.
        let joining = self.tracker.join();
        self.news.push_back(joining);
        self.command("function(request) { this.join(request) }", Some(request.for_page())).await
    }

    /// Leaves the meeting; [`PageEvent::Left`] follows.
    pub async fn leave(&self) -> Result<(), BrowserError> {
        self.command("function() { this.leave() }", None).await
    }

    /// The next thing that happens. Loses nothing when its future is dropped.
    pub async fn event(&mut self) -> PageEvent {
        loop {
            if let Some(event) = self.news.pop_front() {
                return event;
            }
            if let Some(gone) = self.gone {
                return PageEvent::Gone(gone);
            }
            match self.signals.recv().await {
                Some(Signal::Said(text)) => self.hear(&text),
                Some(Signal::Gone) => self.gone = Some(Gone::PageCrashed),
                None => self.gone = Some(Gone::BrowserGone),
            }
        }
    }

    fn hear(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(message) => self.news.extend(self.tracker.read(message)),
            Err(error) => tracing::warn!(%error, "the bot page said something unreadable"),
        }
    }

    /// A picture of what the bot sees now, as PNG of 1280×720.
    pub async fn screenshot(&self) -> Result<Vec<u8>, BrowserError> {
        self.tab.screenshot().await
    }

    /// Closes the page and waits until it is closed. A bot that is still in its meeting leaves it.
    pub async fn close(self) {
        self.tab.close().await;
    }

    async fn command(&self, function: &str, argument: Option<Value>) -> Result<(), BrowserError> {
        let arguments: Vec<Value> = argument.into_iter().map(|value| json!({ "value": value })).collect();
        let params = json!({ "objectId": self.bot, "functionDeclaration": function, "arguments": arguments });
        // As an argument, not as part of a script: scripts are kept and shown by the browser's tools.
        self.tab.call::<Value>("Runtime.callFunctionOn", params).await.map(drop)
    }
}

async fn wait_until_ready(devtools: &DevTools, signals: &mut Signals) -> Result<(), BrowserError> {
    while let Some(signal) = signals.recv().await {
        let Signal::Said(text) = signal else { return Err(BrowserError::PageGone) };
        match serde_json::from_str(&text) {
            Ok(PageMessage::Ready) => return Ok(()),
            Ok(PageMessage::Broken { message }) => return Err(BrowserError::Sdk { message }),
            Ok(PageMessage::Script { message }) => tracing::debug!(message, "the SDK threw while starting"),
            _ => {}
        }
    }
    Err(if devtools.is_gone() { BrowserError::BrowserGone } else { BrowserError::PageGone })
}

async fn find_bot(tab: &Tab) -> Result<String, BrowserError> {
    #[derive(Deserialize)]
    struct Found {
        result: Object,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Object {
        object_id: String,
    }

    let found: Found = tab.call("Runtime.evaluate", json!({ "expression": "bot" })).await?;
    Ok(found.result.object_id)
}

impl fmt::Debug for BotPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotPage")
            .field("tracker", &self.tracker)
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}
