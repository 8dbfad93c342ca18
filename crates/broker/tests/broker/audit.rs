//! No record, no token: the record is written before the token is given.

use std::{fs, net::IpAddr, time::Duration};

use http::HeaderMap;
use model::{AuditActor, Code, Environment, Outcome, Purpose, Source, TokenKind};
use outbound::signature::SignatureHeaders;
use serde_json::json;
use store::{AuditPage, AuditRecord, Audits};
use token_links::{LinkRequest, NewLink};
use tokio::task::JoinSet;

use crate::{
    harness::{ANY, FRESH, Fixture, signature_headers},
    refresh::run,
};

const AWAY: &str =
    "CREATE TRIGGER away BEFORE INSERT ON audit_batches BEGIN SELECT RAISE(ABORT, 'away'); END";

const EVERYTHING: AuditPage = AuditPage::oldest_first(1000);

pub(crate) async fn records(fixture: &Fixture) -> Vec<AuditRecord> {
    fixture.store.audit(fixture.workspace, &EVERYTHING).await.unwrap()
}

/// The value of a series without labels.
async fn metric(fixture: &Fixture, name: &str) -> f64 {
    let text = fixture.broker.statistics.metrics_text().await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
}

/// The result of `work` while Latchkey's time passes ten times as fast as real time.
async fn as_time_passes<T>(fixture: &Fixture, work: impl Future<Output = T>) -> T {
    let wall = Environment::system().clock;
    let passing = async {
        loop {
            wall.sleep(Duration::from_millis(1)).await;
            fixture.clock.advance(Duration::from_millis(10));
        }
    };
    tokio::select! {
        biased;
        value = work => value,
        never = passing => never,
    }
}

#[tokio::test]
async fn a_record_says_who_got_which_token_and_from_where() {
    let (fixture, id) = Fixture::with_account().await;
    let bot = fixture.requester();
    fixture.broker.tokens.zak(fixture.workspace, id, ANY, bot).await.unwrap();
    let given = fixture.broker.tokens.zak(fixture.workspace, id, ANY, bot).await.unwrap();

    let new = NewLink::usual(TokenKind::Zak, id);
    let link = fixture.links.manager.create(fixture.workspace, &new).await.unwrap().unwrap();
    let key = fixture.broker.workspaces.callback_keys(fixture.workspace).await.unwrap().remove(0);
    let (timestamp, peer) = (fixture.env.now().as_second().to_string(), IpAddr::from([192, 0, 2, 7]));
    let signature = key.sign("msg", fixture.env.now(), b"");
    let signed = SignatureHeaders { id: "msg", timestamp: &timestamp, signature: &signature };
    let address = link.url.expose().rsplit('/').next().unwrap();
    let headers = signature_headers(signed);
    let request = LinkRequest { from: Some(peer), ..LinkRequest::get(address, &headers) };
    fixture.links.serve(&request).await.unwrap();

    let found = records(&fixture).await;
    let minted = found.iter().find(|record| record.outcome == Outcome::Given(Source::Minted)).unwrap();
    assert_eq!((minted.who, minted.why, minted.from), (bot.who, Purpose::BotJoin, None));
    let kept = found.iter().find(|record| record.id == given.record()).unwrap();
    assert_eq!((kept.credential, kept.kind), (id, TokenKind::Zak));
    assert_eq!(kept.outcome, Outcome::Given(Source::Cached));
    let fetched = found.iter().find(|record| record.who == AuditActor::TokenLink(link.link.id)).unwrap();
    assert_eq!((fetched.why, fetched.from), (Purpose::TokenLink, Some(peer)));
    assert_eq!(found.len(), 3);

    // A request with a wrong secret writes no record.
    let stranger = LinkRequest { headers: &HeaderMap::new(), ..request };
    fixture.links.serve(&stranger).await.unwrap_err();
    fixture.links.serve(&LinkRequest { address: "nobody", ..request }).await.unwrap_err();
    fixture.settle().await;
    assert_eq!(records(&fixture).await.len(), 3);
}

