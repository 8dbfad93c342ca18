//! Token links.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{AccountUser, CredentialStatus, DisconnectCause, PoolId, TokenKind, TokenLinkId, WorkspaceId};

use crate::{Conformance, credentials};
use store::{
    AccountState, Dialect, FormerSecret, LAST_USES, LinkAccount, LinkLife, LinkSource, LinkTerms, LinkUse,
    LinkVerification, TokenLink,
};

fn terms(source: LinkSource) -> LinkTerms {
    LinkTerms {
        dialect: Dialect::Attendee,
        kinds: vec![TokenKind::Zak, TokenKind::JoinToken],
        source,
        meeting: "12345678901".parse().ok(),
        meeting_in_request: true,
        proof: LinkVerification::QuerySecret { name: "tökén".into(), digest: [7; 32] },
        networks: vec!["192.0.2.0/24".into(), "2001:db8::/32".into()],
        optional: true,
        allow_repeat: true,
        zak_outlives_seconds: 1200,
        seat_seconds: 60,
        hosting: true,
        per_minute: Some(u32::MAX),
    }
}

fn link_of(suite: &Conformance, workspace: WorkspaceId, source: LinkSource) -> TokenLink {
    let soon = suite.env.now() + Duration::from_micros(1);
    TokenLink {
        id: TokenLinkId::generate(&suite.env),
        workspace,
        name: "Zoë’s bots 🤖".into(),
        secret_digest: suite.env.entropy.bytes(),
        terms: terms(source),
        life: LinkLife { not_before: Some(soon), expires_at: Some(soon), max_uses: Some(2) },
        signing_secret: Some(suite.sealed()),
        uses: 0,
        last_uses: Vec::new(),
        revision: 0,
        created_at: suite.env.now(),
        revoked_at: None,
    }
}

pub(super) async fn link(suite: &Conformance) -> TokenLink {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let mut accounts = Vec::new();
    for user in ["user-1", "user-2"] {
        let credential = credentials::account(suite, workspace, app.id, user);
        credentials::connect(suite, &credential).await.unwrap();
        let user = "ada@example.test".parse::<AccountUser>().ok().filter(|_| user == "user-1");
        accounts.push(LinkAccount { credential: credential.id, address: user.clone(), user });
    }
    let link = link_of(suite, workspace, LinkSource::Accounts(accounts));
    suite.store.add_token_link(&link).await.unwrap();
    link
}

async fn found(suite: &Conformance, link: &TokenLink) -> TokenLink {
    suite.store.token_link(link.workspace, link.id).await.unwrap().unwrap()
}

pub async fn a_link_is_read_back_unchanged(suite: &Conformance) {
    let made = link(suite).await;
    let servable = suite.store.servable_link(made.id).await.unwrap().unwrap();
    let LinkSource::Accounts(named) = &made.terms.source else { unreachable!("as made") };
    for account in named {
        let state =
            AccountState { credential: account.credential, status: CredentialStatus::Healthy, epoch: 1 };
        assert!(servable.accounts.contains(&state));
    }
    assert_eq!(servable.accounts.len(), 2);
    for link in [servable.link, found(suite, &made).await] {
        assert_eq!(
            (link.secret_digest, link.workspace, &link.name),
            (made.secret_digest, made.workspace, &made.name)
        );
        assert_eq!((&link.terms, link.life), (&made.terms, made.life));
        assert_eq!((&link.signing_secret, link.created_at), (&made.signing_secret, made.created_at));
        assert_eq!((link.uses, link.revision, link.revoked_at), (0, 0, None));
    }
    let nobody = TokenLinkId::generate(&suite.env);
    assert!(suite.store.servable_link(nobody).await.unwrap().is_none());
    assert!(suite.store.token_link(WorkspaceId::generate(&suite.env), made.id).await.unwrap().is_none());
}

