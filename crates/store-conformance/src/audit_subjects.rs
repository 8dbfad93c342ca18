//! Reading the audit records about one subject.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use model::{
    ApiKeyId, AuditActor, AuditId, BotId, CredentialId, Outcome, PlatformBot, Purpose, Source, TokenContext,
    TokenKind, TokenLinkId, WorkspaceId,
};

use crate::Conformance;
use store::{AuditBatch, AuditFilter, AuditPage, AuditRecord, Direction};

const EVERYTHING: AuditPage = AuditPage::oldest_first(10_000);

/// Records half a minute apart, of one workspace.
struct Told {
    workspace: WorkspaceId,
    accounts: [CredentialId; 2],
    link: TokenLinkId,
    key: ApiKeyId,
    bot: BotId,
    platform_bot: PlatformBot,
    records: Vec<AuditRecord>,
}

impl Told {
    fn new(suite: &Conformance) -> Self {
        let env = &suite.env;
        let (link, key, bot) = (TokenLinkId::generate(env), ApiKeyId::generate(env), BotId::generate(env));
        let accounts = [(); 2].map(|()| CredentialId::generate(env));
        let (workspace, platform_bot) = (WorkspaceId::generate(env), "bot_1".parse::<PlatformBot>().unwrap());
        let who = [
            AuditActor::TokenLink(link),
            AuditActor::ApiKey(key),
            AuditActor::Bot(bot),
            AuditActor::TokenLink(link),
        ];
        let record = |number: usize| AuditRecord {
            id: AuditId::generate(env),
            at: env.now() + Duration::from_secs(30) * u32::try_from(number).unwrap(),
            workspace,
            credential: accounts[usize::from(number >= 6)],
            kind: TokenKind::Zak,
            who: who[number % 4],
            from: None,
            why: Purpose::TokenLink,
            outcome: Outcome::Given(Source::Cached),
            about: TokenContext {
                bot: (number % 4 == 3).then(|| platform_bot.clone()),
                ..TokenContext::default()
            },
        };
        let records = (0..12).map(record).collect();
        Self { workspace, accounts, link, key, bot, platform_bot, records }
    }

    async fn stored(suite: &Conformance) -> Self {
        let told = Self::new(suite);
        suite.store.append_audit(&told.records).await.unwrap();
        told
    }

    fn account(&self, number: usize) -> AuditFilter {
        AuditFilter { credential: Some(self.accounts[number]), ..AuditFilter::NONE }
    }

    /// The records with these numbers.
    fn those(&self, numbers: &[usize]) -> Vec<AuditRecord> {
        numbers.iter().map(|number| self.records[*number].clone()).collect()
    }

    async fn found(&self, suite: &Conformance, filter: AuditFilter) -> Vec<AuditRecord> {
        let page = AuditPage { filter, ..EVERYTHING };
        let of_all = suite.store.audit_of_all(&page).await.unwrap();
        assert_eq!(suite.store.audit(self.workspace, &page).await.unwrap(), of_all);
        of_all
    }
}

pub async fn records_are_found_by_account_link_key_and_bot(suite: &Conformance) {
    let told = Told::stored(suite).await;
    let none = AuditFilter::NONE;
    for (filter, numbers) in [
        (told.account(0), &[0, 1, 2, 3, 4, 5][..]),
        (told.account(1), &[6, 7, 8, 9, 10, 11]),
        (AuditFilter { token_link: Some(told.link), ..none.clone() }, &[0, 3, 4, 7, 8, 11]),
        (AuditFilter { api_key: Some(told.key), ..none.clone() }, &[1, 5, 9]),
        (AuditFilter { bot: Some(told.bot.to_string().parse().unwrap()), ..none.clone() }, &[2, 6, 10]),
        (AuditFilter { bot: Some(told.platform_bot.clone()), ..none.clone() }, &[3, 7, 11]),
        // Each filter narrows the result.
        (AuditFilter { token_link: Some(told.link), ..told.account(1) }, &[7, 8, 11]),
        (AuditFilter { api_key: Some(told.key), token_link: Some(told.link), ..none.clone() }, &[]),
        // An id of one kind is not an id of another.
        (AuditFilter { token_link: Some(told.key.to_string().parse().unwrap()), ..none.clone() }, &[]),
        (AuditFilter { credential: Some(CredentialId::generate(&suite.env)), ..none }, &[]),
    ] {
        assert_eq!(told.found(suite, filter.clone()).await, told.those(numbers), "{filter:?}");
    }
}

