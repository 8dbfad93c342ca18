//! Creates many working accounts at once: users consent at the simulator, and their accounts are written directly into the
//! store.

use std::time::Duration;

use model::{CredentialId, CredentialKind, CredentialStatus, LogLineId, MeetingSyncStatus, Secret};
use reqwest::Method;
use sealing::{CellAddress as Cell, Keys, Provider};
use serde::Deserialize;
use serde_json::json;
use store::{Credential, Grant, Note};

use crate::{installation::Installation, test_bed::Place};

/// Longer than any measurement takes.
const LATER: Duration = Duration::from_secs(24 * 3600);

/// The simulator's answer for one user.
#[derive(Deserialize)]
struct Consented {
    user_id: String,
    account_id: String,
    access_token: Secret,
    refresh_token: Secret,
    scopes: Vec<String>,
}

impl Installation {
    /// Connects this many users, whose access tokens are valid for `life`; the refresher handles them after that.
    pub(crate) async fn connect(
        &self,
        place: &Place,
        accounts: u32,
        life: Duration,
    ) -> anyhow::Result<Vec<CredentialId>> {
        let store = self.store().await?;
        let keys = Provider::file(self.folder.join("keys.json")).open(&place.env).await?;
        let wanted = json!({ "client_id": self.client_id, "count": accounts });
        let consented = place.simulator.call(Method::POST, "/consents", &wanted).await?;
        let consented: Vec<Consented> = serde_json::from_value(consented)?;
        let mut ids = Vec::with_capacity(consented.len());
        for consented in &consented {
            let credential = self.credential(place, &keys, consented, life);
            let (id, at) = (LogLineId::generate(&place.env), place.env.now());
            let note = Note { id, at, message: "connected".into(), code: None };
            store.connect_credential(&credential, &note).await?;
            ids.push(credential.id);
        }
        // As if their meetings had been listed already, so that no listing disturbs the measurement.
        let later = (place.env.now() + LATER).as_microsecond();
        self.run(format!("UPDATE credentials SET meeting_sync = 'completed', sync_due_at = {later}")).await?;
        Ok(ids)
    }

    fn credential(&self, place: &Place, keys: &Keys, consented: &Consented, life: Duration) -> Credential {
        let (id, now, workspace) = (CredentialId::generate(&place.env), place.env.now(), self.workspace);
        let row = id.to_string();
        let seal =
            |column, secret| keys.seal(&Cell { workspace, table: "credentials", row: &row, column }, secret);
        Credential {
            id,
            workspace,
            app: self.app,
            kind: CredentialKind::UserOauth,
            zoom_user_id: consented.user_id.clone(),
            // Each account belongs to another customer: Zoom's limits are per account, and otherwise all would share one
            // limit.
            zoom_account_id: format!("{}-{}", consented.account_id, consented.user_id),
            display_name: "Ada".into(),
            email: None,
            callback_url: None,
            status: CredentialStatus::Healthy,
            status_since: now,
            trouble: None,
            failures: 0,
            retry_at: None,
            refresh_at: Some(now + life),
            used_at: Some(now),
            epoch: 1,
            generation: 1,
            grant: Grant {
                access_token: Some(seal("access_token", &consented.access_token)),
                access_expires_at: now + life,
                refresh_token: Some(seal("refresh_token", &consented.refresh_token)),
                scopes: Some(consented.scopes.clone()),
                api_url: None,
            },
            spent_at: None,
            meeting_sync: MeetingSyncStatus::NotStarted,
            created_at: now,
            granted_at: now,
        }
    }
}
