//! One Chromium process, which runs many bots.

use std::{fmt, sync::Arc, time::Duration};

use model::{Clock, Environment};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Child;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    BotPage, BrowserConfig, BrowserError, PlainPage,
    devtools::DevTools,
    liveness, page_server,
    process::{Chromium, StderrTail},
    profile::Profile,
};

/// The time limit from the start of the process to its first response.
const LAUNCH_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a browser may take to close by itself.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A running Chromium. Each page has its own browser context: cookies, cache and storage are not shared.
///
/// Dropping it ends the browser in the background; [`close`](Self::close) also waits for the end.
pub struct Browser {
    devtools: DevTools,
    process: u32,
    version: String,
    page_url: String,
    answer_within: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Browser {
    /// Starts Chromium, and removes the profiles that killed processes left in the same `state_dir`.
    pub async fn launch(config: BrowserConfig, env: Environment) -> Result<Self, BrowserError> {
        config.find_chromium()?;
        config.check_sdk()?;
        let unusable = |source| BrowserError::StateDir { path: config.state_dir.clone(), source };
        let profile = Profile::create(&config.state_dir, &env).await.map_err(unusable)?;
        let Chromium { child, commands, answers, stderr } = Chromium::start(&config, &profile)?;
        let process = child.id().unwrap_or_default();

        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let stderr_tail = StderrTail::default();
        let (devtools, writing) = DevTools::new(commands, Arc::clone(&env.clock));
        tasks.spawn(writing);
        tasks.spawn(devtools.clone().read(answers));
        let (listening, listening_ends) = (stderr_tail.clone().listen(stderr), stop.clone());
        let listening = tasks.spawn(async move {
            tokio::select! {
                () = listening => {}
                () = listening_ends.cancelled() => {}
            }
        });
        let (watched, stopping, clock) = (devtools.clone(), stop.clone(), Arc::clone(&env.clock));
        tasks.spawn(supervise(child, watched, config.answer_within, stopping, profile, clock));
        // From here on the supervisor ends Chromium, however this function returns.
        let (version, page_url) = (String::new(), String::new());
        let answer_within = config.answer_within;
        let mut browser =
            Self { devtools, process, version, page_url, answer_within, stop: stop.clone(), tasks };

        browser.version = match env.clock.timeout(LAUNCH_TIMEOUT, ask_version(&browser.devtools)).await {
            Some(Ok(version)) => version,
            Some(Err(BrowserError::BrowserGone)) => {
                // Chromium's last output may still be in the pipe.
                let _ = env.clock.timeout(Duration::from_secs(1), listening).await;
                return Err(BrowserError::Launch(stderr_tail.summary().into()));
            }
            Some(Err(error)) => return Err(error),
            None => return Err(BrowserError::Timeout { what: "Chromium's start", span: LAUNCH_TIMEOUT }),
        };
        let (page_url, serving) = page_server::serve(&config.sdk_dir).await.map_err(|error| {
            BrowserError::Launch(format!("no loopback port for the bot page: {error}").into())
        })?;
        browser.page_url = page_url;
        browser.tasks.spawn(async move {
            tokio::select! {
                () = serving => {}
                () = stop.cancelled() => {}
            }
        });
        tracing::info!(version = browser.version, "browser started");
        Ok(browser)
    }

    /// The browser's version, for example `Chromium/156.0.8078.79`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The id of the browser's main process, for [`usage`](crate::usage()).
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Whether the browser responds to a probe within `span`.
    pub async fn answers_within(&self, span: Duration) -> bool {
        let response: Result<Value, _> =
            self.devtools.call_within(span, None, "Browser.getVersion", json!({})).await;
        response.is_ok()
    }

    /// Whether the browser still runs, so that pages can be opened.
    pub fn is_alive(&self) -> bool {
        !self.devtools.is_gone()
    }

    /// Resolves when Chromium or the connection to it has ended.
    pub async fn closed(&self) {
        self.devtools.gone().await;
    }

    /// Opens a new page with the SDK loaded and initialised. It may be opened long before it is used, so that a bot's join
    /// does not include the SDK's start.
    pub async fn open(&self) -> Result<BotPage, BrowserError> {
        BotPage::open(&self.devtools, &self.page_url, self.answer_within, &self.version).await
    }

    /// Opens a new page at `url`, to be used as a person would use it.
    pub async fn open_plain(&self, url: &str) -> Result<PlainPage, BrowserError> {
        PlainPage::open(&self.devtools, url).await
    }

    /// Ends Chromium. When this returns, the process is gone and its profile is deleted.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("version", &self.version)
            .field("alive", &self.is_alive())
            .finish_non_exhaustive()
    }
}

/// Asks for Chromium's version. The first response shows that Chromium has started.
async fn ask_version(devtools: &DevTools) -> Result<String, BrowserError> {
    #[derive(Deserialize)]
    struct Version {
        product: String,
    }

    let version: Version = devtools.call(None, "Browser.getVersion", json!({})).await?;
    // "Chrome/…" or "HeadlessChrome/…", depending on how Chromium was started.
    let number = version.product.rsplit('/').next().unwrap_or_default();
    Ok(format!("Chromium/{number}"))
}

/// Waits until the process ends, or ends it if it hangs or must stop; then deletes its profile.
async fn supervise(
    mut child: Child,
    devtools: DevTools,
    answer_within: Duration,
    stop: CancellationToken,
    profile: Profile,
    clock: Arc<dyn Clock>,
) {
    let ask = |within| devtools.call_within(within, None, "Browser.getVersion", json!({}));
    tokio::select! {
        _ = child.wait() => {}
        () = liveness::silence(devtools.clone(), answer_within, ask) => {
            tracing::error!("the browser is frozen: it is ended, and its bots rejoin in another one");
        }
        // Without the connection, the browser can't be used.
        () = devtools.gone() => {}
        () = stop.cancelled() => {
            devtools.send_without_answer("Browser.close", Value::Null);
            let _ = clock.timeout(CLOSE_TIMEOUT, child.wait()).await;
        }
    }
    // This has no effect on a process that has ended.
    let _ = child.kill().await;
    devtools.close();
    profile.remove(&*clock).await;
    if stop.is_cancelled() {
        tracing::info!("browser closed");
    } else {
        tracing::error!("the browser ended by itself");
    }
}
