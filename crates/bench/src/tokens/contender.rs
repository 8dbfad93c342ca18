//! Servers that answer token reads, each as a process on one core.

use anyhow::{Context as _, ensure};
use model::Secret;
use outbound::signature::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};
use stage::{Log, Process, Program, Server, text};
use url::Url;

use super::{fixture::Fixture, role::Ready};
use crate::{cores::Cores, test_bed::Place};

/// The kind of server.
#[derive(Clone, Copy)]
pub(super) enum Contender<'g> {
    /// Verifies the signature and answers a constant.
    Verifier,
    /// Verifies the signature and lets Zoom mint a ZAK every time.
    Straightforward,
    /// Latchkey on this installation, with this audit.
    Latchkey(&'g Fixture, AuditKind),
}

/// The configuration of the audit.
#[derive(Clone, Copy)]
pub(super) enum AuditKind {
    Relaxed,
    /// The default: with SQLite, records are written to the disk first.
    Strict,
    /// Records are always written to the disk first.
    StrictDiskFirst,
}

impl AuditKind {
    /// The `[audit]` section of the configuration.
    fn settings(self) -> Value {
        match self {
            Self::Relaxed => json!({ "mode": "relaxed" }),
            Self::Strict => json!({ "mode": "strict" }),
            Self::StrictDiskFirst => json!({ "mode": "strict", "disk_first": true }),
        }
    }
}

/// A running contender.
pub(super) struct Running {
    server: Either,
    /// `http://…`
    pub(super) origin: String,
}

enum Either {
    Role(Process),
    Latchkey(Server),
}

impl Running {
    /// Starts a contender and reads once through each of the fixture's first `links` links, which fills its cache.
    pub(super) async fn start(
        contender: Contender<'_>,
        fixture: &Fixture,
        links: usize,
        place: &Place,
        cores: &Cores,
    ) -> anyhow::Result<Self> {
        let secret = fixture.callback_secret.expose();
        let running = match contender {
            Contender::Verifier => {
                let input = json!({ "secret": secret, "answer": fixture.zak.expose() });
                Self::role("verifier", &input, place, cores).await?
            }
            Contender::Straightforward => {
                let input = straightforward(fixture, place).await?;
                Self::role("straightforward", &input, place, cores).await?
            }
            Contender::Latchkey(fixture, audit) => {
                let server = fixture.installation.serve_on(place, cores.server, &audit.settings()).await?;
                Self { origin: server.url.clone(), server: Either::Latchkey(server) }
            }
        };
        fixture.read_each(&running.origin, links, place).await?;
        Ok(running)
    }

    async fn role(name: &'static str, input: &Value, place: &Place, cores: &Cores) -> anyhow::Result<Self> {
        let (bench, log) = (std::env::current_exe()?, place.data.join(format!("{name}.log")));
        let program = Program { core: Some(cores.server), ..Program::from(&bench) };
        let line = format!("{input}\n");
        let (process, ready): (_, Ready) =
            Process::start(program, &[name.as_ref()], &line, Log(name, &log), &place.env).await?;
        Ok(Self { server: Either::Role(process), origin: ready.url })
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        match &self.server {
            Either::Role(process) => process.id(),
            Either::Latchkey(server) => server.process.id(),
        }
    }

    pub(super) async fn stop(self, place: &Place) {
        match self.server {
            Either::Role(process) => process.stop(&place.env).await,
            Either::Latchkey(server) => server.stop().await,
        }
    }
}

/// Creates what the naive server needs: an app, and the consent of one user.
async fn straightforward(fixture: &Fixture, place: &Place) -> anyhow::Result<Value> {
    let installation = &fixture.installation;
    let wanted = json!({ "client_id": installation.client_id, "count": 1 });
    let consented = place.simulator.call(Method::POST, "/consents", &wanted).await?;
    let zoom = &place.simulator.ready;
    Ok(json!({
        "secret": fixture.callback_secret.expose(),
        "oauth_base": zoom.zoom_base,
        "api_base": zoom.api_base,
        "ca_file": zoom.ca_file,
        "client_id": installation.client_id,
        "client_secret": installation.client_secret.expose(),
        "refresh_token": text(&consented[0], "refresh_token")?,
    }))
}

/// Makes one signed read.
pub(super) async fn read_once(url: Url, key: &SigningKey, place: &Place) -> anyhow::Result<Secret> {
    let (id, now) = (format!("msg_{}", place.env.entropy.token()), place.env.now());
    let request = place.http.get(url);
    let request = request.header("webhook-signature", key.sign(&id, now, b""));
    let request = request.header("webhook-id", id).header("webhook-timestamp", now.as_second());
    let answer = request.send().await?.error_for_status().context("reading a token link failed")?;
    let zak = answer.text().await?;
    ensure!(zak.split('.').count() == 3, "the answer is not a ZAK");
    Ok(Secret::new(zak))
}
