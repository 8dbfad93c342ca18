//! One bot in one page.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    BrowserError, JoinRequest, PageEnd, PageEvent,
    devtools::{DevTools, Signal, Signals},
    liveness::Unresponsive,
    page_messages::{PageMessage, Tracker},
    tab::{ObjectId, Tab, Window},
};

/// The binding through which the page sends events. `web/bot/page.js` calls it by this name.
const BINDING: &str = "latchkeyEvent";
/// The time limit from an empty page to an initialised SDK. It usually takes two seconds, and longer when many bots start at
/// once.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// The SDK's 16:9 gallery and its frame fill this size exactly; a wider window would only have a border.
const WINDOW: Window = Window { width: 1122, height: 720 };

/// A page with the SDK initialised, before, in or after a meeting. Dropping it closes its browser context in
/// the background.
pub struct BotPage {
    /// The browser's version, for example `Chromium/156.0.8078.79`.
    chromium: String,
    tab: Tab,
    signals: Signals,
    tracker: Tracker,
    /// The object in the page that accepts commands.
    bot: ObjectId,
    news: VecDeque<PageEvent>,
    /// Resolves when the page no longer responds. The mutex is never locked; it only makes the page `Sync`.
    silence: Mutex<Unresponsive>,
    gone: Option<PageEnd>,
}

impl BotPage {
    /// Opens the bot page at `url` and waits for its SDK.
    pub(crate) async fn open(
        devtools: &DevTools,
        url: &str,
        answer_within: Duration,
        chromium: &str,
    ) -> Result<Self, BrowserError> {
        let opened = devtools.clock().timeout(READY_TIMEOUT, async {
            let (tab, mut signals) = Tab::open(devtools, WINDOW, BINDING).await?;
            tab.navigate(url).await?;
            wait_until_ready(devtools, &mut signals).await?;
            let bot = tab.object("bot").await?;
            let silence = Mutex::new(tab.silence(answer_within));
            let (tracker, news) = (Tracker::new(), VecDeque::new());
            let chromium = chromium.to_owned();
            Ok(Self { chromium, tab, signals, tracker, bot, news, silence, gone: None })
        });
        opened.await.unwrap_or(Err(BrowserError::Timeout { what: "the bot page", span: READY_TIMEOUT }))
    }

    /// The version of the page's browser, for example `Chromium/156.0.8078.79`.
    pub fn chromium(&self) -> &str {
        &self.chromium
    }

    /// Passes `request` to the page. [`event`](Self::event) reports the result.
    pub async fn join(&mut self, request: JoinRequest) -> Result<(), BrowserError> {
        // Before the call, because the page may send messages while the call is in progress.
        let joining = self.tracker.join();
        self.news.push_back(joining);
        let request = [request.for_page()];
        self.tab.call_on(&self.bot, "function(request) { this.join(request) }", &request).await
    }

    /// Makes the bot request captions once it is in the meeting. Call this before [`join`](Self::join).
    pub async fn want_captions(&self) -> Result<(), BrowserError> {
        self.tab.call_on(&self.bot, "function() { this.wantCaptions() }", &[]).await
    }

    /// Leaves the meeting. [`PageEvent::Left`] follows if the bot was in a meeting or joining one.
    pub async fn leave(&self) -> Result<(), BrowserError> {
        self.tab.call_on(&self.bot, "function() { this.leave() }", &[]).await
    }

    /// Waits for the next event. Cancel-safe: dropping the future loses no event.
    pub async fn event(&mut self) -> PageEvent {
        loop {
            if let Some(event) = self.news.pop_front() {
                return event;
            }
            if let Some(gone) = self.gone {
                return PageEvent::Gone(gone);
            }
            let silence = self.silence.get_mut().unwrap_or_else(PoisonError::into_inner);
            let signal = tokio::select! {
                // Messages of the page are read before its end is reported.
                biased;
                signal = self.signals.recv() => signal,
                () = silence => {
                    self.gone = Some(PageEnd::PageFrozen);
                    continue;
                }
            };
            match signal {
                Some(Signal::Said(text)) => self.hear(&text),
                Some(Signal::Gone) => self.gone = Some(PageEnd::PageCrashed),
                None => self.gone = Some(PageEnd::BrowserGone),
            }
        }
    }

    fn hear(&mut self, text: &str) {
        if let Ok(message) = serde_json::from_str(text) {
            self.news.extend(self.tracker.read(message));
        } else {
            // The text is not logged: it may quote a token.
            tracing::warn!(bytes = text.len(), "the bot page sent a message that could not be parsed");
        }
    }

    /// Takes a screenshot of the page: a PNG of 1122×720 pixels. In a meeting it shows the gallery, otherwise the SDK's
    /// message. The page reports when it is completely drawn, so the caller need not wait before.
    pub async fn screenshot(&self) -> Result<Vec<u8>, BrowserError> {
        let pose = self.tab.call_on(&self.bot, "function() { return this.pose() }", &[]);
        let picture = self.tab.screenshot(pose).await;
        if picture.is_ok() {
            // If this fails, the page returns to its minimized view by itself.
            let _ = self.tab.call_on(&self.bot, "function() { return this.relax() }", &[]).await;
        }
        picture
    }

    /// Collects the page's garbage. The SDK's start and the join leave some 35 MB, which the browser would otherwise free at
    /// an unknown time.
    pub async fn tidy(&self) -> Result<(), BrowserError> {
        self.tab.call::<Value>("HeapProfiler.collectGarbage", json!({})).await.map(drop)
    }

    /// Calls `function` on the object in the page that accepts commands.
    pub(crate) async fn call(&self, function: &str, arguments: &[Value]) -> Result<(), BrowserError> {
        self.tab.call_on(&self.bot, function, arguments).await
    }

    /// Closes the page and waits until it is closed. A bot in a meeting leaves it.
    pub async fn close(self) {
        self.tab.close().await;
    }
}

async fn wait_until_ready(devtools: &DevTools, signals: &mut Signals) -> Result<(), BrowserError> {
    while let Some(signal) = signals.recv().await {
        let Signal::Said(text) = signal else { return Err(BrowserError::PageGone) };
        match serde_json::from_str(&text) {
            Ok(PageMessage::Ready) => return Ok(()),
            Ok(PageMessage::Broken { message }) => return Err(BrowserError::Sdk { message }),
            Ok(PageMessage::Script { message }) => {
                tracing::debug!(message, "the SDK threw an exception during its start");
            }
            _ => {}
        }
    }
    Err(if devtools.is_gone() { BrowserError::BrowserGone } else { BrowserError::PageGone })
}

impl fmt::Debug for BotPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotPage")
            .field("tracker", &self.tracker)
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