pub async fn links_are_listed_newest_first_in_pages(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let pool = PoolId::generate(&suite.env);
    let mut made = Vec::new();
    for _ in 0..5 {
        let link = link_of(suite, workspace, LinkSource::Pool(pool));
        suite.store.add_token_link(&link).await.unwrap();
        made.push(link.id);
    }
    // Ids start with the time of creation.
    made.sort_by(|one, other| other.cmp(one));
    let page = async |before| {
        let page = suite.store.token_links(workspace, before, 2).await.unwrap();
        page.iter().map(|link| link.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, made[..2]);
    assert_eq!(page(Some(made[1])).await, made[2..4]);
    assert_eq!(page(Some(made[3])).await, made[4..]);
    assert!(suite.store.token_links(WorkspaceId::generate(&suite.env), None, 2).await.unwrap().is_empty());

    assert_eq!(suite.store.links_of_pool(workspace, pool).await.unwrap(), 5);
    suite.store.revoke_token_link(workspace, made[0], suite.env.now()).await.unwrap();
    assert_eq!(suite.store.links_of_pool(workspace, pool).await.unwrap(), 4);
    assert_eq!(suite.store.links_of_pool(WorkspaceId::generate(&suite.env), pool).await.unwrap(), 0);
    let servable = suite.store.servable_link(made[1]).await.unwrap().unwrap();
    assert!(servable.accounts.is_empty(), "a pool's accounts are chosen later");
}

pub async fn one_of_several_concurrent_changes_counts(suite: &Conformance) {
    let made = link(suite).await;
    let narrower = |name: &str| {
        let mut link = made.clone();
        link.name = name.into();
        link.terms.source = LinkSource::Host;
        link.life = LinkLife { max_uses: Some(1), ..LinkLife::default() };
        link.signing_secret = None;
        link
    };
    let done = join_all(["one", "two", "three"].map(|name| {
        let link = narrower(name);
        async move { suite.store.change_token_link(&link).await.unwrap() }
    }))
    .await;
    assert_eq!(done.iter().filter(|changed| **changed).count(), 1);
    let changed = found(suite, &made).await;
    assert_eq!((changed.revision, &changed.terms.source), (1, &LinkSource::Host));
    assert_eq!((changed.life.expires_at, changed.signing_secret.clone()), (None, None));

    let elsewhere = TokenLink { workspace: WorkspaceId::generate(&suite.env), ..changed.clone() };
    assert!(!suite.store.change_token_link(&elsewhere).await.unwrap());
}

/// Whether `change` changes the revision.
async fn moves(suite: &Conformance, change: impl Future) -> bool {
    let before = suite.store.link_revision().await.unwrap();
    change.await;
    suite.store.link_revision().await.unwrap() > before
}

pub async fn changes_that_affect_tokens_change_the_revision(suite: &Conformance) {
    let made = link(suite).await;
    let (store, workspace, now) = (&suite.store, made.workspace, suite.env.now());
    let LinkSource::Accounts(named) = &made.terms.source else { unreachable!("as made") };
    let (one, other) = (named[0].credential, named[1].credential);
    assert!(moves(suite, async { store.change_token_link(&made).await.unwrap() }).await, "terms");
    assert!(moves(suite, async { store.void_tokens(workspace, one).await.unwrap() }).await, "an epoch");
    let note = suite.note("gone");
    let disconnect = store.disconnect_credential(workspace, other, DisconnectCause::Asked, &note);
    assert!(moves(suite, async { disconnect.await.unwrap() }).await, "an account's end");
    let before = store.workspace(workspace).await.unwrap().unwrap().callback_secret;
    let rotate = async |before, former| {
        let sealed = suite.sealed();
        assert!(store.rotate_callback_secret(workspace, before, &sealed, former).await.unwrap());
        sealed
    };
    let former = FormerSecret { sealed: suite.sealed(), ends_at: now };
    assert!(moves(suite, rotate(&before, Some(&former))).await, "a callback secret");
    assert!(moves(suite, store.erase_former_callback_secrets(now)).await, "the former callback secret");
    assert!(moves(suite, store.revoke_token_link(workspace, made.id, now)).await, "the link's end");
    assert_eq!(store.link_revision().await.unwrap(), 6, "each change counts once");
}

pub async fn other_changes_leave_the_revision(suite: &Conformance) {
    let made = link(suite).await;
    let LinkSource::Accounts(named) = &made.terms.source else { unreachable!("as made") };
    let account = named[0].credential;
    assert!(!moves(suite, suite.store.count_use(made.id)).await, "a use");
    assert!(!moves(suite, suite.store.note_uses(&[(made.id, Vec::new())])).await, "a use that is shown");
    let (lease, trouble, note) = (suite.lease(60), credentials::trouble(suite), suite.note("Zoom is away"));
    credentials::take_of(suite, made.workspace, account, 1, &lease).await;
    let troubled = suite.store.record_refresh_failure(account, &lease, &trouble, &note);
    assert!(!moves(suite, async { assert!(troubled.await.unwrap()) }).await, "a temporary failure");
    let grant = credentials::grant(suite);
    let refresh = credentials::commit(suite, account, 1, &grant);
    assert!(!moves(suite, async { assert!(refresh.await) }).await, "a refresh");
    let new = link_of(suite, made.workspace, LinkSource::Host);
    assert!(!moves(suite, async { suite.store.add_token_link(&new).await.unwrap() }).await, "a new link");
}

pub async fn uses_are_counted_to_the_last(suite: &Conformance) {
    let made = link(suite).await;
    let counted = join_all([(); 5].map(|()| async { suite.store.count_use(made.id).await.unwrap() })).await;
    assert_eq!(counted.iter().filter(|counted| **counted).count(), 2, "two uses are the limit");
    suite.store.uncount_use(made.id).await.unwrap();
    assert_eq!(found(suite, &made).await.uses, 1);
    assert!(suite.store.count_use(made.id).await.unwrap());
    assert!(!suite.store.count_use(made.id).await.unwrap());
    assert!(!suite.store.count_use(TokenLinkId::generate(&suite.env)).await.unwrap());
}

pub async fn the_last_uses_are_shown(suite: &Conformance) {
    let made = link(suite).await;
    let a_use = |number: u64| LinkUse {
        at: suite.env.now() + Duration::from_secs(number),
        kind: TokenKind::Obf,
        outcome: "given".into(),
        from: "2001:db8::1".parse().ok(),
        bot: Some(format!("bot-{number}")),
        meeting: "123456789".parse().ok(),
    };
    suite.store.note_uses(&[(made.id, vec![a_use(2), a_use(1)])]).await.unwrap();
    let newer: Vec<_> = (3..=11).rev().map(a_use).collect();
    let nobody = TokenLinkId::generate(&suite.env);
    suite.store.note_uses(&[(nobody, newer.clone()), (made.id, newer)]).await.unwrap();
    let shown = found(suite, &made).await.last_uses;
    assert_eq!(shown.len(), LAST_USES);
    assert_eq!(shown, (2..=11).rev().map(a_use).collect::<Vec<_>>());
}

pub async fn a_request_is_stored_with_its_first_time(suite: &Conformance) {
    let (first, request) = (suite.env.now(), suite.env.entropy.bytes());
    let later = first + Duration::from_secs(60);
    let times =
        join_all([(); 3].map(|()| async { suite.store.record_request(&request, first).await.unwrap() }))
            .await;
    assert_eq!(
        times.iter().filter(|seen| seen.is_none()).count(),
        1,
        "one of several concurrent requests is the first"
    );
    assert_eq!(suite.store.record_request(&request, later).await.unwrap(), Some(first));
    assert_eq!(suite.store.request_seen_at(&request).await.unwrap(), Some(first));
    assert_eq!(suite.store.request_seen_at(&[0; 32]).await.unwrap(), None, "reading does not store it");
    assert_eq!(suite.store.record_request(&[0; 32], later).await.unwrap(), None);
    assert_eq!(suite.store.forget_requests(first).await.unwrap(), 0, "only older ones are deleted");
    assert_eq!(suite.store.forget_requests(later).await.unwrap(), 1);
    assert_eq!(suite.store.record_request(&request, later).await.unwrap(), None);
}

pub async fn revoking_is_final_and_only_in_its_workspace(suite: &Conformance) {
    let made = link(suite).await;
    let (now, elsewhere) = (suite.env.now(), WorkspaceId::generate(&suite.env));
    assert!(!suite.store.revoke_token_link(elsewhere, made.id, now).await.unwrap());
    assert_eq!(found(suite, &made).await.revoked_at, None);
    assert!(suite.store.revoke_token_link(made.workspace, made.id, now).await.unwrap());
    let later = now + Duration::from_secs(1);
    assert!(suite.store.revoke_token_link(made.workspace, made.id, later).await.unwrap());
    assert_eq!(found(suite, &made).await.revoked_at, Some(now), "the first time counts");
}
