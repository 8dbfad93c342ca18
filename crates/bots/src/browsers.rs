//! The browsers of this server and their pages.
//!
//! Each bot has a browser context of its own; several share a browser. A browser that grows, or no longer
//! answers, gets no more bots and is closed when its last page is. Starting Zoom's SDK takes seconds and needs
//! no meeting: a warm page has it loaded and initialised, so its bot only has to join.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{
        Arc, Mutex as SyncMutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use browser::{BotPage, Browser, BrowserConfig, BrowserError, PageEvent, Usage};
use futures_util::future::join_all;
use metrics::{Metrics, ReplacedBrowser};
use model::Environment;
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::servers::{capacity, machine};

/// Pause after a warm page was taken: its bot is joining and should have the processor.
const REFILL_PAUSE: Duration = Duration::from_secs(5);
/// Pause between warm pages, for the same reason.
const NEXT_PAGE_PAUSE: Duration = Duration::from_secs(1);
/// Pages that open at once, for each core: more would only make the first wait for the last.
const OPENING_PER_CORE: usize = 2;
/// A browser in which a page did not open in time has to answer within this, or it gets no more bots.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How bots share browsers.
#[derive(Debug, Clone, Copy)]
pub struct BrowserSharing {
    /// Most pages of a browser. With 1 no bot ever gets a browser that another one has used.
    pub most_of_a_browser: NonZeroU32,
    /// Pages that are kept warm.
    pub warm_pages: WarmPages,
    /// Bytes for each page of a browser, and as much for the browser itself, above which it is replaced.
    pub most_memory_of_a_bot: u64,
}

/// How many pages are kept warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmPages {
    /// This many.
    Fixed(usize),
    /// One for each free place, as long as they take no more than a quarter of the memory that bots could have. At least
    /// one.
    Measured {
        /// What a bot is reckoned to take, in bytes.
        memory_of_a_bot: u64,
    },
}

impl Default for BrowserSharing {
    fn default() -> Self {
        let most_of_a_browser = NonZeroU32::new(20).expect("not zero");
        Self { most_of_a_browser, warm_pages: WarmPages::Fixed(0), most_memory_of_a_bot: 600 * 1024 * 1024 }
    }
}

/// The browsers. Clones share them.
#[derive(Clone)]
pub struct Browsers(Arc<Inner>);

struct Inner {
    config: BrowserConfig,
    sharing: BrowserSharing,
    env: Environment,
    metrics: Metrics,
    state: SyncMutex<State>,
    /// How many pages may be warm, by the memory.
    most_warm: AtomicUsize,
    /// How many bots can run, those that run included.
    capacity: AtomicU32,
    /// Held during a launch: when many bots find no browser, one starts it.
    launching: Mutex<()>,
    /// Held while warm pages are opened, one after the other.
    refilling: Mutex<()>,
    opening: Semaphore,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    running: Vec<Arc<Running>>,
    warm: VecDeque<OpenPage>,
}

/// A browser that runs.
struct Running {
    browser: Browser,
    /// Changed under the lock of the state.
    pages: AtomicU32,
    /// It gets no more pages.
    drained: AtomicBool,
}

/// A page of a browser: its place is free again when this is dropped.
pub(crate) struct OpenPage {
    // The page is closed before its place is free.
    page: BotPage,
    place: Place,
}

/// A place for a page in a browser.
struct Place {
    browsers: Arc<Inner>,
    running: Arc<Running>,
}

