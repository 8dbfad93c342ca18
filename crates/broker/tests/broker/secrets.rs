//! No secret appears in a log, a message or the store.

use std::{
    fmt::{Debug, Write as _},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use broker::AuthorizationReturn;
use http::HeaderMap;
use model::{Sealed, Secret, TokenKind};
use outbound::{signature::SignatureHeaders, signature::SigningKey};
use serde_json::json;
use store::{AuditPage, Audits, Credentials};
use tenants::Cell;
use token_links::{LinkRequest, NewLink};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::harness::{ACCESS_LIFE, CLIENT_SECRET, FRESH, Fixture, signature_headers};

/// The log of all crates at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The secrets that must not be found, and the texts that people can see.
#[derive(Default)]
struct Search {
    secrets: Vec<(&'static str, String)>,
    shown: String,
}

impl Search {
    fn secret(&mut self, name: &'static str, secret: &Secret) {
        assert!(secret.expose().len() >= 16, "{name} is too short to be searched for");
        self.secrets.push((name, secret.expose().to_owned()));
    }

    fn shown<T: Debug>(&mut self, value: T) -> T {
        writeln!(self.shown, "{value:?}").unwrap();
        value
    }

    fn assert_none_in(&self, place: &str, bytes: &[u8]) {
        for (name, secret) in &self.secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{name} is in {place}");
        }
    }
}

#[tokio::test]
async fn no_output_contains_a_secret() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let mut search = Search::default();

    // A new installation.
    let fixture = Fixture::start().await;
    search.secret("the API key", &fixture.api_key);
    search.secret("the client secret", &Secret::new(CLIENT_SECRET));
    search.secret("the webhook secret", &Secret::new("planted-webhook-secret"));
    let callback_secret =
        fixture.broker.workspaces.callback_secrets(fixture.workspace).await.unwrap().current;
    search.secret("the callback secret", &callback_secret);
    search.shown(&fixture.broker);

    // An account: declined, forged, refused by Zoom, and connected.
    let invitation = fixture.invitation().await;
    search.secret("the invitation", &Secret::new(invitation.split_once('.').unwrap().1));
    for mishap in ["deny", "forge", "another code", "allow"] {
        let start = search
            .shown(fixture.broker.accounts.authorizations.begin_authorization(&invitation).await)
            .unwrap();
        search.secret("the browser's cookie", &start.browser);
        search.secret("the address of Zoom's page", &start.zoom_url);
        let id = invitation.split_once('.').unwrap().0.parse().unwrap();
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(start.browser.expose()).unwrap();
        let luggage =
            fixture.broker.vault.open(fixture.workspace, Cell::Authorization(id), &Sealed(sealed)).unwrap();
        search.secret("the PKCE verifier", &Secret::new(luggage.expose().split_once(' ').unwrap().1));

        let decision = if mishap == "deny" { "deny" } else { "allow" };
        let mut returned = search.shown(fixture.zoom.decide(&start, decision).await);
        search.secret("the state", &returned.state);
        if let Ok(code) = &returned.code {
            search.secret("the code", code);
        }
        match mishap {
            "forge" => returned.browser = Some(Secret::new("planted-forged-browser")),
            "another code" => returned.code = Ok(Secret::new("planted-another-code")),
            _ => {}
        }
        search.secret("the browser's cookie at the redirect", returned.browser.as_ref().unwrap());
        let arrived =
            search.shown(fixture.broker.accounts.authorizations.finish_authorization(returned).await);
        assert_eq!(arrived.is_ok(), mishap == "allow", "{mishap}");
    }
    let account = fixture.store.credentials(fixture.workspace).await.unwrap().pop().unwrap();
    search.shown(&account);
    tokens_of(&fixture, &account, &mut search);

    // Refreshes and mints, with all possible faults.
    for place in ["refresh", "zak"] {
        for kind in ["http_429", "http_500", "html", "drop_before", "truncated", "lose_answer"] {
            fixture.pass(ACCESS_LIFE).await;
            fixture.zoom.spoil(place, kind, 1).await;
            let zak = search.shown(
                fixture.broker.tokens.zak(fixture.workspace, account.id, FRESH, fixture.requester()).await,
            );
            if let Ok(zak) = zak {
                search.secret("a ZAK", &zak.token);
            }
            tokens_of(&fixture, &fixture.row(account.id).await, &mut search);
            fixture.connect().await;
            tokens_of(&fixture, &fixture.row(account.id).await, &mut search);
        }
    }
    fixture.zoom.change_app(json!({"client_secret": "planted-rotated-secret"})).await;
    fixture.pass(ACCESS_LIFE).await;
    search
        .shown(fixture.broker.tokens.zak(fixture.workspace, account.id, FRESH, fixture.requester()).await)
        .unwrap_err();
    fixture.zoom.change_app(json!({"client_secret": CLIENT_SECRET})).await;
    fixture.pass(Duration::from_secs(30)).await;

    // A link: served, and refused for every reason.
    let own = Secret::new("whsec_cGxhbnRlZCBzaWduaW5nIHNlY3JldA==");
    search.secret("a link's signing secret", &own);
    let (kind, credential) = (TokenKind::Zak, account.id);
    let signing_secrets = vec![own.clone()];
    let new = search.shown(NewLink { signing_secrets, ..NewLink::usual(kind, credential) });
    let link = search.shown(fixture.links.manager.create(fixture.workspace, &new).await).unwrap().unwrap();
    let address = link.url.expose().rsplit('/').next().unwrap();
    search.secret("the link's secret", &Secret::new(address.split_once('.').unwrap().1));
    let (key, now) = (search.shown(SigningKey::parse(&own).unwrap()), fixture.env.now());
    let (timestamp, signature) = (now.as_second().to_string(), key.sign("msg", now, b""));
    let right = SignatureHeaders { id: "msg", timestamp: &timestamp, signature: &signature };
    let (none, other) = (HeaderMap::new(), SignatureHeaders { id: "other", ..right });
    let (right, other) = (signature_headers(right), signature_headers(other));
    let request = LinkRequest::get(address, &right);
    for (request, served) in [
        (request, true),
        (LinkRequest { headers: &none, ..request }, false),
        (LinkRequest { headers: &other, ..request }, false),
        (LinkRequest { address: &address[..address.len() - 1], ..request }, false),
    ] {
        let request = search.shown(request);
        let answer = search.shown(fixture.links.serve(&request).await);
        assert_eq!(answer.is_ok(), served);
        if let Ok(answer) = answer {
            search.secret("a served ZAK", &Secret::new(answer.text));
        }
    }
    search.shown(AuthorizationReturn { state: own.clone(), browser: Some(own.clone()), code: Ok(own) });

    // The results in the audit and the metrics. A jump of the clock makes a write look late, so some records are on the
    // disk.
    fixture.settle().await;
    for file in std::fs::read_dir(fixture.journal()).unwrap() {
        search.assert_none_in("the journal", &std::fs::read(file.unwrap().path()).unwrap());
    }
    fixture.broker.audit.close_journal().await;
    let page = AuditPage::oldest_first(1000);
    let audit = serde_json::to_string(&fixture.store.audit_of_all(&page).await.unwrap()).unwrap();
    assert!(audit.contains("token_link") && audit.contains("zoom_rate_limited"), "{audit}");
    let metrics = fixture.broker.statistics.metrics_text().await;

    // The search works: it finds texts that are not secret.
    let written = log.0.lock().unwrap().clone();
    let stored = fixture.bytes_of_the_store();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&written, "token minted") && holds(&written, " TRACE ") && holds(&written, "hyper"));
    assert!(holds(&stored, &account.zoom_user_id));
    assert!(search.secrets.len() > 50, "{}", search.secrets.len());

    search.assert_none_in("the log", &written);
    search.assert_none_in("the store", &stored);
    search.assert_none_in("the audit", audit.as_bytes());
    search.assert_none_in("the metrics", metrics.as_bytes());
    search.assert_none_in("an answer", search.shown.as_bytes());
}

/// Opens the sealed secrets of the store, so that the search can look for them.
fn tokens_of(fixture: &Fixture, account: &store::Credential, search: &mut Search) {
    let vault = &fixture.broker.vault;
    for (cell, sealed) in [
        (Cell::AccessToken(account.id), &account.grant.access_token),
        (Cell::RefreshToken(account.id), &account.grant.refresh_token),
    ] {
        search.secret(
            "a token of a grant",
            &vault.open(fixture.workspace, cell, sealed.as_ref().unwrap()).unwrap(),
        );
    }
}
