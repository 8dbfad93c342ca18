//! One app of Zoom's may be registered here several times: what Zoom says of it concerns each of them.

use broker::NewApp;
use model::{Code, CredentialId, CredentialStatus, Secret, WorkspaceId, ZoomOauthAppId};
use serde_json::json;
use store::{AppKind, AppRemoval, Credential, Credentials as _, ReceivedEvents as _, ZoomOauthApps as _};

use crate::{
    harness::{CLIENT_ID, House},
    webhooks::{GONE, Sender, removal},
};

/// A registration of an app in a workspace of its own, with an account of the same user.
struct Elsewhere {
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    account: CredentialId,
}

impl Elsewhere {
    async fn of(house: &House, account: CredentialId, client_id: &str, webhook_secret: &str) -> Self {
        let (workspace, _) = house.broker.workspaces().create("another").await.unwrap();
        Self::within(house, account, workspace.id, client_id, webhook_secret).await
    }

    async fn within(
        house: &House,
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
        let app = house.broker.register_app(workspace, &new).await.unwrap().unwrap().id;
        let copy =
            Credential { id: CredentialId::generate(&house.env), workspace, app, ..house.row(account).await };
        house.store.connect_credential(&copy, &house.note()).await.unwrap();
        Self { workspace, app, account: copy.id }
    }

    async fn status(&self, house: &House) -> CredentialStatus {
        house.store.credential(self.workspace, self.account).await.unwrap().unwrap().status
    }
}

const SAME: &str = "planted-webhook-secret";

#[tokio::test]
async fn a_removal_ends_the_users_accounts_in_every_workspace() {
    let (house, id) = House::with_account().await;
    let other = Elsewhere::of(&house, id, CLIENT_ID, SAME).await;
    let body = removal(&house);
    Sender::to(&house).taken(&body).await;
    assert_eq!((house.row(id).await.status, other.status(&house).await), (GONE, GONE));
    let row = house.store.credential(other.workspace, other.account).await.unwrap().unwrap();
    assert!(row.grant.access_token.is_none() && row.grant.refresh_token.is_none());
    house.settle().await;
    assert!(house.store.unfinished_zoom_events(9).await.unwrap().is_empty());

    // The same bytes, wherever they come to: they count once for each.
    house.connect().await;
    Sender::to_app(&house, other.app).taken(&body).await;
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
}

#[tokio::test]
async fn only_a_registration_whose_own_secret_verifies_is_told() {
    let (house, id) = House::with_account().await;
    let stranger = Elsewhere::of(&house, id, CLIENT_ID, "another").await;
    let body = removal(&house);
    // Whoever registers the app of others proves nothing to them.
    Sender::to_app(&house, stranger.app).signing_with("another").taken(&body).await;
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
    assert_eq!(stranger.status(&house).await, GONE);

    // Zoom may have the address of a registration whose secret was mistyped.
    let mistyped = Elsewhere::of(&house, id, CLIENT_ID, "mistyped").await;
    Sender::to_app(&house, mistyped.app).taken(&body).await;
    assert_eq!(house.row(id).await.status, GONE);
    assert_eq!(mistyped.status(&house).await, CredentialStatus::Healthy, "it has no proof of its own");
    let nobody = Sender::to_app(&house, mistyped.app).signing_with("forged");
    assert_eq!(nobody.refused(&body).await, Code::SignatureInvalid);
}

#[tokio::test]
async fn the_address_of_a_removed_registration_leads_to_the_others() {
    let (house, id) = House::with_account().await;
    let first = house.another_app("client-of-two").await;
    let (workspace, body) = (house.workspace, removal(&house).replace(CLIENT_ID, "client-of-two"));
    let other = Elsewhere::of(&house, id, "client-of-two", SAME).await;
    assert_eq!(house.broker.remove_app(workspace, first).await.unwrap(), AppRemoval::Removed);
    Sender::to_app(&house, first).taken(&body).await;
    assert_eq!(other.status(&house).await, GONE);
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy, "another app");
}

#[tokio::test]
async fn a_removal_of_an_app_that_shares_the_secret_is_that_apps() {
    let (house, id) = House::with_account().await;
    let twin = Elsewhere::within(&house, id, house.workspace, "twin", SAME).await;
    let stranger = Elsewhere::of(&house, id, "twin", "another").await;
    Sender::to(&house).taken(&removal(&house).replace(CLIENT_ID, "twin")).await;
    assert_eq!(twin.status(&house).await, GONE);
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
    assert_eq!(stranger.status(&house).await, CredentialStatus::Healthy);
}

#[tokio::test]
async fn every_registration_hears_of_a_validation() {
    let (house, id) = House::with_account().await;
    let (other, stranger) = (
        Elsewhere::of(&house, id, CLIENT_ID, SAME).await,
        Elsewhere::of(&house, id, CLIENT_ID, "another").await,
    );
    let body =
        json!({ "event": "endpoint.url_validation", "payload": { "plainToken": "plain" } }).to_string();
    Sender::to(&house).send(&house.broker, &body).await.unwrap();
    let validated = async |workspace, app| {
        house.store.zoom_oauth_app(workspace, app).await.unwrap().unwrap().webhook_last_validation.is_some()
    };
    assert!(validated(house.workspace, house.app).await);
    assert!(validated(other.workspace, other.app).await);
    assert!(!validated(stranger.workspace, stranger.app).await);
}
