//! Token links.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{AccountUser, CredentialStatus, DisconnectCause, PoolId, TokenKind, TokenLinkId, WorkspaceId};

use super::{Bench, credentials};
use crate::{
    AccountState, Dialect, FormerSecret, LAST_USES, LinkAccount, LinkLife, LinkSource, LinkTerms, LinkUse,
    Proof, TokenLink,
};

fn terms(source: LinkSource) -> LinkTerms {
    LinkTerms {
        dialect: Dialect::Attendee,
        kinds: vec![TokenKind::Zak, TokenKind::JoinToken],
        source,
        meeting: "12345678901".parse().ok(),
        meeting_in_request: true,
        proof: Proof::QuerySecret { name: "tökén".into(), digest: [7; 32] },
        networks: vec!["192.0.2.0/24".into(), "2001:db8::/32".into()],
        optional: true,
        allow_repeat: true,
        zak_outlives_seconds: 1200,
        seat_seconds: 60,
        hosting: true,
        per_minute: Some(u32::MAX),
    }
}

fn link_of(bench: &Bench, workspace: WorkspaceId, source: LinkSource) -> TokenLink {
    let soon = bench.env.now() + Duration::from_micros(1);
    TokenLink {
        id: TokenLinkId::generate(&bench.env),
        workspace,
        name: "Zoë’s bots 🤖".into(),
        secret_digest: bench.env.entropy.bytes(),
        terms: terms(source),
        life: LinkLife { not_before: Some(soon), expires_at: Some(soon), max_uses: Some(2) },
        signing_secret: Some(bench.sealed()),
        uses: 0,
        last_uses: Vec::new(),
        revision: 0,
        created_at: bench.env.now(),
        revoked_at: None,
    }
}

async fn link(bench: &Bench) -> TokenLink {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let mut accounts = Vec::new();
    for user in ["user-1", "user-2"] {
        let credential = credentials::account(bench, workspace, app.id, user);
        credentials::connect(bench, &credential).await.unwrap();
        let user = "ada@example.test".parse::<AccountUser>().ok().filter(|_| user == "user-1");
        accounts.push(LinkAccount { credential: credential.id, address: user.clone(), user });
    }
    let link = link_of(bench, workspace, LinkSource::Accounts(accounts));
    bench.store.add_token_link(&link).await.unwrap();
    link
}

async fn found(bench: &Bench, link: &TokenLink) -> TokenLink {
    bench.store.token_link(link.workspace, link.id).await.unwrap().unwrap()
}

pub async fn a_link_comes_back_whole(bench: &Bench) {
    let made = link(bench).await;
    let servable = bench.store.servable_link(made.id).await.unwrap().unwrap();
    let LinkSource::Accounts(named) = &made.terms.source else { unreachable!("as made") };
    for account in named {
        let state =
            AccountState { credential: account.credential, status: CredentialStatus::Healthy, epoch: 1 };
        assert!(servable.accounts.contains(&state));
    }
    assert_eq!(servable.accounts.len(), 2);
    for link in [servable.link, found(bench, &made).await] {
        assert_eq!(
            (link.secret_digest, link.workspace, &link.name),
            (made.secret_digest, made.workspace, &made.name)
        );
        assert_eq!((&link.terms, link.life), (&made.terms, made.life));
        assert_eq!((&link.signing_secret, link.created_at), (&made.signing_secret, made.created_at));
        assert_eq!((link.uses, link.revision, link.revoked_at), (0, 0, None));
    }
    let nobody = TokenLinkId::generate(&bench.env);
    assert!(bench.store.servable_link(nobody).await.unwrap().is_none());
    assert!(bench.store.token_link(WorkspaceId::generate(&bench.env), made.id).await.unwrap().is_none());
}

