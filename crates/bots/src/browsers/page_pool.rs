//! Running browsers and their pages: decides in which browser a page opens, and when a browser is closed.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{
        Arc, Mutex as SyncMutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use browser::{BotPage, Browser, BrowserConfig, BrowserError, PageEvent};
use metrics::{Metrics, ReplacedBrowser};
use model::Environment;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::sharing::{BrowserSharing, WarmPages};
use crate::servers::machine;

/// Pause between opening two warm pages: a bot that joins should have the processor.
const NEXT_PAGE_PAUSE: Duration = Duration::from_secs(1);
/// The most pages that open at once, for each core: with more of them, each would take longer.
const OPENING_PER_CORE: usize = 2;
/// If a page does not open in time, its browser must respond to a probe within this time, or it gets no more bots.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The browsers of this server, and the warm pages.
pub(super) struct PagePool {
    config: BrowserConfig,
    pub(super) sharing: BrowserSharing,
    pub(super) env: Environment,
    metrics: Metrics,
    state: SyncMutex<State>,
    /// How many pages may be warm, limited by memory.
    pub(super) most_warm: AtomicUsize,
    /// How many bots can run, including those that run already.
    pub(super) capacity: AtomicU32,
    /// Locked during a launch, so that only one of many bots without a browser starts one.
    launching: Mutex<()>,
    /// Locked while warm pages are opened, one after the other.
    refilling: Mutex<()>,
    opening: Semaphore,
    pub(super) stopping: CancellationToken,
    pub(super) tasks: TaskTracker,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) running: Vec<Arc<Running>>,
    pub(super) warm: VecDeque<OpenPage>,
}

/// A running browser.
pub(super) struct Running {
    pub(super) browser: Browser,
    /// The number of its pages; changed under the lock of the state.
    pub(super) pages: AtomicU32,
    /// Whether it gets no more pages.
    drained: AtomicBool,
}

/// A page of a browser. Dropping this frees the page's slot in the browser.
pub(crate) struct OpenPage {
    // Dropped first, so that the page is closed before its slot is free.
    page: BotPage,
    place: PageSlot,
}

/// A slot for a page in a browser.
struct PageSlot {
    pool: Arc<PagePool>,
    running: Arc<Running>,
}

impl State {
    /// The number of pages that are not warm: those of bots, and those that are being opened.
    fn pages_in_use(&self) -> usize {
        let pages: u32 = self.running.iter().map(|running| running.pages.load(Ordering::Relaxed)).sum();
        (pages as usize).saturating_sub(self.warm.len())
    }

    /// Removes a browser from the pool, if it is there.
    fn remove(&mut self, running: &Arc<Running>) -> Option<Arc<Running>> {
        let at = self.running.iter().position(|other| Arc::ptr_eq(other, running))?;
        Some(self.running.swap_remove(at))
    }
}

impl Running {
    /// Whether the browser may get one more page.
    fn has_room(&self, most: u32) -> bool {
        !self.drained.load(Ordering::Relaxed) && self.pages.load(Ordering::Relaxed) < most
    }
}

