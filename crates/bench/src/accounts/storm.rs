//! Everybody is due at once, and Zoom has a limit.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::{
    CredentialId, CredentialKind, CredentialStatus, LogLineId, MeetingSyncStatus, Secret, Timestamp,
};
use reqwest::Method;
use sealing::{Keys, Place as Cell, Provider};
use serde::Deserialize;
use serde_json::json;
use store::{Credential, Grant, Note, Store};

use super::{
    Storm,
    installation::{Backend, Installation},
};
use crate::place::Place;

const LOOK: Duration = Duration::from_millis(50);
/// Of nothing happening.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the simulator gave for one user.
#[derive(Deserialize)]
struct Consented {
    user_id: String,
    account_id: String,
    access_token: Secret,
    refresh_token: Secret,
    scopes: Vec<String>,
}

pub(crate) async fn measure(
    place: &Place,
    database: String,
    accounts: u32,
    limit: u32,
) -> anyhow::Result<Storm> {
    let installation = Installation::found(place, Backend::Postgres(database), limit).await?;
    let store = installation.store().await?;
    let keys = Provider::file(installation.folder.join("keys.json")).open(&place.env).await?;
    let wanted = json!({ "client_id": installation.client_id, "count": accounts });
    let consented = place.simulator.call(Method::POST, "/consents", &wanted).await?;
    let consented: Vec<Consented> = serde_json::from_value(consented)?;
    println!("accounts: a storm of {accounts} against {limit}/s");
    for consented in &consented {
        connect(&installation, &*store, &keys, consented, place).await?;
    }
    let counted = async |counter| place.simulator.count(counter).await;
    let (before, refused) = (counted("refreshes").await?, counted("token_429").await?);
    set_limit(place, Some(limit)).await?;

    let server = installation.serve(place).await?;
    let mut first: Option<(Timestamp, u64)> = None;
    let (mut done, mut moved) = (0, place.env.now());
    while done < u64::from(accounts) {
        place.env.clock.sleep(LOOK).await;
        let (count, now) = (counted("refreshes").await? - before, place.env.now());
        if count > done {
            (done, moved) = (count, now);
            first.get_or_insert((now, count));
        }
        ensure!(now.since(moved) < PATIENCE, "the storm stands still at {done} of {accounts}");
    }
    let ended = place.env.now();
    server.stop().await;
    set_limit(place, None).await?;
    let (began, at_first) = first.context("no account was refreshed")?;
    let seconds = ended.since(began).as_secs_f64();
    let refreshed = f64::from(u32::try_from(done - at_first)?);
    let measured = Storm {
        accounts,
        limit_per_second: limit,
        seconds,
        used: refreshed / seconds / f64::from(limit),
        refused: counted("token_429").await? - refused,
    };
    for row in store.credentials(installation.workspace).await? {
        ensure!(
            (row.status, row.generation) == (CredentialStatus::Healthy, 2),
            "after the storm an account is {} at generation {}",
            row.status,
            row.generation
        );
    }
    println!(
        "accounts: {:.0} s, {:.1} % of the limit, {} refused",
        seconds,
        measured.used * 100.0,
        measured.refused
    );
    Ok(measured)
}

async fn set_limit(place: &Place, per_second: Option<u32>) -> anyhow::Result<()> {
    let switch = json!({ "token_limit_per_second": per_second });
    place.simulator.call(Method::PATCH, "/switches", &switch).await.map(drop)
}

/// An account as its consent would have left it, with a token that is about to end.
async fn connect(
    installation: &Installation,
    store: &dyn Store,
    keys: &Keys,
    consented: &Consented,
    place: &Place,
) -> anyhow::Result<()> {
    let (id, now, workspace) = (CredentialId::generate(&place.env), place.env.now(), installation.workspace);
    let row = id.to_string();
    let seal =
        |column, secret| keys.seal(&Cell { workspace, table: "credentials", row: &row, column }, secret);
    let credential = Credential {
        id,
        workspace,
        app: installation.app,
        kind: CredentialKind::UserOauth,
        zoom_user_id: consented.user_id.clone(),
        zoom_account_id: consented.account_id.clone(),
        display_name: "Ada".into(),
        callback_url: None,
        status: CredentialStatus::Healthy,
        status_since: now,
        trouble: None,
        failures: 0,
        retry_at: None,
        refresh_at: Some(now),
        used_at: Some(now),
        epoch: 1,
        generation: 1,
        grant: Grant {
            access_token: Some(seal("access_token", &consented.access_token)),
            access_expires_at: now,
            refresh_token: Some(seal("refresh_token", &consented.refresh_token)),
            scopes: consented.scopes.clone(),
            api_url: None,
        },
        spent_at: None,
        meeting_sync: MeetingSyncStatus::NotStarted,
        created_at: now,
        granted_at: now,
    };
    let id = LogLineId::generate(&place.env);
    let note = Note { id, at: now, message: "connected".into(), code: None };
    store.connect_credential(&credential, &note).await?;
    Ok(())
}
