//! The browsers of this server and their pages.
//!
//! Each bot has its own browser context; several bots share a browser. A browser that uses too much memory, or no longer
//! responds, gets no more bots and is closed when its last page is closed. Starting Zoom's SDK takes seconds and needs no
//! meeting: a warm page has the SDK loaded and initialised, so its bot only has to join.

mod page_pool;
mod sharing;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use browser::{BrowserConfig, BrowserError, Usage};
use futures_util::future::join_all;
use metrics::{Metrics, ReplacedBrowser};
use model::{Environment, chain};
use tokio::task::JoinHandle;

use crate::servers::machine;
use page_pool::{PagePool, State};

pub(crate) use page_pool::OpenPage;
pub use sharing::{BrowserSharing, WarmPages};

/// Pause before a warm page that was taken is replaced: its bot is joining and should have the processor.
const REFILL_PAUSE: Duration = Duration::from_secs(5);

/// The browsers of this server. Clones share them.
#[derive(Clone)]
pub struct Browsers(Arc<PagePool>);

impl Browsers {
    /// Creates the pool. Starts no browser yet.
    pub fn new(config: BrowserConfig, sharing: BrowserSharing, env: Environment, metrics: Metrics) -> Self {
        Self(PagePool::new(config, sharing, env, metrics))
    }

    /// Starts a browser now, so that the first bot doesn't wait and a missing browser is noticed at startup. Returns the
    /// browser's version.
    pub async fn warm_up(&self) -> Result<String, BrowserError> {
        let running = self.0.with_room().await?;
        {
            let _state = self.0.state();
            running.pages.fetch_sub(1, Ordering::Relaxed);
        }
        self.refill(Duration::ZERO);
        Ok(running.browser.version().to_owned())
    }

    /// Returns a page with the SDK initialised: a warm one, if there is one.
    pub(crate) async fn open(&self) -> Result<OpenPage, BrowserError> {
        let page = match self.0.take_warm() {
            Some(page) => page,
            None => self.0.open().await?,
        };
        self.refill(REFILL_PAUSE);
        Ok(page)
    }

    /// Opens a page for a scheduled bot, which can wait for it. Warm pages are left to bots that join now.
    pub(crate) fn open_in_background(&self) -> JoinHandle<Option<OpenPage>> {
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let opened = inner.open().await;
            opened
                .inspect_err(|error| tracing::warn!(error = %chain(&error), "could not open a page for a scheduled bot"))
                .ok()
        })
    }

    /// Sets how many bots can run here now, including those that run already. More pages than that are not needed.
    pub(crate) fn limit(&self, capacity: u32) {
        if self.0.capacity.swap(capacity, Ordering::Relaxed) < capacity {
            self.refill(Duration::ZERO);
        }
    }

    /// Opens warm pages up to the wanted number, after `pause`.
    fn refill(&self, pause: Duration) {
        if self.0.sharing.warm_pages == WarmPages::Fixed(0) {
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
                    tracing::warn!(error = %chain(&error), "could not open a warm page");
                },
                () = inner.stopping.cancelled() => {}
            }
        });
    }

    /// Measures the memory and CPU time of the browsers, and drains those that use too much memory. Returns the sums.
    pub(crate) async fn weigh(&self) -> Usage {
        let running: Vec<_> = self.0.state().running.clone();
        let ids: Vec<_> = running.iter().map(|running| running.browser.process()).collect();
        let read = tokio::task::spawn_blocking(move || browser::usage(&ids)).await;
        let usages = match read {
            Ok(Ok(usages)) => usages,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "could not measure the resource usage of the browsers");
                return Usage::default();
            }
            Err(panic) => {
                tracing::error!(%panic, "could not measure the resource usage of the browsers");
                return Usage::default();
            }
        };
        let mut sum = Usage::default();
        let mut drained = false;
        for (running, usage) in running.iter().zip(usages) {
            let Some(usage) = usage else { continue };
            sum.memory += usage.memory;
            sum.processor += usage.processor;
            let pages = running.pages.load(Ordering::Relaxed);
            if usage.memory > self.0.sharing.most_memory(pages) {
                let mib = usage.memory / (1024 * 1024);
                tracing::warn!(mib, pages, "a browser uses too much memory: it gets no more bots");
                drained |= self.0.drain(running, ReplacedBrowser::Grown);
            }
        }
        self.0
            .most_warm
            .store(self.0.sharing.warm_pages.most(machine::look(), sum.memory), Ordering::Relaxed);
        let surplus = self.0.surplus();
        if drained || surplus.is_empty() {
            self.refill(REFILL_PAUSE);
        }
        drop(surplus);
        self.0.count();
        sum
    }

    /// Closes all browsers and waits until their processes and profiles are gone.
    pub async fn close(&self) {
        self.0.stopping.cancel();
        let State { running, warm } = std::mem::take(&mut *self.0.state());
        drop(warm);
        join_all(running.iter().map(|running| running.browser.close())).await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl std::fmt::Debug for Browsers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.0.state();
        f.debug_struct("Browsers")
            .field("running", &state.running.len())
            .field("warm", &state.warm.len())
            .finish_non_exhaustive()
    }
}
