//! The bare page, served from its own port: the baseline for bots.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use axum::{
    Router,
    http::{HeaderName, HeaderValue},
    response::Html,
    routing::get,
};
use browser::{Browser, BrowserError, PlainPage};
use model::{Environment, Timestamp};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};
use url::Url;

const WAIT_TIMEOUT: Duration = Duration::from_secs(120);
const PAGE: &str = include_str!("bare.html");
/// The same headers as the bot page; the SDK's decoders need the first two.
const HEADERS: [(&str, &str); 3] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "public, max-age=31536000, immutable"),
];

/// The address of the bare page.
pub(crate) struct BarePage {
    origin: Url,
}

impl BarePage {
    /// Serves the page until this process ends.
    pub(crate) async fn serve(sdk_dir: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
        let page =
            Router::new().route("/", get(async || Html(PAGE))).nest_service("/sdk", ServeDir::new(sdk_dir));
        let page = HEADERS.into_iter().fold(page, |page, (name, value)| {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
            page.layer(SetResponseHeaderLayer::overriding(name, value))
        });
        TaskTracker::new().spawn(axum::serve(listener, page).into_future());
        Ok(Self { origin })
    }

    /// Joins with `parameters`, by the SDK's names. Returns the page, and the time when it had joined.
    pub(crate) async fn join(
        &self,
        browser: &Browser,
        parameters: &[(&str, String)],
        env: &Environment,
    ) -> anyhow::Result<(PlainPage, Timestamp)> {
        let mut address = self.origin.clone();
        address.query_pairs_mut().extend_pairs(parameters);
        let page = browser.open_plain(address.as_str()).await?;
        let give_up = env.now() + WAIT_TIMEOUT;
        // Each wait has its own timeout, which is shorter than a join on a busy machine.
        while let Err(error) = page.wait_for("#inside, #refused").await {
            if !matches!(error, BrowserError::NoElement { .. }) || env.now() > give_up {
                return Err(error.into());
            }
        }
        let Ok(inside_at) = page.text("#inside").await else {
            bail!("the bare page was refused: {}", page.text("#refused").await?);
        };
        let inside_at: i64 = inside_at.parse().context("the bare page does not report when it joined")?;
        Ok((page, Timestamp::from_microsecond(inside_at * 1000)))
    }
}
