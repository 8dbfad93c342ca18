//! One app of Zoom may be registered here several times: a webhook about it applies to each registration.

use broker::NewApp;
use model::{Code, CredentialId, CredentialStatus, Secret, WorkspaceId, ZoomOauthAppId};
use serde_json::json;
use store::{AppKind, AppRemoval, Credential, Credentials as _, ReceivedEvents as _, ZoomOauthApps as _};

use crate::{
    harness::{CLIENT_ID, Fixture},
    webhooks::{GONE, Sender, removal},
};

/// A registration of an app in another workspace, with an account of the same user.
struct Elsewhere {
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    account: CredentialId,
}

impl Elsewhere {
    async fn of(fixture: &Fixture, account: CredentialId, client_id: &str, webhook_secret: &str) -> Self {
        let (workspace, _) = fixture.broker.workspaces.create("another", None).await.unwrap();
        Self::within(fixture, account, workspace.id, client_id, webhook_secret).await
    }

    async fn within(
        fixture: &Fixture,
        account: CredentialId,
        workspace: WorkspaceId,
        client_id: &str,
        webhook_secret: &str,
    ) -> Self {
        let new = NewApp {
            kind: AppKind::UserLevel,
            client_id: client_id.into(),
            client_secret: Secret::new("s"),
            webhook_secret: Secret::new(webhook_secret),
            zoom_account_id: None,
        };
        let app = fixture.broker.accounts.apps.register(workspace, &new).await.unwrap().unwrap().id;
        let copy = Credential {
            id: CredentialId::generate(&fixture.env),
            workspace,
            app,
            ..fixture.row(account).await
        };
        fixture.store.connect_credential(&copy, &fixture.note()).await.unwrap();
        Self { workspace, app, account: copy.id }
    }

    async fn status(&self, fixture: &Fixture) -> CredentialStatus {
        fixture.store.credential(self.workspace, self.account).await.unwrap().unwrap().status
    }
}

const SAME: &str = "planted-webhook-secret";

#[tokio::test]
async fn a_removal_ends_the_users_accounts_in_every_workspace() {
    let (fixture, id) = Fixture::with_account().await;
    let other = Elsewhere::of(&fixture, id, CLIENT_ID, SAME).await;
    let body = removal(&fixture);
    Sender::to(&fixture).taken(&body).await;
    assert_eq!((fixture.row(id).await.status, other.status(&fixture).await), (GONE, GONE));
    let row = fixture.store.credential(other.workspace, other.account).await.unwrap().unwrap();
    assert!(row.grant.access_token.is_none() && row.grant.refresh_token.is_none());
    fixture.settle().await;
    assert!(fixture.store.unfinished_zoom_events(9).await.unwrap().is_empty());

    // The same bytes count once for each registration, at whichever address they arrive.
    fixture.connect().await;
    Sender::to_app(&fixture, other.app).taken(&body).await;
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
}

#[tokio::test]
async fn only_registrations_whose_own_secret_verifies_get_the_event() {
    let (fixture, id) = Fixture::with_account().await;
    let stranger = Elsewhere::of(&fixture, id, CLIENT_ID, "another").await;
    let body = removal(&fixture);
    // A workspace that registers another's app has no power over the other's accounts.
    Sender::to_app(&fixture, stranger.app).signing_with("another").taken(&body).await;
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    assert_eq!(stranger.status(&fixture).await, GONE);

    // Zoom may send webhooks to the address of a registration whose secret was mistyped.
    let mistyped = Elsewhere::of(&fixture, id, CLIENT_ID, "mistyped").await;
    Sender::to_app(&fixture, mistyped.app).taken(&body).await;
    assert_eq!(fixture.row(id).await.status, GONE);
    assert_eq!(
        mistyped.status(&fixture).await,
        CredentialStatus::Healthy,
        "its own secret does not verify the event"
    );
    let nobody = Sender::to_app(&fixture, mistyped.app).signing_with("forged");
    assert_eq!(nobody.refused(&body).await, Code::SignatureInvalid);
}

#[tokio::test]
async fn the_address_of_a_removed_registration_still_serves_the_others() {
    let (fixture, id) = Fixture::with_account().await;
    let first = fixture.another_app("client-of-two").await;
    let (workspace, body) = (fixture.workspace, removal(&fixture).replace(CLIENT_ID, "client-of-two"));
    let other = Elsewhere::of(&fixture, id, "client-of-two", SAME).await;
    assert_eq!(
        fixture.broker.accounts.app_removals.remove(workspace, first).await.unwrap(),
        AppRemoval::Removed
    );
    Sender::to_app(&fixture, first).taken(&body).await;
    assert_eq!(other.status(&fixture).await, GONE);
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy, "another app");
}

#[tokio::test]
async fn a_removal_of_an_app_with_the_same_secret_ends_only_that_apps_account() {
    let (fixture, id) = Fixture::with_account().await;
    let twin = Elsewhere::within(&fixture, id, fixture.workspace, "twin", SAME).await;
    let stranger = Elsewhere::of(&fixture, id, "twin", "another").await;
    Sender::to(&fixture).taken(&removal(&fixture).replace(CLIENT_ID, "twin")).await;
    assert_eq!(twin.status(&fixture).await, GONE);
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    assert_eq!(stranger.status(&fixture).await, CredentialStatus::Healthy);
}

#[tokio::test]
async fn a_validation_is_recorded_for_every_registration() {
    let (fixture, id) = Fixture::with_account().await;
    let (other, stranger) = (
        Elsewhere::of(&fixture, id, CLIENT_ID, SAME).await,
        Elsewhere::of(&fixture, id, CLIENT_ID, "another").await,
    );
    let body =
        json!({ "event": "endpoint.url_validation", "payload": { "plainToken": "plain" } }).to_string();
    Sender::to(&fixture).send(&fixture.broker, &body).await.unwrap();
    let validated = async |workspace, app| {
        fixture.store.zoom_oauth_app(workspace, app).await.unwrap().unwrap().webhook_last_validation.is_some()
    };
    assert!(validated(fixture.workspace, fixture.app).await);
    assert!(validated(other.workspace, other.app).await);
    assert!(!validated(stranger.workspace, stranger.app).await);
}
