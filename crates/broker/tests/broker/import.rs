//! A refresh token of another program becomes an account here, and no failure on the way loses it.

use broker::NewApp;
use model::{Class, Code, CredentialId, CredentialStatus, Secret, WorkspaceId, ZoomOauthAppId};
use store::{AccountLog as _, AppKind, Credentials as _, LogFilter};
use tenants::Cell;

use crate::{
    escrow::deposits,
    harness::{ACCESS_LIFE, ANY, CLIENT_ID, CLIENT_SECRET, Fixture},
    refresh::run,
};

/// A workspace that registers the app again, and a refresh token of a program outside of it.
struct Import {
    fixture: Fixture,
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    /// The account of the program that had the token.
    holder: CredentialId,
    token: Secret,
}

impl Import {
    async fn prepared() -> Self {
        let (fixture, holder) = Fixture::with_account().await;
        let (workspace, _) = fixture.broker.workspaces.create("another", None).await.unwrap();
        let new = NewApp {
            kind: AppKind::UserLevel,
            client_id: CLIENT_ID.into(),
            client_secret: Secret::new(CLIENT_SECRET),
            webhook_secret: Secret::new("planted-webhook-secret"),
            zoom_account_id: None,
        };
        let app = fixture.broker.accounts.apps.register(workspace.id, &new).await.unwrap().unwrap().id;
        let sealed = fixture.row(holder).await.grant.refresh_token.unwrap();
        let cell = Cell::RefreshToken(holder);
        let token = fixture.broker.vault.open(fixture.workspace, cell, &sealed).unwrap();
        Self { fixture, workspace: workspace.id, app, holder, token }
    }

    async fn run(&self) -> Result<CredentialId, model::Failure> {
        let admitted = self
            .fixture
            .broker
            .accounts
            .imports
            .import_refresh_token(self.workspace, self.app, self.token.clone())
            .await;
        admitted.map(|admitted| admitted.unwrap().id)
    }

