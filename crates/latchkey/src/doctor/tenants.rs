//! Checks Zoom apps, accounts and webhook endpoints of every workspace.

use broker::{Addresses, AppFault, app_faults, scopes};
use model::{
    CredentialKind, CredentialStatus, EndpointKind, EndpointState, ReauthCause, Secret, WorkspaceId,
};
use outbound::{CallbackClient, NetworkGuard};
use store::{AppKind, Credential, WebhookEndpoint, ZoomOauthApp};
use tenants::Cell;
use zoom::{AppKeys, ZoomClient, encrypt_plain_token};

use super::{
    Examined,
    installation::Installation,
    report::{Finding, Report},
    without_url,
};
use crate::config::networks;

const APP: &str = "app";
const ACCOUNT: &str = "account";
const ENDPOINT: &str = "webhook_endpoint";
/// Most problems of one kind that are listed.
const MAX_LISTED: usize = 50;
/// If a refresh is overdue for longer, no server performs it.
const OVERDUE: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// What the checks may call.
pub(super) struct Outside<'a> {
    /// Zoom, if it answers.
    pub(super) zoom: Option<&'a ZoomClient>,
    /// Whether this installation's server runs.
    pub(super) is_running: bool,
}

pub(super) async fn examine(
    examined: &Examined,
    installation: &Installation,
    outside: Option<Outside<'_>>,
    report: &mut Report,
) {
    if let Err(error) = look(examined, installation, outside, report).await {
        report.add(Finding::fault(
            "database",
            format!("cannot read it: {error}"),
            "Apps, accounts and endpoints were not checked.",
            "Check the database's log.",
        ));
    }
}

async fn look(
    examined: &Examined,
    installation: &Installation,
    outside: Option<Outside<'_>>,
    report: &mut Report,
) -> Result<(), store::StoreError> {
    let store = installation.database.store();
    let (mut apps, mut accounts, mut endpoints) = (Vec::new(), Vec::new(), Vec::new());
    for workspace in store.workspaces().await? {
        apps.extend(store.zoom_oauth_apps(workspace.id).await?);
        accounts.extend(store.credentials(workspace.id).await?);
        endpoints.extend(store.webhook_endpoints(workspace.id).await?);
    }
    if apps.is_empty() {
        report.add(Finding::warning(
            APP,
            "no Zoom app is registered",
            "No account can be connected.",
            "Register one: `latchkey app add` (docs/guides/your-zoom-app.md).",
        ));
    }
    for app in &apps {
        self::app(examined, installation, app, outside.as_ref(), report).await;
    }
    self::accounts(examined, &accounts, report);
    if outside.is_some() {
        self::endpoints(examined, installation, &endpoints, report).await;
    }
    Ok(())
}

async fn app(
    examined: &Examined,
    installation: &Installation,
    app: &ZoomOauthApp,
    outside: Option<&Outside<'_>>,
    report: &mut Report,
) {
    let addresses = Addresses::new(examined.public_base.clone());
    let secret = |cell, sealed| installation.vault.open(app.workspace, cell, sealed);
    let about = || format!("{} ({})", app.client_id, app.id);
    let mut is_well = true;
    let mut add = |finding: Finding| {
        is_well = false;
        report.add(finding.about(about()));
    };
    if let Some(zoom) = outside.and_then(|outside| outside.zoom) {
        match secret(Cell::ClientSecret(app.id), &app.client_secret) {
            Ok(client_secret) => {
                let keys = AppKeys { client_id: app.client_id.clone(), client_secret };
                let faults = app_faults(zoom, &keys, app, &addresses.redirect_uri(), None).await;
                faults.iter().map(at_zoom).for_each(&mut add);
            }
            Err(error) => add(Finding::fault(
                "app_secret",
                error.detail,
                "None of the app's accounts can be refreshed.",
                "Set the secret again: PATCH /api/v2/zoom-oauth-apps/{id}/.",
            )),
        }
    }
    let webhook = addresses.at(&format!("api/v2/zoom-oauth-apps/{}/webhook", app.id));
    if app.kind != AppKind::ServerToServer && app.webhook_last_validation.is_none() {
        add(Finding::warning(
            "app_webhook",
            "Zoom has not validated the app's webhook here",
            "If a user removes the app, this is noticed only at the account's next refresh.",
            format!(
                "At Zoom, on the app's Access page, enter {webhook} as event notification URL, and press Validate."
            ),
        ));
    }
    if outside.is_some_and(|outside| outside.is_running)
        && let Ok(webhook_secret) = secret(Cell::WebhookSecret(app.id), &app.webhook_secret)
        && let Some(finding) = delivered(examined, webhook, &webhook_secret).await
    {
        add(finding);
    }
    if is_well {
        report.add(Finding::ok(APP, app.kind.as_str()).about(about()));
    }
}