pub async fn pages_of_one_subject_are_complete(suite: &Conformance) {
    let told = Told::stored(suite).await;
    for direction in [Direction::OldestFirst, Direction::NewestFirst] {
        let mut expected = told.those(&[0, 1, 2, 3, 4, 5]);
        if direction == Direction::NewestFirst {
            expected.reverse();
        }
        for most in 1..8 {
            let mut page = AuditPage { filter: told.account(0), direction, most, ..EVERYTHING };
            let mut read = Vec::new();
            loop {
                let found = suite.store.audit(told.workspace, &page).await.unwrap();
                assert!(found.len() <= most as usize);
                let Some(last) = found.last() else { break };
                page.after = Some(last.place());
                read.extend(found);
            }
            assert_eq!(read, expected, "{most} at a time");
        }
    }
    let (since, until) = (Some(told.records[2].at), Some(told.records[5].at));
    let page = AuditPage { since, until, filter: told.account(0), ..EVERYTHING };
    assert_eq!(suite.store.audit(told.workspace, &page).await.unwrap(), told.those(&[2, 3, 4]));
}

/// There are more minutes than are read at a time.
pub async fn a_subject_of_many_minutes_is_found_completely(suite: &Conformance) {
    let told = Told::new(suite);
    let at = |number: u32| suite.env.now() + Duration::from_secs(60) * number;
    let id = || AuditId::generate(&suite.env);
    let records = (0..300).map(|number| AuditRecord { at: at(number), id: id(), ..told.records[0].clone() });
    let mut records: Vec<_> = records.collect();
    suite.store.append_audit(&records).await.unwrap();
    let page = AuditPage { filter: told.account(0), ..EVERYTHING };
    assert_eq!(suite.store.audit(told.workspace, &page).await.unwrap(), records);
    let page = AuditPage { direction: Direction::NewestFirst, ..page };
    records.reverse();
    assert_eq!(suite.store.audit(told.workspace, &page).await.unwrap(), records);
}

/// Records that were written early, again, or by a server that started later are still found.
pub async fn records_written_late_or_twice_are_found_once(suite: &Conformance) {
    let told = Told::new(suite);
    suite.store.append_audit(&told.records[4..]).await.unwrap();
    suite.store.append_audit(&told.records[..3]).await.unwrap();
    suite.store.append_audit(&told.records).await.unwrap();
    let (both, link) = (told.account(0), AuditFilter { token_link: Some(told.link), ..AuditFilter::NONE });
    assert_eq!(told.found(suite, both).await, told.those(&[0, 1, 2, 3, 4, 5]));
    // As from a journal.
    let batches = store::unbundle(&store::bundle(&AuditBatch::pack(&told.records))).unwrap();
    suite.store.append_audit_batches(&batches).await.unwrap();
    assert_eq!(told.found(suite, link).await, told.those(&[0, 3, 4, 7, 8, 11]));
}

pub async fn a_bot_of_the_same_name_elsewhere_is_not_shown(suite: &Conformance) {
    let (here, there) = (Told::stored(suite).await, Told::stored(suite).await);
    let filter = AuditFilter { bot: Some(here.platform_bot.clone()), ..AuditFilter::NONE };
    let page = AuditPage { filter, ..EVERYTHING };
    for told in [&here, &there] {
        let found = suite.store.audit(told.workspace, &page).await.unwrap();
        assert_eq!(found, told.those(&[3, 7, 11]));
    }
    assert_eq!(suite.store.audit_of_all(&page).await.unwrap().len(), 6);
    let of_theirs = AuditPage { filter: there.account(0), ..EVERYTHING };
    assert_eq!(suite.store.audit(here.workspace, &of_theirs).await.unwrap(), []);
}

pub async fn pruned_records_are_gone_and_the_others_are_found(suite: &Conformance) {
    let told = Told::stored(suite).await;
    let end = told.records[6].at;
    let mut subjects = 0;
    loop {
        let pruned = suite.store.prune_audit(end, 4).await.unwrap();
        subjects += pruned.subjects;
        if pruned.batches < 4 && pruned.subjects < 4 {
            break;
        }
    }
    assert!(subjects > 8, "subjects of deleted minutes are deleted: {subjects}");
    assert_eq!(told.found(suite, told.account(0)).await, []);
    assert_eq!(told.found(suite, told.account(1)).await, told.those(&[6, 7, 8, 9, 10, 11]));
    // A late record of that time can be found until it is deleted.
    suite.store.append_audit(&told.records[..1]).await.unwrap();
    assert_eq!(told.found(suite, told.account(0)).await, told.those(&[0]));
}