    async fn accounts(&self) -> Vec<CredentialId> {
        let rows = self.fixture.store.credentials(self.workspace).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    /// Asserts that the account works, and continues to work.
    async fn lasts(&self, id: CredentialId) {
        let requester = || self.fixture.requester();
        self.fixture.broker.tokens.zak(self.workspace, id, ANY, requester()).await.unwrap();
        self.fixture.pass(ACCESS_LIFE).await;
        self.fixture.broker.tokens.zak(self.workspace, id, ANY, requester()).await.unwrap();
        let row = self.fixture.store.credential(self.workspace, id).await.unwrap().unwrap();
        assert_eq!(
            (row.status, row.zoom_user_id),
            (CredentialStatus::Healthy, self.fixture.zoom.user.clone())
        );
        assert!(deposits(&self.fixture).is_empty());
    }
}

#[tokio::test]
async fn the_token_is_spent_at_once_and_the_old_copy_is_dead() {
    let import = Import::prepared().await;
    let id = import.run().await.unwrap();
    assert_eq!(import.fixture.zoom.stats().await.refreshes, 1);
    import.lasts(id).await;
    let dead = import.fixture.zak(import.holder).await.unwrap_err();
    assert_eq!(dead.code, Code::CredentialNeedsConsent);
}

#[tokio::test]
async fn a_known_user_keeps_the_account() {
    let import = Import::prepared().await;
    let id = import.run().await.unwrap();
    let row = import.fixture.store.credential(import.workspace, id).await.unwrap().unwrap();
    let (cell, sealed) = (Cell::RefreshToken(id), row.grant.refresh_token.unwrap());
    let token = import.fixture.broker.vault.open(import.workspace, cell, &sealed).unwrap();
    import.fixture.pass(ACCESS_LIFE / 60).await;
    let again = Import { token, ..import };
    assert_eq!(again.run().await.unwrap(), id);
    again.lasts(id).await;
}

#[tokio::test]
async fn a_token_that_zoom_refuses_creates_no_account() {
    let import = Import { token: Secret::new("planted-dead-token"), ..Import::prepared().await };
    let refused = import.run().await.unwrap_err();
    assert_eq!(refused.code, Code::CredentialNeedsConsent);
    assert!(refused.detail.contains("used since"), "{refused}");
    assert!(import.accounts().await.is_empty() && deposits(&import.fixture).is_empty());
    import.fixture.zak(import.holder).await.unwrap();
    let unknown = ZoomOauthAppId::generate(&import.fixture.env);
    let nothing = import
        .fixture
        .broker
        .accounts
        .imports
        .import_refresh_token(import.workspace, unknown, import.token.clone())
        .await;
    assert!(nothing.unwrap().is_none());
}

#[tokio::test]
async fn nothing_is_spent_while_the_store_cannot_write() {
    let import = Import::prepared().await;
    let away = "CREATE TRIGGER away BEFORE INSERT ON account_log BEGIN SELECT RAISE(ABORT, 'away'); END";
    run(&import.fixture.database(), away).await;
    assert_eq!(import.run().await.unwrap_err().class(), Class::Retry);
    assert_eq!(import.fixture.zoom.stats().await.refreshes, 0);
    run(&import.fixture.database(), "DROP TRIGGER away").await;
    let id = import.run().await.unwrap();
    import.lasts(id).await;
}

#[tokio::test]
async fn a_refresh_with_an_unusable_answer_is_retried_once() {
    let import = Import::prepared().await;
    import.fixture.zoom.spoil("refresh", "http_500", 1).await;
    let id = import.run().await.unwrap();
    import.lasts(id).await;

    let import = Import::prepared().await;
    import.fixture.zoom.spoil("refresh", "lose_answer", 1).await;
    let lost = import.run().await.unwrap_err();
    assert_eq!(lost.code, Code::CredentialNeedsConsent);
    assert!(lost.detail.contains("never arrived"), "{lost}");
}

#[tokio::test]
async fn an_unstored_grant_is_finished_from_the_disk() {
    for hours in [0, 2] {
        let import = Import::prepared().await;
        run(
            &import.fixture.database(),
            "CREATE TRIGGER away BEFORE INSERT ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END",
        )
        .await;
        let waits = import.run().await.unwrap_err();
        assert_eq!(waits.class(), Class::Retry);
        assert!(waits.detail.contains("continues by itself"), "{waits}");
        assert_eq!(deposits(&import.fixture).len(), 1);

        // The process is gone. Another one finds the grant, maybe late.
        run(&import.fixture.database(), "DROP TRIGGER away").await;
        import.fixture.pass(ACCESS_LIFE * hours).await;
        let next = import.fixture.another_broker(import.fixture.clock.clone()).await;
        assert_eq!(next.accounts.grants.replay().await.unwrap(), 0, "it is not a refresh");
        assert_eq!(next.accounts.imports.resume().await.unwrap(), 1);
        let accounts = import.accounts().await;
        assert_eq!(accounts.len(), 1);
        import.lasts(accounts[0]).await;
        assert_eq!(next.accounts.imports.resume().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_grant_that_was_stored_before_a_crash_is_not_overwritten() {
    let import = Import::prepared().await;
    import.fixture.zoom.spoil("users_me", "http_500", 1).await;
    assert_eq!(import.run().await.unwrap_err().class(), Class::Retry);
    let file = deposits(&import.fixture).remove(0);
    let copy = std::fs::read(&file).unwrap();
    assert_eq!(import.fixture.broker.accounts.imports.resume().await.unwrap(), 1);
    let id = import.accounts().await[0];
    import.lasts(id).await;

    // As if the crash had happened between the commit and the deletion of the file.
    let generation =
        async || import.fixture.store.credential(import.workspace, id).await.unwrap().unwrap().generation;
    let before = generation().await;
    std::fs::write(&file, copy).unwrap();
    import.fixture.broker.accounts.imports.resume().await.unwrap();
    assert_eq!(generation().await, before);
    import.lasts(id).await;
}

#[tokio::test]
async fn a_failed_import_is_logged_and_dropped() {
    let import = Import::prepared().await;
    import.fixture.zoom.spoil("users_me", "http_500", 1).await;
    import.run().await.unwrap_err();
    // In the meantime the user removes the app, and the access token expires.
    let path = format!("users/{}/apps/{CLIENT_ID}", import.fixture.zoom.user);
    import.fixture.zoom.delete(&path).await;
    import.fixture.pass(ACCESS_LIFE * 2).await;
    assert_eq!(import.fixture.broker.accounts.imports.resume().await.unwrap(), 1);
    assert!(import.accounts().await.is_empty() && deposits(&import.fixture).is_empty());
    let log = import.fixture.store.app_log(import.workspace, &LogFilter::default(), 9).await.unwrap();
    assert!(log[0].message.contains("has to consent again"), "{}", log[0].message);
}
