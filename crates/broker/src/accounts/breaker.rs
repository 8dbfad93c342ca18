//! A circuit breaker for an app whose own credentials Zoom refuses: a mistyped or rotated client secret, a
//! disabled app.
//!
//! The accounts of the app are not the cause, so their refreshes are not started. Every [`PROBE_INTERVAL`],
//! one refresh in all processes together is let through as a probe. The first answer that does not refuse the
//! app closes the breaker; a new secret closes it at once.

use std::time::Duration;

use model::{Code, Failure, WorkspaceId, ZoomOauthAppId, chain};
use store::ZoomOauthApp;
use zoom::{AppKeys, ZoomError};

use super::{apps::Apps, schedule};
use crate::log_lines::{failure_note, note};

/// Interval between probes.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);

impl Apps {
    /// The app, if it may be used at Zoom now.
    pub(crate) async fn usable_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<(ZoomOauthApp, AppKeys), Failure> {
        let app = self.of_account(workspace, id).await?;
        if let Some(refusal) = app.refusal {
            let now = self.env.now();
            let next = now + schedule::part(&self.env, PROBE_INTERVAL, 900..1000);
            if refusal.probe_at.holds(PROBE_INTERVAL, now) || !self.store.claim_probe(id, now, next).await? {
                let refused = format!("Zoom refuses the credentials of app {id} since {}", refusal.since);
                let wait = refusal.probe_at.since(now).max(Duration::from_secs(1));
                return Err(Failure { retry_after: Some(wait), ..Failure::new(Code::AppUnhealthy, refused) });
            }
        }
        let keys = self.keys_of(&app)?;
        Ok((app, keys))
    }

    /// Updates the breaker from an answer of Zoom.
    pub(crate) async fn record_answer<T>(&self, app: &ZoomOauthApp, answer: &Result<T, ZoomError>) {
        let told = match answer {
            Err(ZoomError::AppRejected) => {
                let probe_at = self.env.now() + schedule::part(&self.env, PROBE_INTERVAL, 900..1000);
                let note =
                    failure_note(&self.env, "Zoom refuses the app's client id or secret", Code::AppUnhealthy);
                let refused = self.store.refuse_app(app.id, &app.client_secret, probe_at, &note).await;
                if matches!(refused, Ok(true)) {
                    tracing::error!(app = %app.id, "Zoom refuses the app's credentials; its accounts stay connected");
                }
                refused
            }
            // Without an answer nothing is known about the app.
            Err(error)
                if error.in_doubt()
                    || matches!(error.code(), Code::ZoomUnavailable | Code::ZoomRateLimited) =>
            {
                Ok(false)
            }
            Ok(_) | Err(_) if app.refusal.is_some() => {
                let accepted =
                    self.store.accept_app(app.id, &note(&self.env, "Zoom accepts the app again")).await;
                if matches!(accepted, Ok(true)) {
                    tracing::info!(app = %app.id, "Zoom accepts the app's credentials again");
                }
                accepted
            }
            Ok(_) | Err(_) => Ok(false),
        };
        if let Err(error) = told {
            // The next answer updates the breaker again.
            tracing::warn!(app = %app.id, error = %chain(&error), "the result of using an app at Zoom was not recorded");
        }
    }
}