pub async fn links_are_listed_newest_first_in_pages(bench: &Bench) {
    let workspace = bench.workspace().await;
    let pool = PoolId::generate(&bench.env);
    let mut made = Vec::new();
    for _ in 0..5 {
        let link = link_of(bench, workspace, LinkSource::Pool(pool));
        bench.store.add_token_link(&link).await.unwrap();
        made.push(link.id);
    }
    // Ids begin with the time they were made.
    made.sort_by(|one, other| other.cmp(one));
    let page = async |before| {
        let page = bench.store.token_links(workspace, before, 2).await.unwrap();
        page.iter().map(|link| link.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, made[..2]);
    assert_eq!(page(Some(made[1])).await, made[2..4]);
    assert_eq!(page(Some(made[3])).await, made[4..]);
    assert!(bench.store.token_links(WorkspaceId::generate(&bench.env), None, 2).await.unwrap().is_empty());

    assert_eq!(bench.store.links_of_pool(workspace, pool).await.unwrap(), 5);
    bench.store.revoke_token_link(workspace, made[0], bench.env.now()).await.unwrap();
    assert_eq!(bench.store.links_of_pool(workspace, pool).await.unwrap(), 4);
    assert_eq!(bench.store.links_of_pool(WorkspaceId::generate(&bench.env), pool).await.unwrap(), 0);
    let servable = bench.store.servable_link(made[1]).await.unwrap().unwrap();
    assert!(servable.accounts.is_empty(), "a pool's accounts are chosen later");
}

pub async fn of_changes_at_once_one_counts(bench: &Bench) {
    let made = link(bench).await;
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
        async move { bench.store.change_token_link(&link).await.unwrap() }
    }))
    .await;
    assert_eq!(done.iter().filter(|changed| **changed).count(), 1);
    let changed = found(bench, &made).await;
    assert_eq!((changed.revision, &changed.terms.source), (1, &LinkSource::Host));
    assert_eq!((changed.life.expires_at, changed.signing_secret.clone()), (None, None));

    let elsewhere = TokenLink { workspace: WorkspaceId::generate(&bench.env), ..changed.clone() };
    assert!(!bench.store.change_token_link(&elsewhere).await.unwrap());
}

/// Whether `change` moves the revision.
async fn moves(bench: &Bench, change: impl Future) -> bool {
    let before = bench.store.link_revision().await.unwrap();
    change.await;
    bench.store.link_revision().await.unwrap() > before
}

pub async fn what_a_link_gives_moves_the_revision(bench: &Bench) {
    let made = link(bench).await;
    let (store, workspace, now) = (&bench.store, made.workspace, bench.env.now());
    let LinkSource::Accounts(named) = &made.terms.source else { unreachable!("as made") };
    let (one, other) = (named[0].credential, named[1].credential);
    assert!(moves(bench, async { store.change_token_link(&made).await.unwrap() }).await, "terms");
    assert!(moves(bench, async { store.void_tokens(workspace, one).await.unwrap() }).await, "an epoch");
    let note = bench.note("gone");
    let disconnect = store.disconnect_credential(workspace, other, DisconnectCause::Asked, &note);
    assert!(moves(bench, async { disconnect.await.unwrap() }).await, "an account's end");
    let before = store.workspace(workspace).await.unwrap().unwrap().callback_secret;
    let rotate = async |before, former| {
        let sealed = bench.sealed();
        assert!(store.rotate_callback_secret(workspace, before, &sealed, former).await.unwrap());
        sealed
    };
    let former = FormerSecret { sealed: bench.sealed(), ends_at: now };
    assert!(moves(bench, rotate(&before, Some(&former))).await, "a callback secret");
    assert!(moves(bench, store.erase_former_callback_secrets(now)).await, "its predecessor");
    assert!(moves(bench, store.revoke_token_link(workspace, made.id, now)).await, "the link's end");
    assert_eq!(store.link_revision().await.unwrap(), 6, "each moves it once");
}

