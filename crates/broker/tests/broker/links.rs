//! Token links: which fetches they serve and which they refuse, and that a refused fetch mints no token.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use model::{Code, CredentialId, Failure, Secret, Timestamp, TokenKind};
use outbound::signature::{SignatureHeaders, SigningKey};
use store::{Credentials as _, LinkLife, TokenLinks as _};
use token_links::{Content, LinkAddress, LinkRefusal, LinkRequest, NewLink};

use crate::harness::{Fixture, Server, signature_headers};

/// A bot platform: it has the address of a link, and the key it signs with.
pub(crate) struct Platform {
    address: String,
    key: SigningKey,
}

impl Platform {
    pub(crate) async fn of(fixture: &Fixture, link: &LinkAddress) -> Self {
        let key = fixture.broker.workspaces.callback_keys(fixture.workspace).await.unwrap().remove(0);
        Self { address: address(link), key }
    }

    /// Fetches with a signature made at `signed_at`.
    async fn fetch_signed_at(
        &self,
        server: &Server,
        id: &str,
        signed_at: Timestamp,
    ) -> Result<Secret, Failure> {
        let headers = self.headers(id, signed_at);
        text(server.links.serve(&LinkRequest::get(&self.address, &headers)).await)
    }

    fn headers(&self, id: &str, signed_at: Timestamp) -> HeaderMap {
        let timestamp = signed_at.as_second().to_string();
        let signature = self.key.sign(id, signed_at, b"");
        signature_headers(SignatureHeaders { id, timestamp: &timestamp, signature: &signature })
    }

    /// Fetches from a process of the fixture.
    pub(crate) async fn fetch_from(
        &self,
        server: &Server,
        fixture: &Fixture,
        id: &str,
    ) -> Result<Secret, Failure> {
        self.fetch_signed_at(server, id, fixture.env.now()).await
    }

    async fn fetch(&self, fixture: &Fixture, id: &str) -> Result<Secret, Failure> {
        self.fetch_from(&fixture.server(), fixture, id).await
    }

    async fn refused(&self, fixture: &Fixture, id: &str) -> Code {
        self.fetch(fixture, id).await.unwrap_err().code
    }
}

/// The token of an answer.
fn text(answer: Result<Content, LinkRefusal>) -> Result<Secret, Failure> {
    answer.map(|content| Secret::new(content.text)).map_err(|refused| refused.failure)
}

/// The last part of a link's path.
fn address(link: &LinkAddress) -> String {
    link.url.expose().rsplit('/').next().unwrap().to_owned()
}

fn plain(credential: CredentialId) -> NewLink {
    NewLink::usual(TokenKind::Zak, credential)
}

fn until(end: Timestamp) -> LinkLife {
    LinkLife { expires_at: Some(end), ..LinkLife::default() }
}

/// A fixture with an account, and a platform that has a link to it.
async fn linked() -> (Fixture, Platform, LinkAddress, CredentialId) {
    let (fixture, id) = Fixture::with_account().await;
    let link = fixture.links.manager.create(fixture.workspace, &plain(id)).await.unwrap().unwrap();
    let platform = Platform::of(&fixture, &link).await;
    (fixture, platform, link, id)
}

