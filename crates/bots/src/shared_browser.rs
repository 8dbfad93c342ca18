//! The browser that bots share, and its warm pages.
//!
//! Starting Zoom's SDK takes seconds and needs no meeting: a warm page has it loaded and initialised, so its
//! bot only has to join.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use browser::{BotPage, Browser, BrowserConfig, BrowserError, PageEvent};
use model::Environment;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Pause after a warm page was taken: its bot is joining and should have the processor.
const REFILL_PAUSE: Duration = Duration::from_secs(5);

/// The browser, if it runs. It is started when first needed, and again after it died. Each bot has a browser
/// context of its own.
#[derive(Clone)]
pub struct SharedBrowser(Arc<Inner>);

struct Inner {
    config: BrowserConfig,
    env: Environment,
    running: Mutex<Option<Arc<Browser>>>,
    warm: SyncMutex<VecDeque<BotPage>>,
    /// How many warm pages to keep.
    wanted: usize,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl SharedBrowser {
    /// The browser is not started yet, and no page is kept warm.
    pub fn new(config: BrowserConfig, env: Environment) -> Self {
        Self::with_warm_pages(config, 0, env)
    }

    /// The browser is not started yet. It keeps this many warm pages, at some 250 MB each.
    pub fn with_warm_pages(config: BrowserConfig, warm_pages: usize, env: Environment) -> Self {
        Self(Arc::new(Inner {
            config,
            env,
            running: Mutex::default(),
            warm: SyncMutex::default(),
            wanted: warm_pages,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Starts the browser now, so that the first bot doesn't wait and a missing browser is found at start.
    pub async fn warm_up(&self) -> Result<String, BrowserError> {
        let version = self.0.browser().await?.version().to_owned();
        self.refill(Duration::ZERO);
        Ok(version)
    }

    /// A page with the SDK initialised, in a browser context of its own.
    pub(crate) async fn open(&self) -> Result<BotPage, BrowserError> {
        let page = match self.0.take_warm() {
            Some(page) => page,
            None => self.0.browser().await?.open().await?,
        };
        self.refill(REFILL_PAUSE);
        Ok(page)
    }

    /// Opens warm pages up to the wanted number, after `pause`.
    fn refill(&self, pause: Duration) {
        if self.0.wanted == 0 {
            return;
        }
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let refilling = async {
                inner.env.clock.sleep(pause).await;
                inner.refill().await
            };
            tokio::select! {
                refilled = refilling => if let Err(error) = refilled {
                    tracing::warn!(%error, "no page could be kept warm");
                },
                () = inner.stopping.cancelled() => {}
            }
        });
    }

    /// Closes the browser and waits until its process and its profile are gone.
    pub async fn close(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.lock_warm().clear();
        if let Some(browser) = self.0.running.lock().await.take().and_then(Arc::into_inner) {
            browser.close().await;
        }
    }
}

impl Inner {
    async fn browser(&self) -> Result<Arc<Browser>, BrowserError> {
        // Held during the launch: when many bots find the browser dead, one starts it.
        let mut running = self.running.lock().await;
        if let Some(browser) = running.as_ref().filter(|browser| browser.is_alive()) {
            return Ok(Arc::clone(browser));
        }
        let browser = Arc::new(Browser::launch(self.config.clone(), self.env.clone()).await?);
        *running = Some(Arc::clone(&browser));
        Ok(browser)
    }

    async fn refill(&self) -> Result<(), BrowserError> {
        while self.lock_warm().len() < self.wanted {
            let page = self.browser().await?.open().await?;
            // Several refills may run at once; a surplus page is closed.
            let mut warm = self.lock_warm();
            if warm.len() < self.wanted {
                warm.push_back(page);
            }
        }
        Ok(())
    }

    /// The oldest warm page, if it is still alive.
    fn take_warm(&self) -> Option<BotPage> {
        let mut warm = self.lock_warm();
        std::iter::from_fn(|| warm.pop_front()).find_map(alive)
    }

    fn lock_warm(&self) -> MutexGuard<'_, VecDeque<BotPage>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page, unless it or its browser died while it waited.
fn alive(mut page: BotPage) -> Option<BotPage> {
    loop {
        let news = pin!(page.event()).poll(&mut Context::from_waker(Waker::noop()));
        match news {
            Poll::Ready(PageEvent::Gone(_)) => return None,
            Poll::Ready(_) => {}
            Poll::Pending => return Some(page),
        }
    }
}

impl std::fmt::Debug for SharedBrowser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedBrowser").field("warm", &self.0.lock_warm().len()).finish_non_exhaustive()
    }
}
