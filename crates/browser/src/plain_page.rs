//! A page that is used like a person's, for example to press Allow on a consent screen.

use std::{fmt, time::Duration};

use serde_json::{Value, json};

use crate::{
    BrowserError,
    devtools::{DevTools, Signals},
    tab::{Tab, Window},
};

const WAIT_TIMEOUT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const WINDOW: Window = Window { width: 1280, height: 720 };

/// A page at any URL. Dropping it closes its browser context in the background.
pub struct PlainPage {
    tab: Tab,
    _signals: Signals,
}

impl PlainPage {
    pub(crate) async fn open(devtools: &DevTools, url: &str) -> Result<Self, BrowserError> {
        let (tab, signals) = Tab::open(devtools, WINDOW, "unused").await?;
        tab.navigate(url).await?;
        Ok(Self { tab, _signals: signals })
    }

    /// Waits for the first element that matches `selector` and clicks it.
    pub async fn click(&self, selector: &str) -> Result<(), BrowserError> {
        self.wait_for(selector).await?;
        self.ask(selector, "(element.click(), true)").await.map(drop)
    }

    /// Waits until an element matches `selector`, also across a navigation.
    pub async fn wait_for(&self, selector: &str) -> Result<(), BrowserError> {
        let clock = self.tab.devtools().clock();
        let found = clock.timeout(WAIT_TIMEOUT, async {
            loop {
                match self.ask(selector, "true").await {
                    Ok(_) => return Ok(()),
                    // The element is not there yet, or a navigation is in progress.
                    Err(BrowserError::NoElement { .. } | BrowserError::Protocol { .. }) => {
                        clock.sleep(LOOK_AGAIN).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        });
        found.await.unwrap_or_else(|| Err(BrowserError::NoElement { selector: selector.to_owned() }))
    }

    /// The text of the first element that matches `selector`.
    pub async fn text(&self, selector: &str) -> Result<String, BrowserError> {
        let text = self.ask(selector, "element.innerText").await?;
        Ok(text.as_str().unwrap_or_default().trim().to_owned())
    }

    /// The page's current URL.
    pub async fn url(&self) -> Result<String, BrowserError> {
        Ok(self.tab.evaluate("location.href").await?.as_str().unwrap_or_default().to_owned())
    }

    /// Navigates to another URL.
    pub async fn go(&self, url: &str) -> Result<(), BrowserError> {
        self.tab.navigate(url).await
    }

    /// Runs a script in each page that is opened from now on, before the page's own scripts.
    pub async fn run_before_each_page(&self, script: &str) -> Result<(), BrowserError> {
        let _: Value = self.tab.call("Page.enable", json!({})).await?;
        self.tab
            .call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }))
            .await
            .map(|_: Value| ())
    }

    /// Presses and releases a key: `Tab`, `Enter`, or a letter, which is typed into the focused element.
    pub async fn press(&self, key: &str) -> Result<(), BrowserError> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            letter => (0, letter),
        };
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        for kind in [down, "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" {
                event["text"] = text.into();
            }
            let _: Value = self.tab.call("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// Sets the window's size in CSS pixels, the preferred colour scheme, and reduced motion.
    pub async fn look(&self, width: u32, height: u32, dark: bool) -> Result<(), BrowserError> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let _: Value = self.tab.call("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.tab.call("Emulation.setEmulatedMedia", media).await.map(|_: Value| ())
    }

    /// Evaluates an expression in the page. Returns its value as JSON.
    pub async fn evaluate(&self, expression: &str) -> Result<Value, BrowserError> {
        self.tab.evaluate(expression).await
    }

    /// Takes a screenshot of the page: a PNG of 1280×720 pixels, or of the size that was set with [`look`](Self::look).
    pub async fn screenshot(&self) -> Result<Vec<u8>, BrowserError> {
        self.tab.screenshot(std::future::ready(Ok(()))).await
    }

    /// Closes the page and waits until it is closed.
    pub async fn close(self) {
        self.tab.close().await;
    }

    /// Evaluates `expression` for the `element` that matches `selector`.
    async fn ask(&self, selector: &str, expression: &str) -> Result<Value, BrowserError> {
        let quoted = Value::from(selector);
        let script = format!("(element => element && {expression})(document.querySelector({quoted}))");
        match self.tab.evaluate(&script).await? {
            Value::Null => Err(BrowserError::NoElement { selector: selector.to_owned() }),
            value => Ok(value),
        }
    }
}

impl fmt::Debug for PlainPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainPage").finish_non_exhaustive()
    }
}