async fn mints(fixture: &Fixture) -> u64 {
    fixture.zoom.stats().await.zak_mints
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_signed_fetch_is_served_from_one_mint() {
    let (fixture, platform, link, _) = linked().await;
    assert!(link.url.expose().starts_with("https://latchkey.test/base/t/"), "below the public base");
    let first = platform.fetch(&fixture, "one").await.unwrap();
    let second = platform.fetch(&fixture, "two").await.unwrap();
    assert_eq!(first.expose(), second.expose());
    assert_eq!(mints(&fixture).await, 1);
}

#[tokio::test]
async fn a_fresh_token_is_not_from_the_cache() {
    let (fixture, platform, ..) = linked().await;
    let kept = platform.fetch(&fixture, "one").await.unwrap();
    let headers = platform.headers("two", fixture.env.now());
    let request = LinkRequest { query: "fresh=1", ..LinkRequest::get(&platform.address, &headers) };
    assert_ne!(text(fixture.links.serve(&request).await).unwrap().expose(), kept.expose());
}

#[tokio::test]
async fn unknown_links_and_wrong_secrets_get_the_same_answer() {
    let (fixture, platform, ..) = linked().await;
    let other = fixture.connect().await;
    let other = fixture.links.manager.create(fixture.workspace, &plain(other)).await.unwrap().unwrap();
    let other = address(&other);
    let (id, secret) = platform.address.split_once('.').unwrap();
    let (other_id, other_secret) = other.split_once('.').unwrap();
    let nobody = "018f0000-0000-7000-8000-000000000000";
    let mut said = Vec::new();
    for address in [
        String::new(),
        ".".into(),
        "nonsense".into(),
        id.into(),
        format!("{id}."),
        format!("{id}.{other_secret}"),
        format!("{other_id}.{secret}"),
        format!("{nobody}.{secret}"),
        format!("{}x", platform.address),
        platform.address.to_uppercase(),
    ] {
        let platform = Platform { address, key: platform.key.clone() };
        let failure = platform.fetch(&fixture, "one").await.unwrap_err();
        assert_eq!(failure.code, Code::LinkUnknown, "{}", platform.address);
        said.push(failure.detail);
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(mints(&fixture).await, 0);
}

#[tokio::test]
async fn a_revoked_link_is_unknown_within_a_second() {
    let (fixture, platform, link, account) = linked().await;
    platform.fetch(&fixture, "one").await.unwrap();
    assert!(
        fixture.store.revoke_token_link(fixture.workspace, link.link.id, fixture.env.now()).await.unwrap()
    );
    fixture.clock.advance(SECOND);
    assert_eq!(platform.refused(&fixture, "two").await, Code::LinkUnknown);

    let fresh = fixture.links.manager.create(fixture.workspace, &plain(account)).await.unwrap().unwrap();
    fixture.store.revoke_token_link(fixture.workspace, fresh.link.id, fixture.env.now()).await.unwrap();
    let platform = Platform { address: address(&fresh), ..platform };
    assert_eq!(
        platform.refused(&fixture, "three").await,
        Code::LinkUnknown,
        "at once on a server that never served it"
    );
    assert_eq!(mints(&fixture).await, 1);
}

#[tokio::test]
async fn a_link_expires_on_the_second() {
    let (fixture, platform, _, account) = linked().await;
    let new = NewLink { life: until(fixture.env.now() + 60 * SECOND), ..plain(account) };
    let link = fixture.links.manager.create(fixture.workspace, &new).await.unwrap().unwrap();
    let platform = Platform { address: address(&link), ..platform };
    fixture.clock.advance(59 * SECOND);
    platform.fetch(&fixture, "one").await.unwrap();
    fixture.clock.advance(SECOND);
    assert_eq!(platform.refused(&fixture, "two").await, Code::LinkExpired);
    assert_eq!(mints(&fixture).await, 1);
}

#[tokio::test]
async fn signatures_are_required_and_checked() {
    let (fixture, platform, ..) = linked().await;
    let none = HeaderMap::new();
    let bare = LinkRequest::get(&platform.address, &none);
    assert_eq!(fixture.links.serve(&bare).await.unwrap_err().failure.code, Code::SignatureMissing);

    let (now, id) = (fixture.env.now(), "one");
    let (timestamp, signature) = (now.as_second().to_string(), platform.key.sign(id, now, b""));
    let right = SignatureHeaders { id, timestamp: &timestamp, signature: &signature };
    for (wrong, body) in [
        (SignatureHeaders { id: "two", ..right }, b"".as_slice()),
        (SignatureHeaders { timestamp: "1", ..right }, b""),
        (SignatureHeaders { signature: "", ..right }, b""),
        (right, b"something"),
    ] {
        let headers = signature_headers(wrong);
        let request = LinkRequest { headers: &headers, body, ..bare };
        let refused = fixture.links.serve(&request).await.unwrap_err();
        assert_eq!(refused.failure.code, Code::SignatureInvalid, "{wrong:?}");
    }
    let stranger = SigningKey::parse(&Secret::new("whsec_c29tZWJvZHkgZWxzZSdzIGtleQ==")).unwrap();
    let stranger = Platform { key: stranger, address: platform.address.clone() };
    assert_eq!(stranger.refused(&fixture, "one").await, Code::SignatureInvalid);
    assert_eq!(mints(&fixture).await, 0);

    // A failed request does not use up the id, however late the authentic request comes.
    fixture.clock.advance(31 * SECOND);
    platform.fetch(&fixture, "one").await.unwrap();
}

#[tokio::test]
async fn a_signature_is_valid_five_minutes_before_and_after_its_time() {
    let (fixture, platform, ..) = linked().await;
    let now = fixture.env.now();
    for (id, signed_at) in [("old", now - 301 * SECOND), ("early", now + 301 * SECOND)] {
        let failure = platform.fetch_signed_at(&fixture.server(), id, signed_at).await.unwrap_err();
        assert_eq!(failure.code, Code::SignatureStale, "{id}");
    }
    assert_eq!(mints(&fixture).await, 0);
    for (id, signed_at) in [("old", now - 300 * SECOND), ("early", now + 300 * SECOND)] {
        platform.fetch_signed_at(&fixture.server(), id, signed_at).await.unwrap();
    }
}

#[tokio::test]
async fn a_quick_retry_is_served_and_a_late_one_refused() {
    let (fixture, platform, ..) = linked().await;
    let signed_at = fixture.env.now();
    platform.fetch(&fixture, "msg").await.unwrap();
    fixture.clock.advance(30 * SECOND);
    platform.fetch_signed_at(&fixture.server(), "msg", signed_at).await.unwrap();
    platform.fetch(&fixture, "msg").await.unwrap();
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(platform.refused(&fixture, "msg").await, Code::ReplayRefused);
    let recorded = platform.fetch_signed_at(&fixture.server(), "msg", signed_at).await.unwrap_err();
    assert_eq!(recorded.code, Code::ReplayRefused);
}

/// The clock was or is wrong, so the age of the first use is unknown.
#[tokio::test]
async fn a_repetition_of_a_use_in_the_future_is_not_a_retry() {
    let (fixture, platform, ..) = linked().await;
    let now = fixture.env.now();
    platform.fetch(&fixture, "msg").await.unwrap();
    fixture.clock.set(now - 30 * SECOND);
    platform.fetch(&fixture, "msg").await.unwrap();
    fixture.clock.set(now - 31 * SECOND);
    assert_eq!(platform.refused(&fixture, "msg").await, Code::ReplayRefused);
}

#[tokio::test]
async fn a_captured_signature_is_refused_on_another_link() {
    let (fixture, platform, _, account) = linked().await;
    let other = fixture.links.manager.create(fixture.workspace, &plain(account)).await.unwrap().unwrap();
    let other = Platform { address: address(&other), key: platform.key.clone() };
    platform.fetch(&fixture, "msg").await.unwrap();
    assert_eq!(other.refused(&fixture, "msg").await, Code::ReplayRefused);
    // The refusal there has not changed which link the id belongs to.
    platform.fetch(&fixture, "msg").await.unwrap();
}

#[tokio::test]
async fn an_id_is_used_up_on_all_servers_and_after_a_restart() {
    let (fixture, platform, _, account) = linked().await;
    let other = fixture.another_server(fixture.clock.clone()).await;
    let elsewhere = fixture.links.manager.create(fixture.workspace, &plain(account)).await.unwrap().unwrap();
    let elsewhere = Platform { address: address(&elsewhere), key: platform.key.clone() };
    let signed_at = fixture.env.now();
    platform.fetch(&fixture, "msg").await.unwrap();
    fixture.links.replay.write_used_ids().await.unwrap();
    // The other server returns, and a third is started.
    other.links.replay.read_used_ids().await.unwrap();
    let later = fixture.another_server(fixture.clock.clone()).await;
    later.links.replay.read_used_ids().await.unwrap();
    for server in [&other, &later] {
        // The same id soon afterwards on the same link is a retry, on any server.
        platform.fetch_signed_at(server, "msg", signed_at).await.unwrap();
        let refused = elsewhere.fetch_signed_at(server, "msg", signed_at).await.unwrap_err();
        assert_eq!(refused.code, Code::ReplayRefused);
    }
    fixture.clock.advance(31 * SECOND);
    for server in [&other, &later] {
        let refused = platform.fetch_signed_at(server, "msg", signed_at).await.unwrap_err();
        assert_eq!(refused.code, Code::ReplayRefused);
        platform.fetch_from(server, &fixture, "new").await.unwrap();
        server.links.replay.read_used_ids().await.unwrap();
    }
}

/// The store was unavailable when a server wanted to write its used ids.
#[tokio::test]
async fn ids_that_could_not_be_written_are_written_later() {
    let (fixture, platform, ..) = linked().await;
    let db = sqlx::SqlitePool::connect(&format!("sqlite:{}", fixture.database().display())).await.unwrap();
    let run = async |sql: &'static str| sqlx::raw_sql(sql).execute(&db).await.unwrap();
    let signed_at = fixture.env.now();
    platform.fetch(&fixture, "msg").await.unwrap();
    run("CREATE TRIGGER away BEFORE INSERT ON used_ids BEGIN SELECT RAISE(ABORT, 'away'); END").await;
    fixture.links.replay.write_used_ids().await.unwrap_err();
    run("DROP TRIGGER away").await;
    fixture.links.replay.write_used_ids().await.unwrap();
    let other = fixture.another_server(fixture.clock.clone()).await;
    other.links.replay.read_used_ids().await.unwrap();
    fixture.clock.advance(31 * SECOND);
    let refused = platform.fetch_signed_at(&other, "msg", signed_at).await.unwrap_err();
    assert_eq!(refused.code, Code::ReplayRefused);
}

#[tokio::test]
async fn an_id_is_stored_for_as_long_as_its_signature_can_be_valid() {
    let (fixture, platform, ..) = linked().await;
    // The signature is as far in the future as is allowed, so it is valid for ten minutes from now. It arrives when
    // nine minutes of this process's current span have passed.
    fixture.clock.advance(9 * 60 * SECOND);
    let began = fixture.env.now();
    let ahead = began + 300 * SECOND;
    platform.fetch_signed_at(&fixture.server(), "msg", ahead).await.unwrap();
    while fixture.env.now() < began + 600 * SECOND {
        fixture.clock.advance(60 * SECOND);
        let failure = platform.fetch_signed_at(&fixture.server(), "msg", ahead).await.unwrap_err();
        assert_eq!(failure.code, Code::ReplayRefused, "after {:?}", fixture.env.now().since(began));
    }
    fixture.clock.advance(SECOND);
    let failure = platform.fetch_signed_at(&fixture.server(), "msg", ahead).await.unwrap_err();
    assert_eq!(failure.code, Code::SignatureStale, "and then it is too old");
    assert_eq!(mints(&fixture).await, 1);
}

#[tokio::test]
async fn a_link_can_have_a_signing_secret_of_its_own() {
    let (fixture, platform, _, account) = linked().await;
    let secret = Secret::new("whsec_dGhlIHBsYXRmb3JtJ3Mgb3duIHNlY3JldA==");
    let new = NewLink { signing_secrets: vec![secret.clone()], ..plain(account) };
    let link = fixture.links.manager.create(fixture.workspace, &new).await.unwrap().unwrap();
    let ours = Platform { address: address(&link), key: platform.key };
    let theirs = Platform { address: address(&link), key: SigningKey::parse(&secret).unwrap() };
    assert_eq!(ours.refused(&fixture, "one").await, Code::SignatureInvalid);
    assert_eq!(mints(&fixture).await, 0);
    theirs.fetch(&fixture, "two").await.unwrap();
}

#[tokio::test]
async fn a_link_needs_an_existing_account_and_a_valid_key() {
    let (fixture, _, _, account) = linked().await;
    let stranger = model::WorkspaceId::generate(&fixture.env);
    assert!(fixture.links.manager.create(stranger, &plain(account)).await.unwrap().is_none());
    for secret in ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not Base64", "c29tZWJvZHkgZWxzZSdzIGtleQ=="] {
        let new = NewLink { signing_secrets: vec![Secret::new(secret)], ..plain(account) };
        assert!(fixture.links.manager.create(fixture.workspace, &new).await.unwrap().is_none(), "{secret}");
    }
}

#[tokio::test]
async fn an_account_that_needs_a_consent_gives_its_code_to_the_platform() {
    let (fixture, platform, ..) = linked().await;
    fixture.zoom.change_user(serde_json::json!({"active": false})).await;
    assert_eq!(platform.refused(&fixture, "one").await, Code::CredentialNeedsConsent);
    assert_eq!(mints(&fixture).await, 0);
}

#[tokio::test]
async fn a_fetch_that_would_wait_too_long_is_refused_and_served_at_the_retry() {
    let (fixture, platform, ..) = linked().await;
    fixture.zoom.hold_up("zak").await;
    let (answer, ()) = tokio::join!(platform.fetch(&fixture, "msg"), async {
        fixture.zoom.struck().await;
        fixture.clock.advance(4 * SECOND);
    });
    let late = answer.unwrap_err();
    assert_eq!((late.code, late.retry_after), (Code::Deadline, Some(SECOND)));

    fixture.settle().await;
    assert_eq!(mints(&fixture).await, 1, "the mint continued");
    platform.fetch(&fixture, "msg").await.unwrap();
    assert_eq!(mints(&fixture).await, 1, "and filled the cache");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_fetches_at_the_moment_of_expiry_cost_one_refresh_and_one_mint() {
    let (fixture, platform, ..) = linked().await;
    platform.fetch(&fixture, "before").await.unwrap();
    fixture.pass(Duration::from_secs(7200)).await;

    let (fixture, platform) = (Arc::new(fixture), Arc::new(platform));
    let mut fetches = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (fixture, platform) = (Arc::clone(&fixture), Arc::clone(&platform));
        fetches.spawn(async move { platform.fetch(&fixture, &format!("msg_{number}")).await.map(drop) });
    }
    for answer in fetches.join_all().await {
        answer.unwrap();
    }
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused, stats.zak_mints), (1, 0, 2));
}