impl PagePool {
    pub(super) fn new(
        config: BrowserConfig,
        sharing: BrowserSharing,
        env: Environment,
        metrics: Metrics,
    ) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most_warm = AtomicUsize::new(sharing.warm_pages.most(machine::look(), 0));
        Arc::new(Self {
            config,
            sharing,
            env,
            metrics,
            state: SyncMutex::default(),
            most_warm,
            capacity: AtomicU32::new(0),
            launching: Mutex::default(),
            refilling: Mutex::default(),
            opening: Semaphore::new(cores * OPENING_PER_CORE),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    pub(super) async fn open(self: &Arc<Self>) -> Result<OpenPage, BrowserError> {
        // The semaphore is never closed. The page's time limit starts when the permit is acquired.
        let _permit = self.opening.acquire().await;
        let place = PageSlot { running: self.with_room().await?, pool: Arc::clone(self) };
        let opened = place.running.browser.open().await;
        if let Err(BrowserError::Timeout { .. }) = &opened
            && !place.running.browser.answers_within(ANSWERS_WITHIN).await
        {
            tracing::warn!("a browser does not respond: it gets no more bots");
            self.drain(&place.running, ReplacedBrowser::Silent);
        }
        Ok(OpenPage { page: opened?, place })
    }

    /// Reserves a slot for a page in a browser that has a free one, or in a new browser.
    pub(super) async fn with_room(&self) -> Result<Arc<Running>, BrowserError> {
        if let Some(running) = self.fullest_with_room() {
            return Ok(running);
        }
        let _launching = self.launching.lock().await;
        if let Some(running) = self.fullest_with_room() {
            return Ok(running);
        }
        let browser = Browser::launch(self.config.clone(), self.env.clone()).await?;
        let running =
            Arc::new(Running { browser, pages: AtomicU32::new(1), drained: AtomicBool::new(false) });
        self.state().running.push(Arc::clone(&running));
        self.count();
        Ok(running)
    }

    /// Reserves a slot in the fullest browser that has a free one, so that other browsers may become empty.
    fn fullest_with_room(&self) -> Option<Arc<Running>> {
        let mut state = self.state();
        state.running.retain(|running| running.browser.is_alive());
        let most = self.sharing.most_of_a_browser.get();
        let with_room = state.running.iter().filter(|running| running.has_room(most));
        let running = Arc::clone(with_room.max_by_key(|running| running.pages.load(Ordering::Relaxed))?);
        running.pages.fetch_add(1, Ordering::Relaxed);
        Some(running)
    }

    pub(super) async fn refill(self: &Arc<Self>) -> Result<(), BrowserError> {
        let _guard = self.refilling.lock().await;
        let mut pause = Duration::ZERO;
        while self.lacks_warm_pages() {
            self.env.clock.sleep(std::mem::replace(&mut pause, NEXT_PAGE_PAUSE)).await;
            let page = self.open().await?;
            self.state().warm.push_back(page);
            self.count();
        }
        Ok(())
    }

    fn lacks_warm_pages(&self) -> bool {
        let state = self.state();
        state.warm.len() < self.warm_wanted(&state)
    }

    /// How many pages should be warm.
    fn warm_wanted(&self, state: &State) -> usize {
        let most = self.most_warm.load(Ordering::Relaxed);
        match self.sharing.warm_pages {
            WarmPages::Fixed(pages) => pages,
            WarmPages::Measured { .. } => {
                let capacity = self.capacity.load(Ordering::Relaxed) as usize;
                most.min(capacity.saturating_sub(state.pages_in_use()))
            }
        }
    }

    /// Removes and returns the warm pages that exceed the wanted number, because memory is scarce or bots use the slots.
    pub(super) fn surplus(&self) -> VecDeque<OpenPage> {
        let mut state = self.state();
        let wanted = self.warm_wanted(&state).min(state.warm.len());
        state.warm.split_off(wanted)
    }

    /// Removes and returns the oldest warm page that is still alive and whose browser is not drained.
    pub(super) fn take_warm(&self) -> Option<OpenPage> {
        loop {
            // The lock is released before a dead page is dropped, because its drop takes the lock.
            let page = self.state().warm.pop_front();
            self.count();
            let page = page?;
            if page.is_drained() {
                continue;
            }
            if let Some(page) = page.alive() {
                return Some(page);
            }
        }
    }

    /// Drains a browser: it gets no more pages, and is closed when its last page is closed. Returns `false` if it was
    /// drained before.
    pub(super) fn drain(&self, running: &Arc<Running>, why: ReplacedBrowser) -> bool {
        if running.drained.swap(true, Ordering::Relaxed) {
            return false;
        }
        self.metrics.browser_replaced(why);
        let mut state = self.state();
        let (unusable, warm) = std::mem::take(&mut state.warm)
            .into_iter()
            .partition(|page| Arc::ptr_eq(&page.place.running, running));
        state.warm = warm;
        let is_empty = running.pages.load(Ordering::Relaxed) == 0;
        let taken = is_empty.then(|| state.remove(running)).flatten();
        drop(state);
        // Dropping the last page of a drained browser closes the browser.
        let _: VecDeque<OpenPage> = unusable;
        self.retire(taken);
        true
    }

    /// Closes a browser that was removed from the pool, in the background.
    fn retire(&self, taken: Option<Arc<Running>>) {
        if let Some(running) = taken {
            self.tasks.spawn(async move { running.browser.close().await });
            self.count();
        }
    }

    pub(super) fn count(&self) {
        let state = self.state();
        let drained = state.running.iter().filter(|running| running.drained.load(Ordering::Relaxed)).count();
        self.metrics.browsers(state.running.len() - drained, drained);
        self.metrics.warm_pages(state.warm.len());
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenPage {
    /// Closes the page and waits until it is closed.
    pub(crate) async fn close(self) {
        let Self { page, place } = self;
        page.close().await;
        drop(place);
    }

    /// Returns the page, unless it or its browser died while it waited.
    pub(crate) fn alive(mut self) -> Option<Self> {
        loop {
            let event = pin!(self.page.event()).poll(&mut Context::from_waker(Waker::noop()));
            match event {
                Poll::Ready(PageEvent::Gone(_)) => return None,
                Poll::Ready(_) => {}
                Poll::Pending => return Some(self),
            }
        }
    }

    /// Whether its browser is drained.
    pub(crate) fn is_drained(&self) -> bool {
        self.place.running.drained.load(Ordering::Relaxed)
    }
}

impl Deref for OpenPage {
    type Target = BotPage;
    fn deref(&self) -> &BotPage {
        &self.page
    }
}

impl DerefMut for OpenPage {
    fn deref_mut(&mut self) -> &mut BotPage {
        &mut self.page
    }
}

impl Drop for PageSlot {
    fn drop(&mut self) {
        let Self { pool, running } = self;
        let mut state = pool.state();
        let left = running.pages.fetch_sub(1, Ordering::Relaxed) - 1;
        let most = pool.sharing.most_of_a_browser.get();
        // One browser stays open for the next bot, unless each bot has its own.
        let is_spare =
            || state.running.iter().any(|other| !Arc::ptr_eq(other, running) && other.has_room(most));
        let is_done = left == 0 && (running.drained.load(Ordering::Relaxed) || most == 1 || is_spare());
        // Removed under the same lock as the decision, so that no page can be opened in between.
        let taken = is_done.then(|| state.remove(running)).flatten();
        drop(state);
        pool.retire(taken);
    }
}