impl Browsers {
    /// No browser is started yet.
    pub fn new(config: BrowserConfig, sharing: BrowserSharing, env: Environment, metrics: Metrics) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most_warm = AtomicUsize::new(sharing.warm_pages.most(0));
        Self(Arc::new(Inner {
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
        }))
    }

    /// Starts a browser now, so that the first bot doesn't wait and a missing browser is found at start.
    /// Answers its version.
    pub async fn warm_up(&self) -> Result<String, BrowserError> {
        let running = self.0.with_room().await?;
        {
            let _state = self.0.state();
            running.pages.fetch_sub(1, Ordering::Relaxed);
        }
        self.refill(Duration::ZERO);
        Ok(running.browser.version().to_owned())
    }

    /// A page with the SDK initialised: a warm one, if there is one.
    pub(crate) async fn open(&self) -> Result<OpenPage, BrowserError> {
        let page = match self.0.take_warm() {
            Some(page) => page,
            None => self.0.open().await?,
        };
        self.refill(REFILL_PAUSE);
        Ok(page)
    }

    /// Opens a page for a bot that has time. Warm pages stay for those that have none.
    pub(crate) fn open_in_background(&self) -> JoinHandle<Option<OpenPage>> {
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let opened = inner.open().await;
            opened
                .inspect_err(|error| tracing::warn!(%error, "no page for a bot that waits for its time"))
                .ok()
        })
    }

    /// So many bots can run here now, those that run included: no more pages than that are of use.
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
                    tracing::warn!(%error, "no page could be kept warm");
                },
                () = inner.stopping.cancelled() => {}
            }
        });
    }

    /// Weighs the browsers, and drains those that have grown. Answers what they take together.
    pub(crate) async fn weigh(&self) -> Usage {
        let running: Vec<_> = self.0.state().running.clone();
        let ids: Vec<_> = running.iter().map(|running| running.browser.process()).collect();
        let read = tokio::task::spawn_blocking(move || browser::usage(&ids)).await;
        let usages = match read {
            Ok(Ok(usages)) => usages,
            Ok(Err(error)) => {
                tracing::warn!(%error, "browsers cannot be weighed");
                return Usage::default();
            }
            Err(panic) => {
                tracing::error!(%panic, "browsers cannot be weighed");
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
                tracing::warn!(mib, pages, "a browser has grown: it gets no more bots");
                drained |= self.0.drain(running, ReplacedBrowser::Grown);
            }
        }
        self.0.most_warm.store(self.0.sharing.warm_pages.most(sum.memory), Ordering::Relaxed);
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

impl BrowserSharing {
    /// What a browser with so many pages may take, in bytes.
    fn most_memory(&self, pages: u32) -> u64 {
        self.most_memory_of_a_bot.saturating_mul(u64::from(pages) + 1)
    }
}

impl WarmPages {
    /// How many, by the memory; `browsers` is what these take of it.
    fn most(self, browsers: u64) -> usize {
        match self {
            Self::Fixed(pages) => pages,
            Self::Measured { memory_of_a_bot } => {
                let bots = capacity::by_memory(machine::look(), browsers, memory_of_a_bot);
                usize::try_from(bots.unwrap_or(0) / 4).unwrap_or(usize::MAX).max(1)
            }
        }
    }
}

impl State {
    /// Pages that are no warm ones: those of bots, and those that are being opened.
    fn pages_in_use(&self) -> usize {
        let pages: u32 = self.running.iter().map(|running| running.pages.load(Ordering::Relaxed)).sum();
        (pages as usize).saturating_sub(self.warm.len())
    }

    /// Takes a browser out, if it is there.
    fn remove(&mut self, running: &Arc<Running>) -> Option<Arc<Running>> {
        let at = self.running.iter().position(|other| Arc::ptr_eq(other, running))?;
        Some(self.running.swap_remove(at))
    }
}

impl Running {
    /// Whether it gets one more page.
    fn has_room(&self, most: u32) -> bool {
        !self.drained.load(Ordering::Relaxed) && self.pages.load(Ordering::Relaxed) < most
    }
}

impl Inner {
    async fn open(self: &Arc<Self>) -> Result<OpenPage, BrowserError> {
        // Never closed. The deadline of the page begins with its turn.
        let _turn = self.opening.acquire().await;
        let place = Place { running: self.with_room().await?, browsers: Arc::clone(self) };
        let opened = place.running.browser.open().await;
        if let Err(BrowserError::Timeout { .. }) = &opened
            && !place.running.browser.answers_within(ANSWERS_WITHIN).await
        {
            tracing::warn!("a browser does not answer: it gets no more bots");
            self.drain(&place.running, ReplacedBrowser::Silent);
        }
        Ok(OpenPage { page: opened?, place })
    }

    /// A browser that has room, where one more page is counted; a new one, if none has.
    async fn with_room(&self) -> Result<Arc<Running>, BrowserError> {
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

    /// The fullest browser that has room, so that others may become empty; one more page is counted.
    fn fullest_with_room(&self) -> Option<Arc<Running>> {
        let mut state = self.state();
        state.running.retain(|running| running.browser.is_alive());
        let most = self.sharing.most_of_a_browser.get();
        let with_room = state.running.iter().filter(|running| running.has_room(most));
        let running = Arc::clone(with_room.max_by_key(|running| running.pages.load(Ordering::Relaxed))?);
        running.pages.fetch_add(1, Ordering::Relaxed);
        Some(running)
    }

    async fn refill(self: &Arc<Self>) -> Result<(), BrowserError> {
        let _turn = self.refilling.lock().await;
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

    /// How many pages are to be warm.
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

    /// Warm pages beyond what is wanted, taken out: memory has become scarce, or bots have the places.
    fn surplus(&self) -> VecDeque<OpenPage> {
        let mut state = self.state();
        let wanted = self.warm_wanted(&state).min(state.warm.len());
        state.warm.split_off(wanted)
    }

    /// The oldest warm page that is still alive, in a browser that is not drained.
    fn take_warm(&self) -> Option<OpenPage> {
        loop {
            // Dead ones are dropped without the lock.
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

    /// Gives a browser no more pages; answers whether it got some until now. It is closed when the last one is.
    fn drain(&self, running: &Arc<Running>, why: ReplacedBrowser) -> bool {
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
        // The last of them takes its browser with it.
        let _: VecDeque<OpenPage> = unusable;
        self.retire(taken);
        true
    }

    /// Closes a browser that was taken out, in the background.
    fn retire(&self, taken: Option<Arc<Running>>) {
        if let Some(running) = taken {
            self.tasks.spawn(async move { running.browser.close().await });
            self.count();
        }
    }

    fn count(&self) {
        let state = self.state();
        let drained = state.running.iter().filter(|running| running.drained.load(Ordering::Relaxed)).count();
        self.metrics.browsers(state.running.len() - drained, drained);
        self.metrics.warm_pages(state.warm.len());
    }

    fn state(&self) -> MutexGuard<'_, State> {
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

    /// The page, unless it or its browser died while it waited.
    pub(crate) fn alive(mut self) -> Option<Self> {
        loop {
            let news = pin!(self.page.event()).poll(&mut Context::from_waker(Waker::noop()));
            match news {
                Poll::Ready(PageEvent::Gone(_)) => return None,
                Poll::Ready(_) => {}
                Poll::Pending => return Some(self),
            }
        }
    }

    /// Whether its browser is to end.
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

impl Drop for Place {
    fn drop(&mut self) {
        let Self { browsers, running } = self;
        let mut state = browsers.state();
        let left = running.pages.fetch_sub(1, Ordering::Relaxed) - 1;
        let most = browsers.sharing.most_of_a_browser.get();
        // One browser stays for the next bot, unless each bot has its own.
        let is_spare =
            || state.running.iter().any(|other| !Arc::ptr_eq(other, running) && other.has_room(most));
        let is_done = left == 0 && (running.drained.load(Ordering::Relaxed) || most == 1 || is_spare());
        // In the same lock as the decision: no page may come between.
        let taken = is_done.then(|| state.remove(running)).flatten();
        drop(state);
        browsers.retire(taken);
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
