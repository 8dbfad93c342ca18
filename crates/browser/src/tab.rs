//! One page in its own browser context: the common part of bot pages and plain pages.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    BrowserError,
    devtools::{DevTools, Signals, refused},
    liveness::{self, Unresponsive},
};

const SCREENSHOT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a page may take to close. After that, the browser closes it by force.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// A script that resolves when the page's event loop has handled all waiting tasks. It uses no timer, because those may be
/// throttled.
const THROUGH_THE_EVENT_LOOP: &str = "new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { port1.close(); done(); };
    port2.postMessage(0);
})";

/// The page's window size in pixels; a screenshot has the same size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A page. Dropping this closes the page and deletes its cookies and its cache.
pub(crate) struct Tab {
    devtools: DevTools,
    context: Context,
    session: String,
}

/// A browser context. It is disposed of when dropped, so that pages that failed to open do not leak.
struct Context {
    devtools: DevTools,
    id: String,
    disposed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContextCreated {
    browser_context_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetCreated {
    target_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    session_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Navigated {
    error_text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evaluated {
    #[serde(default)]
    result: Remote,
    exception_details: Option<Thrown>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Remote {
    #[serde(default)]
    value: Value,
    object_id: Option<String>,
}

#[derive(Deserialize)]
struct Thrown {
    text: String,
}

/// An object in a page.
pub(crate) struct ObjectId(String);

impl Evaluated {
    fn value(self) -> Result<Value, BrowserError> {
        match self.exception_details {
            // This text is only "Uncaught". The text of the exception is not used, because it may quote a token.
            Some(thrown) => Err(refused("a script", thrown.text)),
            None => Ok(self.result.value),
        }
    }
}

impl Tab {
    /// Opens an empty page. Also returns the messages that the page sends through the binding `binding`.
    pub(crate) async fn open(
        devtools: &DevTools,
        window: Window,
        binding: &str,
    ) -> Result<(Self, Signals), BrowserError> {
        // `disposeOnDetach` ends the context with our connection, even if this process is killed.
        let context: ContextCreated =
            devtools.call(None, "Target.createBrowserContext", json!({ "disposeOnDetach": true })).await?;
        let context = Context { devtools: devtools.clone(), id: context.browser_context_id, disposed: false };
        let target = json!({ "url": "about:blank", "browserContextId": context.id, "newWindow": true });
        let TargetCreated { target_id } = devtools.call(None, "Target.createTarget", target).await?;
        let attach = json!({ "targetId": target_id, "flatten": true });
        let Attached { session_id } = devtools.call(None, "Target.attachToTarget", attach).await?;

        let signals = devtools.listen(&session_id);
        let tab = Self { devtools: devtools.clone(), context, session: session_id };
        let Window { width, height } = window;
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
            // A headless screen has 800×600 pixels by default, which is smaller than the window.
            "screenWidth": width, "screenHeight": height,
        });
        tokio::try_join!(
            // Enables `Inspector.targetCrashed`.
            tab.call::<Value>("Inspector.enable", json!({})),
            // Without this, the binding is lost when the empty page navigates.
            tab.call::<Value>("Runtime.enable", json!({})),
            tab.call::<Value>("Runtime.addBinding", json!({ "name": binding })),
            tab.call::<Value>("Emulation.setDeviceMetricsOverride", size),
        )?;
        Ok((tab, signals))
    }

    /// Navigates to `url`; the page may still be loading afterwards.
    pub(crate) async fn navigate(&self, url: &str) -> Result<(), BrowserError> {
        let navigated: Navigated = self.call("Page.navigate", json!({ "url": url })).await?;
        match navigated.error_text {
            Some(error) => Err(refused("to open the page", error)),
            None => Ok(()),
        }
    }

    /// Evaluates `expression` in the page.
    pub(crate) async fn evaluate(&self, expression: &str) -> Result<Value, BrowserError> {
        let params = json!({ "expression": expression, "returnByValue": true });
        self.call::<Evaluated>("Runtime.evaluate", params).await?.value()
    }

    /// Returns a handle to the object that `expression` evaluates to in the page.
    pub(crate) async fn object(&self, expression: &str) -> Result<ObjectId, BrowserError> {
        let found: Evaluated = self.call("Runtime.evaluate", json!({ "expression": expression })).await?;
        let missing = || refused("a script", format!("{expression} is not an object"));
        found.result.object_id.map(ObjectId).ok_or_else(missing)
    }

    /// Calls `function` on `object`, and awaits its promise if it returns one. Tokens are passed as arguments, because the
    /// browser retains scripts, but not arguments.
    pub(crate) async fn call_on(
        &self,
        object: &ObjectId,
        function: &str,
        arguments: &[Value],
    ) -> Result<(), BrowserError> {
        let arguments: Vec<Value> = arguments.iter().map(|value| json!({ "value": value })).collect();
        let params = json!({
            "objectId": object.0, "functionDeclaration": function, "arguments": arguments, "awaitPromise": true,
        });
        self.call::<Evaluated>("Runtime.callFunctionOn", params).await?.value().map(drop)
    }

    /// Takes a PNG of the page once `ready` has resolved. Both share one time limit, because a page that hangs responds to
    /// neither.
    pub(crate) async fn screenshot(
        &self,
        ready: impl Future<Output = Result<(), BrowserError>>,
    ) -> Result<Vec<u8>, BrowserError> {
        #[derive(Deserialize)]
        struct Captured {
            data: String,
        }

        let captured = async {
            ready.await?;
            self.call::<Captured>("Page.captureScreenshot", json!({ "format": "png" })).await
        };
        let Some(captured) = self.devtools.clock().timeout(SCREENSHOT_TIMEOUT, captured).await else {
            return Err(BrowserError::Timeout { what: "a screenshot", span: SCREENSHOT_TIMEOUT });
        };
        BASE64_STANDARD.decode(captured?.data).map_err(|error| refused("a screenshot", error))
    }

    /// Sends a command to this page.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, BrowserError> {
        self.devtools.call(Some(&self.session), method, params).await
    }

    /// The connection to the page's browser.
    pub(crate) fn devtools(&self) -> &DevTools {
        &self.devtools
    }

    /// Closes the page and waits until it is closed, up to the time that a responsive page may take.
    pub(crate) async fn close(mut self) {
        self.context.disposed = true;
        let context = json!({ "browserContextId": self.context.id });
        let closed =
            self.devtools.call_within(CLOSE_TIMEOUT, None, "Target.disposeBrowserContext", context).await;
        // Other failures mean that the page is gone already, with the browser or after a crash.
        if let Err(BrowserError::Timeout { .. }) = closed.map(|_: Value| ()) {
            tracing::warn!("a page did not close in time");
        }
    }

    /// Resolves when the page has not responded for `span`. The probes go through the page's event loop, like all work for a
    /// bot. A probe costs one message in each direction.
    pub(crate) fn silence(&self, span: Duration) -> Unresponsive {
        let (devtools, session) = (self.devtools.clone(), self.session.clone());
        let params = json!({ "expression": THROUGH_THE_EVENT_LOOP, "awaitPromise": true });
        Box::pin(liveness::silence(self.devtools.clone(), span, move |within| {
            let (devtools, session, params) = (devtools.clone(), session.clone(), params.clone());
            async move { devtools.call_within(within, Some(&session), "Runtime.evaluate", params).await }
        }))
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.devtools.forget(&self.session);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.disposed {
            self.devtools
                .send_without_answer("Target.disposeBrowserContext", json!({ "browserContextId": self.id }));
        }
    }
}