/// One every 360 ms of simulated time: the platform of a busy account.
#[tokio::test]
async fn ten_thousand_reads_in_an_hour_cost_two_mints_and_two_refreshes_at_most() {
    let (fixture, platform, ..) = linked().await;
    for step in 0..100 {
        for read in 0..100 {
            platform.fetch(&fixture, &format!("msg_{step}_{read}")).await.unwrap();
        }
        fixture.pass(Duration::from_secs(36)).await;
    }
    let stats = fixture.zoom.stats().await;
    assert!(stats.zak_mints <= 2 && stats.refreshes <= 2, "{stats:?}");
    assert!(stats.zak_mints >= 1);
    println!("shown: 10000 reads in an hour, {} mints and {} refreshes", stats.zak_mints, stats.refreshes);
}

#[tokio::test]
async fn a_disconnected_account_gives_no_token_wherever_its_zak_is_cached() {
    let (fixture, platform, _, account) = linked().await;
    let other = fixture.another_server(fixture.clock.clone()).await;
    platform.fetch(&fixture, "msg-1").await.unwrap();
    let id = account;
    other.broker.tokens.zak(fixture.workspace, id, crate::harness::ANY, fixture.requester()).await.unwrap();
    // The other process disconnects it, and this one is not notified.
    let cause = model::DisconnectCause::Deauthorized;
    assert!(
        fixture.store.disconnect_credential(fixture.workspace, id, cause, &fixture.note()).await.unwrap()
    );
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(platform.refused(&fixture, "msg-2").await, Code::CredentialDisconnected);
    let failure = other
        .broker
        .tokens
        .zak(fixture.workspace, id, crate::harness::ANY, fixture.requester())
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::CredentialDisconnected);

    let before = mints(&fixture).await;
    assert_eq!(fixture.connect().await, id);
    fixture.clock.advance(Duration::from_secs(1));
    platform.fetch(&fixture, "msg-3").await.unwrap();
    assert_eq!(mints(&fixture).await, before + 1, "ZAKs of the old consent are void");
}

#[tokio::test]
async fn while_the_store_is_unavailable_valid_tokens_are_served_for_a_while() {
    let (fixture, platform, ..) = linked().await;
    let zak = platform.fetch(&fixture, "msg-1").await.unwrap();
    fixture.store.close().await;
    for second in 0..119 {
        fixture.clock.advance(Duration::from_secs(1));
        let again = platform.fetch(&fixture, &format!("away-{second}")).await.unwrap();
        assert_eq!(again.expose(), zak.expose());
    }
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(platform.refused(&fixture, "too-long").await, Code::Unavailable);
}