#[tokio::test]
async fn a_refusal_is_recorded_with_its_code() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zoom.change_user(json!({"active": false})).await;
    let refused = fixture.zak(id).await.unwrap_err();
    fixture.settle().await;
    let found = records(&fixture).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].outcome, Outcome::Refused(refused.code));
}

#[tokio::test]
async fn while_the_store_is_unavailable_the_record_is_on_the_disk() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zak(id).await.unwrap();
    run(&fixture.database(), AWAY).await;
    let (second, third) = (fixture.zak(id).await.unwrap(), fixture.zak(id).await.unwrap());
    assert_eq!(records(&fixture).await.len(), 1);
    assert_eq!(fs::read_dir(fixture.journal()).unwrap().count(), 1, "the journal's file");
    run(&fixture.database(), "DROP TRIGGER away").await;
    let found = fixture.broker.audit.page(fixture.workspace, &EVERYTHING).await.unwrap();
    let found: Vec<_> = found.iter().map(|record| record.id).collect();
    assert!(found.contains(&second.record()) && found.contains(&third.record()), "a reader waits for it");
    assert_eq!(found.len(), 3);
    assert_eq!(fs::read_dir(fixture.journal()).unwrap().count(), 0);
}

#[tokio::test]
async fn without_a_record_no_token_is_given() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zak(id).await.unwrap();
    run(&fixture.database(), AWAY).await;
    // For the journal, this is like a full disk.
    fs::remove_dir(fixture.journal()).unwrap();
    fs::write(fixture.journal(), "in its way").unwrap();
    for wanted in [ANY, FRESH] {
        let asked = fixture.broker.tokens.zak(fixture.workspace, id, wanted, fixture.requester());
        assert_eq!(as_time_passes(&fixture, asked).await.unwrap_err().code, Code::Unavailable);
    }
    run(&fixture.database(), "DROP TRIGGER away").await;
    // No caller waits any more, so the writer ends.
    as_time_passes(&fixture, fixture.settle()).await;
    fixture.zak(id).await.unwrap();
    assert!(metric(&fixture, "latchkey_audit_failures_total").await > 0.0);
    assert_eq!(records(&fixture).await.len(), 2, "a token that was not given has no record");
}

#[tokio::test]
async fn a_relaxed_audit_gives_the_token_and_records_it_later() {
    let (fixture, id) = Fixture::relaxed().await;
    run(&fixture.database(), AWAY).await;
    fs::remove_dir(fixture.journal()).unwrap();
    fs::write(fixture.journal(), "in its way").unwrap();
    fixture.zak(id).await.unwrap();
    fixture.zak(id).await.unwrap();
    assert!(records(&fixture).await.is_empty());
    run(&fixture.database(), "DROP TRIGGER away").await;
    as_time_passes(&fixture, async { while records(&fixture).await.len() < 2 {} }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_callers_is_recorded() {
    let (fixture, id) = Fixture::with_account().await;
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (broker, workspace, requester) = (fixture.broker.clone(), fixture.workspace, fixture.requester());
        callers
            .spawn(async move { broker.tokens.zak(workspace, id, ANY, requester).await.unwrap().record() });
    }
    let mut given = callers.join_all().await;
    let mut found: Vec<_> = records(&fixture).await.iter().map(|record| record.id).collect();
    given.sort_unstable();
    found.sort_unstable();
    assert_eq!(given, found);
    let batches = metric(&fixture, "latchkey_audit_batch_records_count").await;
    assert!(batches < 100.0, "{batches}");
}

#[tokio::test]
async fn old_records_are_deleted_and_the_audit_outlives_its_account() {
    let (fixture, id) = Fixture::with_account().await;
    for _ in 0..3 {
        fixture.zak(id).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    let end = records(&fixture).await[2].at;
    assert_eq!(fixture.broker.audit.prune(end).await.unwrap(), 2);
    run(&fixture.database(), "DELETE FROM consents").await;
    run(&fixture.database(), "DELETE FROM credentials").await;
    assert_eq!(records(&fixture).await.len(), 1);
}