/// The finding for a fault of an app at Zoom.
fn at_zoom(fault: &AppFault) -> Finding {
    let (name, found, advice) = (fault.name(), fault.to_string(), fault.advice());
    let why = match fault {
        AppFault::Secret => "None of the app's accounts can be connected or refreshed.",
        AppFault::RedirectUrl { .. } => "Nobody can connect an account with this app.",
        AppFault::Scopes(_) => "Zoom mints no ZAKs for its bots.",
        AppFault::Unclear(_) => {
            return Finding::warning(name, found, "It is unknown whether Zoom accepts the app.", advice);
        }
    };
    Finding::fault(name, found, why, advice)
}

fn missing(kind: CredentialKind, granted: Option<&[String]>) -> Option<Finding> {
    let missing = scopes::missing(kind, granted);
    (!missing.is_empty()).then(|| at_zoom(&AppFault::Scopes(missing)))
}

/// Sends a webhook as Zoom would, with an event that has no effect here: it proves that path, headers and body arrive
/// unchanged.
async fn delivered(examined: &Examined, webhook: url::Url, secret: &Secret) -> Option<Finding> {
    const BODY: &str = r#"{"event":"latchkey.doctor","event_ts":0,"payload":{"object":{}}}"#;
    let timestamp = examined.env.now().as_second().to_string();
    let signature = encrypt_plain_token(secret, &format!("v0:{timestamp}:{BODY}"));
    let request = examined
        .http
        .post(webhook)
        .header("content-type", "application/json")
        .header("x-zm-request-timestamp", timestamp)
        .header("x-zm-signature", format!("v0={signature}"))
        .body(BODY);
    let found = match request.send().await {
        Ok(answer) if answer.status().is_success() => return None,
        Ok(answer) => {
            let status = answer.status();
            let body = answer.json::<serde_json::Value>().await.unwrap_or_default();
            format!("a signed webhook is answered {status} {}", body["code"].as_str().unwrap_or_default())
        }
        Err(error) => format!("a signed webhook gets no answer: {}", without_url(error)),
    };
    Some(Finding::fault(
        "app_webhook",
        found,
        "Zoom's webhooks fail in the same way, and Zoom stops sending them.",
        "Let the proxy pass path, headers (x-zm-signature, x-zm-request-timestamp) and body unchanged.",
    ))
}

fn accounts(examined: &Examined, accounts: &[Credential], report: &mut Report) {
    let now = examined.env.now();
    let connected: Vec<_> = accounts
        .iter()
        .filter(|account| !matches!(account.status, CredentialStatus::Disconnected(_)))
        .collect();
    let troubles: Vec<_> = connected
        .iter()
        .filter_map(|account| Some((account, trouble(account, now)?)))
        .map(|(account, finding)| finding.about(format!("{} ({})", account.display_name, account.id)))
        .collect();
    let (all, bad) = (connected.len(), troubles.len());
    if all == 0 {
        report.add(Finding::warning(
            ACCOUNT,
            "no account is connected",
            "Bots cannot sign in.",
            "Connect one: `latchkey account connect`.",
        ));
    } else if bad < all {
        report.add(Finding::ok(ACCOUNT, format!("{} of {all} work", all - bad)));
    }
    list(troubles, "latchkey account list", report);
}

