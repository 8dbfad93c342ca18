//! An installation with accounts, each with its own token link.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::Secret;
use outbound::signature::SigningKey;
use serde_json::json;
use stage::text;
use url::Url;

use super::contender::read_once;
use crate::{
    installation::{Backend, Installation},
    test_bed::Place,
};

/// Concurrent requests during preparation.
const AT_ONCE: usize = 32;
/// Lifetime of Zoom's access tokens.
const HOUR: Duration = Duration::from_secs(3600);

pub(super) struct Fixture {
    pub(super) installation: Installation,
    /// `whsec_…`
    pub(super) callback_secret: Secret,
    pub(super) key: SigningKey,
    /// `/t/<link>.<secret>`, all of the same length.
    pub(super) paths: Vec<String>,
    /// A ZAK from the first link.
    pub(super) zak: Secret,
}

impl Fixture {
    /// Connects this many accounts.
    pub(super) async fn prepare(place: &Place, backend: Backend, accounts: u32) -> anyhow::Result<Self> {
        let installation = Installation::found(place, backend, 10).await?;
        let credentials = installation.connect(place, accounts, HOUR).await?;
        let server = installation.serve(place).await?;
        let link = async |credential| {
            let wanted = json!({ "credential": credential, "kind": "zak" });
            let link = server.post("/api/latchkey/v1/token-links/", &wanted).await?;
            anyhow::Ok(Url::parse(text(&link, "url")?)?.path().to_owned())
        };
        let paths: Vec<String> = stream::iter(credentials).map(link).buffered(AT_ONCE).try_collect().await?;
        let secret = server.get("/api/latchkey/v1/callback-secret/").await?;
        let callback_secret = Secret::new(text(&secret, "secret")?);
        let key = SigningKey::parse(&callback_secret).context("the callback secret is invalid")?;
        let first = Url::parse(&format!("{}{}", server.url, paths.first().context("no account")?))?;
        let zak = read_once(first, &key, place).await?;
        server.stop().await;
        Ok(Self { installation, callback_secret, key, paths, zak })
    }

    /// Reads through each of the first `links` links once.
    pub(super) async fn read_each(&self, origin: &str, links: usize, place: &Place) -> anyhow::Result<()> {
        let read = async |path: &String| {
            let url = Url::parse(&format!("{origin}{path}"))?;
            read_once(url, &self.key, place).await.map(drop)
        };
        let reads = stream::iter(self.paths.iter().take(links)).map(read).buffer_unordered(AT_ONCE);
        reads.try_collect().await
    }
}