pub async fn what_a_link_does_not_give_leaves_it(bench: &Bench) {
    let made = link(bench).await;
    let LinkSource::Accounts(named) = &made.terms.source else { unreachable!("as made") };
    let account = named[0].credential;
    assert!(!moves(bench, bench.store.count_use(made.id)).await, "a use");
    assert!(!moves(bench, bench.store.note_uses(&[(made.id, Vec::new())])).await, "a use that is shown");
    let (lease, trouble, note) = (bench.lease(60), credentials::trouble(bench), bench.note("Zoom is away"));
    credentials::take_of(bench, made.workspace, account, 1, &lease).await;
    let troubled = bench.store.trouble_refresh(account, &lease, &trouble, &note);
    assert!(!moves(bench, async { assert!(troubled.await.unwrap()) }).await, "trouble that passes");
    let grant = credentials::grant(bench);
    let refresh = credentials::commit(bench, account, 1, &grant);
    assert!(!moves(bench, async { assert!(refresh.await) }).await, "a refresh");
    let new = link_of(bench, made.workspace, LinkSource::Host);
    assert!(!moves(bench, async { bench.store.add_token_link(&new).await.unwrap() }).await, "a new link");
}

pub async fn uses_are_counted_to_the_last(bench: &Bench) {
    let made = link(bench).await;
    let counted = join_all([(); 5].map(|()| async { bench.store.count_use(made.id).await.unwrap() })).await;
    assert_eq!(counted.iter().filter(|counted| **counted).count(), 2, "two is the most");
    bench.store.uncount_use(made.id).await.unwrap();
    assert_eq!(found(bench, &made).await.uses, 1);
    assert!(bench.store.count_use(made.id).await.unwrap());
    assert!(!bench.store.count_use(made.id).await.unwrap());
    assert!(!bench.store.count_use(TokenLinkId::generate(&bench.env)).await.unwrap());
}

pub async fn the_last_uses_are_shown(bench: &Bench) {
    let made = link(bench).await;
    let a_use = |number: u64| LinkUse {
        at: bench.env.now() + Duration::from_secs(number),
        kind: TokenKind::Obf,
        outcome: "given".into(),
        from: "2001:db8::1".parse().ok(),
        bot: Some(format!("bot-{number}")),
        meeting: "123456789".parse().ok(),
    };
    bench.store.note_uses(&[(made.id, vec![a_use(2), a_use(1)])]).await.unwrap();
    let newer: Vec<_> = (3..=11).rev().map(a_use).collect();
    let nobody = TokenLinkId::generate(&bench.env);
    bench.store.note_uses(&[(nobody, newer.clone()), (made.id, newer)]).await.unwrap();
    let shown = found(bench, &made).await.last_uses;
    assert_eq!(shown.len(), LAST_USES);
    assert_eq!(shown, (2..=11).rev().map(a_use).collect::<Vec<_>>());
}

pub async fn a_request_is_remembered_from_its_first_time(bench: &Bench) {
    let (first, request) = (bench.env.now(), bench.env.entropy.bytes());
    let later = first + Duration::from_secs(60);
    let times =
        join_all([(); 3].map(|()| async { bench.store.first_seen(&request, first).await.unwrap() })).await;
    assert_eq!(times.iter().filter(|seen| seen.is_none()).count(), 1, "of several at once, one is the first");
    assert_eq!(bench.store.first_seen(&request, later).await.unwrap(), Some(first));
    assert_eq!(bench.store.seen_request(&request).await.unwrap(), Some(first));
    assert_eq!(bench.store.seen_request(&[0; 32]).await.unwrap(), None, "looking is not remembering");
    assert_eq!(bench.store.first_seen(&[0; 32], later).await.unwrap(), None);
    assert_eq!(bench.store.forget_requests(first).await.unwrap(), 0, "only what is older");
    assert_eq!(bench.store.forget_requests(later).await.unwrap(), 1);
    assert_eq!(bench.store.first_seen(&request, later).await.unwrap(), None);
}

pub async fn revoking_is_final_and_local(bench: &Bench) {
    let made = link(bench).await;
    let (now, elsewhere) = (bench.env.now(), WorkspaceId::generate(&bench.env));
    assert!(!bench.store.revoke_token_link(elsewhere, made.id, now).await.unwrap());
    assert_eq!(found(bench, &made).await.revoked_at, None);
    assert!(bench.store.revoke_token_link(made.workspace, made.id, now).await.unwrap());
    let later = now + Duration::from_secs(1);
    assert!(bench.store.revoke_token_link(made.workspace, made.id, later).await.unwrap());
    assert_eq!(found(bench, &made).await.revoked_at, Some(now), "the first time counts");
}
