//! Accounts that work, many at once: the simulator's users have consented, and the store has what their consents would have
//! left there.

use std::time::Duration;

use model::{CredentialId, CredentialKind, CredentialStatus, LogLineId, MeetingSyncStatus, Secret};
use reqwest::Method;
use sealing::{CellAddress as Cell, Keys, Provider};
use serde::Deserialize;
use serde_json::json;
use store::{Credential, Grant, Note};

use crate::{installation::Installation, test_bed::Place};

/// Longer than any measurement.
const LATER: Duration = Duration::from_secs(24 * 3600);

/// What the simulator gave for one user.
#[derive(Deserialize)]
struct Consented {
    user_id: String,
    account_id: String,
    access_token: Secret,
    refresh_token: Secret,
    scopes: Vec<String>,
}

impl Installation {
    /// Connects so many users, whose access tokens have so much life left; the refresher looks at them when it is over.
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
        // As if their meetings had been listed: nobody asks Zoom for them while something else is measured.
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
            // As if each were another customer's: Zoom's limits are an account's, and all would share one budget.
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
