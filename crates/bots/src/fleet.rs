//! The browser that bots share. It is started when it is first needed, and again when it has died.

use std::sync::Arc;

use browser::{BotPage, Browser, BrowserConfig, BrowserError};
use model::Environment;
use tokio::sync::Mutex;

/// The browser, if one is running. Bots live in contexts of their own inside it.
#[derive(Debug)]
pub struct Fleet {
    config: BrowserConfig,
    env: Environment,
    running: Mutex<Option<Arc<Browser>>>,
}

impl Fleet {
    /// Nothing is started yet.
    pub fn new(config: BrowserConfig, env: Environment) -> Self {
        Self { config, env, running: Mutex::new(None) }
    }

    /// Starts the browser now, so that the first bot does not wait for it and a missing one is found at start.
    pub async fn warm_up(&self) -> Result<String, BrowserError> {
        Ok(self.browser().await?.version().to_owned())
    }

    /// A page with the SDK initialised, in a context of its own.
    pub(crate) async fn open(&self) -> Result<BotPage, BrowserError> {
        self.browser().await?.open().await
    }

    async fn browser(&self) -> Result<Arc<Browser>, BrowserError> {
        // Held over the launch: of many bots that find the browser dead, one starts the next.
        let mut running = self.running.lock().await;
        if let Some(browser) = running.as_ref().filter(|browser| browser.is_alive()) {
            return Ok(Arc::clone(browser));
        }
        let browser = Arc::new(Browser::launch(self.config.clone(), self.env.clone()).await?);
        *running = Some(Arc::clone(&browser));
        Ok(browser)
    }

    /// Ends the browser, and waits until its process and its profile are gone.
    pub async fn close(&self) {
        if let Some(browser) = self.running.lock().await.take().and_then(Arc::into_inner) {
            browser.close().await;
        }
    }
}