fn trouble(account: &Credential, now: model::Timestamp) -> Option<Finding> {
    const WHY: &str = "Its bots cannot sign in, and its token links answer with an error.";
    let id = account.id;
    let reconnect = format!("Let its owner consent again: `latchkey account connect --account {id}`.");
    let since = account.status_since;
    match account.status {
        CredentialStatus::NeedsReauth(ReauthCause::Revoked) => {
            let found = format!("needs_reauth since {since}: the grant was withdrawn, or Zoom ended it");
            return Some(Finding::fault(ACCOUNT, found, WHY, reconnect));
        }
        CredentialStatus::NeedsReauth(ReauthCause::ResponseLost) => {
            let found = format!("needs_reauth since {since}: Zoom's answer to a refresh was lost");
            return Some(Finding::fault(ACCOUNT, found, WHY, reconnect));
        }
        CredentialStatus::Degraded => {
            let cause = account.trouble.map(|code| format!(" ({code})")).unwrap_or_default();
            let found = format!("degraded since {since}: its last refresh failed{cause} and is retried");
            let why = "It issues tokens only while its last access token is valid.";
            return Some(Finding::warning(
                ACCOUNT,
                found,
                why,
                "`latchkey account check ID` shows what Zoom answers.",
            ));
        }
        CredentialStatus::Healthy | CredentialStatus::Disconnected(_) => {}
    }
    if let Some(finding) = missing(account.kind, account.grant.scopes.as_deref()) {
        return Some(finding);
    }
    let due = account.refresh_at.filter(|due| now > *due && now.since(*due) > OVERDUE)?;
    Some(Finding::fault(
        ACCOUNT,
        format!("its refresh has been due since {due}"),
        "No server performs it: without refreshes a grant expires after 90 days, and its access token after an hour.",
        "Start the server; if it runs, `latchkey status` shows what prevents the refresh.",
    ))
}

fn list(troubles: Vec<Finding>, where_all_are: &str, report: &mut Report) {
    let more = troubles.len().saturating_sub(MAX_LISTED);
    let check = troubles.first().map(|finding| finding.check);
    for finding in troubles.into_iter().take(MAX_LISTED) {
        report.add(finding);
    }
    if let (Some(check), 1..) = (check, more) {
        report.add(Finding::skipped(check, format!("{more} more: `{where_all_are}`")));
    }
}

async fn endpoints(
    examined: &Examined,
    installation: &Installation,
    endpoints: &[WebhookEndpoint],
    report: &mut Report,
) {
    let client = networks("callbacks.allow_networks", &examined.config.callbacks.allow_networks)
        .ok()
        .and_then(|allowed| CallbackClient::new(NetworkGuard::new(allowed), examined.env.clone()).ok());
    let Some(client) = client else { return };
    let mailer = examined.config.mail.mailer(&examined.public_base, &examined.env);
    let sends_mail = mailer.is_ok_and(|mailer| mailer.is_some());
    let mut troubles = Vec::new();
    for endpoint in endpoints {
        if let Some(finding) = unreachable(installation, (&client, sends_mail), endpoint).await {
            troubles.push(finding.about(endpoint.id.to_string()));
        }
    }
    let (all, bad) = (endpoints.len(), troubles.len());
    if bad < all {
        report.add(Finding::ok(ENDPOINT, format!("{} of {all} can be reached", all - bad)));
    }
    list(troubles, "latchkey webhook list", report);
}

async fn unreachable(
    installation: &Installation,
    (client, sends_mail): (&CallbackClient, bool),
    endpoint: &WebhookEndpoint,
) -> Option<Finding> {
    const WHY: &str = "It receives nothing: events of bots and accounts go unnoticed.";
    let workspace: WorkspaceId = endpoint.workspace;
    match endpoint.state {
        EndpointState::Disabled => return None,
        EndpointState::Failed => {
            let fix = format!("Repair it, then `latchkey webhook enable {}`.", endpoint.id);
            let found = "disabled, because all deliveries failed for five days";
            return Some(Finding::fault(ENDPOINT, found, WHY, fix));
        }
        EndpointState::Enabled => {}
    }
    if endpoint.kind == EndpointKind::Email {
        // A separate check tests the SMTP server.
        let fix = "Set mail.server and mail.from, or delete the endpoint.";
        return (!sends_mail).then(|| Finding::fault(ENDPOINT, "[mail] has no server", WHY, fix));
    }
    let url = match installation.vault.open(workspace, Cell::WebhookUrl(endpoint.id), &endpoint.url) {
        Ok(url) => url,
        Err(error) => return Some(Finding::fault(ENDPOINT, error.detail, WHY, "Set its URL again.")),
    };
    let error = client.reach(&url).await.err()?;
    Some(Finding::fault(
        ENDPOINT,
        format!("{error}"),
        WHY,
        "Start the receiver and make it reachable from this server; a private network needs an entry in \
         callbacks.allow_networks.",
    ))
}
