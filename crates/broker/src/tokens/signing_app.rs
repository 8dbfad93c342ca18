//! Chooses the app that signs a bot's join.
//!
//! Zoom's Meeting SDK needs the id and secret of an app whose owner has enabled the SDK, and Zoom's API
//! doesn't say which apps those are. So the results of joins are recorded: a refused app is avoided, and the
//! one that worked last comes first. See decision 39.

use std::{sync::Arc, time::Duration};

use model::{Code, CredentialId, Environment, Failure, Timestamp, WorkspaceId, ZoomOauthAppId};
use store::{AccountStore, AppKind, ZoomOauthApp};
use zoom::AppKeys;

use crate::{accounts::Apps, log_lines::failure_note};

/// How long an app with a refused signature is avoided. Its owner may enable the SDK later, but a probe costs
/// a bot one more join.
const REFUSED_TTL: Duration = Duration::from_secs(24 * 3600);
/// The precision of the time of the last success.
const ACCEPTED_PRECISION: Duration = Duration::from_secs(3600);

/// A request for a signing app.
#[derive(Debug, Clone, Copy, Default)]
pub struct SigningAppRequest<'a> {
    /// The app that the bot's request names.
    pub named: Option<ZoomOauthAppId>,
    /// The account that signs the bot in.
    pub account: Option<CredentialId>,
    /// Apps that Zoom has refused to this bot.
    pub refused: &'a [ZoomOauthAppId],
}

/// An app that signs a join.
#[derive(Debug)]
pub struct SigningApp {
    /// Its id and secret at Zoom.
    pub keys: AppKeys,
    app: ZoomOauthApp,
}

impl SigningApp {
    /// Our id of the app.
    pub const fn id(&self) -> ZoomOauthAppId {
        self.app.id
    }
}

/// Why no app can sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSigningApp {
    /// No app is registered.
    #[error("no Zoom app is registered to sign the join: register one by POST /api/v2/zoom-oauth-apps/")]
    NoneRegistered,
    /// Zoom's SDK doesn't accept this kind of app.
    #[error(
        "server-to-server apps cannot sign a join, and there is no other ({0}): register a General app with the Meeting SDK \
         switched on by POST /api/v2/zoom-oauth-apps/"
    )]
    OnlyServerToServer(String),
    /// The app that the bot names was removed.
    #[error("the app in zoom.oauth_app is no longer registered")]
    NamedIsGone,
    /// Zoom has refused all apps for this bot.
    #[error("Zoom has refused every app that could sign the join")]
    AllRefused,
}

/// Chooses signing apps and records Zoom's answers.
pub struct SigningApps {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) env: Environment,
    pub(crate) apps: Arc<Apps>,
}

impl SigningApps {
    /// The app that signs a join: the named one, else the account's own, else one that is known to work.
    pub async fn choose(
        &self,
        workspace: WorkspaceId,
        request: SigningAppRequest<'_>,
    ) -> Result<Result<SigningApp, NoSigningApp>, Failure> {
        let account = match request.account {
            Some(id) => self.store.credential(workspace, id).await?,
            None => None,
        };
        let apps = self.apps.store.zoom_oauth_apps(workspace).await?;
        let own = account.map(|account| account.app);
        Ok(match choose(&apps, request, own, self.env.now()) {
            Ok(app) => Ok(SigningApp { keys: self.apps.keys_of(app)?, app: app.clone() }),
            Err(none) => Err(none),
        })
    }

    /// Records that Zoom accepted this app's signature.
    pub async fn accept(&self, app: &SigningApp) -> Result<(), Failure> {
        let (now, known) = (self.env.now(), app.app.signatures);
        let is_known = known.accepted_at.is_some_and(|at| at <= now && now.since(at) < ACCEPTED_PRECISION);
        if !is_known || known.refused_at.is_some() {
            self.apps.store.accept_signature(app.app.id, &app.app.client_secret, now).await?;
        }
        Ok(())
    }

    /// Records that Zoom refused this app or its signature, with Zoom's message.
    pub async fn refuse(&self, app: &SigningApp, words: &str) -> Result<(), Failure> {
        let line = format!("put aside for signing joins: {words}");
        let note = failure_note(&self.env, &line, Code::AppUnhealthy);
        if self.apps.store.refuse_signature(app.app.id, &app.app.client_secret, &note).await? {
            tracing::warn!(app = %app.app.id, client_id = app.app.client_id, words, "an app is put aside for signing joins");
        }
        Ok(())
    }
}

fn choose<'a>(
    apps: &'a [ZoomOauthApp],
    request: SigningAppRequest<'_>,
    own: Option<ZoomOauthAppId>,
    now: Timestamp,
) -> Result<&'a ZoomOauthApp, NoSigningApp> {
    let named = apps.iter().filter(|app| request.named.is_none_or(|named| app.id == named));
    let named: Vec<_> = named.collect();
    let able: Vec<_> = named.iter().copied().filter(|app| app.kind != AppKind::ServerToServer).collect();
    if able.is_empty() {
        return Err(match (named.is_empty(), request.named) {
            (true, None) => NoSigningApp::NoneRegistered,
            (true, Some(_)) => NoSigningApp::NamedIsGone,
            (false, _) => {
                let ids: Vec<_> = named.iter().map(|app| &*app.client_id).collect();
                NoSigningApp::OnlyServerToServer(format!("client id {}", ids.join(", ")))
            }
        });
    }
    let is_own = |app: &ZoomOauthApp| own == Some(app.id);
    let put_aside = |app: &ZoomOauthApp| {
        request.named.is_none()
            && app.signatures.refused_at.is_some_and(|at| at <= now && now.since(at) < REFUSED_TTL)
    };
    let fresh = able.iter().filter(|app| !request.refused.contains(&app.id) && !put_aside(app));
    if let Some(app) = fresh.max_by_key(|app| (is_own(app), app.signatures.accepted_at, app.created_at)) {
        return Ok(app);
    }
    // All were refused for other bots. One bot probes the one that was refused longest ago, only once.
    let refused_longest = able.iter().min_by_key(|app| (!is_own(app), app.signatures.refused_at));
    refused_longest.copied().filter(|_| request.refused.is_empty()).ok_or(NoSigningApp::AllRefused)
}

#[cfg(test)]
mod tests {
    use model::{ManualClock, Sealed, SeededEntropy};
    use store::Signatures;

    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

    /// Apps in order of registration, oldest first. Each has its kind and the hours since Zoom accepted and refused it.
    fn apps(of: &[(AppKind, Option<u32>, Option<u32>)]) -> Vec<ZoomOauthApp> {
        let env = Environment {
            clock: std::sync::Arc::new(ManualClock::new(NOW)),
            entropy: std::sync::Arc::new(SeededEntropy::new(1)),
        };
        let hours = |count: u32| Duration::from_secs(3600) * count;
        let app = |(index, (kind, accepted, refused)): (usize, &(AppKind, Option<u32>, Option<u32>))| {
            ZoomOauthApp {
                id: ZoomOauthAppId::generate(&env),
                workspace: WorkspaceId::generate(&env),
                kind: *kind,
                client_id: format!("client-{index}"),
                client_secret: Sealed(Vec::new()),
                webhook_secret: Sealed(Vec::new()),
                former_webhook_secret: None,
                zoom_account_id: None,
                webhook_last_validation: None,
                refusal: None,
                signatures: Signatures {
                    accepted_at: accepted.map(|ago| NOW - hours(ago)),
                    refused_at: refused.map(|ago| NOW - hours(ago)),
                },
                created_at: NOW - hours(1000 - u32::try_from(index).unwrap()),
            }
        };
        of.iter().enumerate().map(app).collect()
    }

    fn chosen(
        apps: &[ZoomOauthApp],
        request: SigningAppRequest<'_>,
        own: Option<usize>,
    ) -> Result<String, NoSigningApp> {
        choose(apps, request, own.map(|own| apps[own].id), NOW).map(|app| app.client_id.clone())
    }

    use AppKind::{ServerToServer as Server, UserLevel as User};

    #[test]
    fn the_accounts_own_app_comes_first_then_the_last_that_worked() {
        let apps =
            apps(&[(User, Some(9), None), (User, Some(2), None), (User, Some(5), None), (User, None, None)]);
        let request = SigningAppRequest::default();
        assert_eq!(chosen(&apps, request, Some(3)).unwrap(), "client-3");
        assert_eq!(chosen(&apps, request, Some(0)).unwrap(), "client-0");
        assert_eq!(chosen(&apps, request, None).unwrap(), "client-1");
        let refused = [apps[1].id, apps[0].id];
        assert_eq!(
            chosen(&apps, SigningAppRequest { refused: &refused, ..request }, Some(0)).unwrap(),
            "client-2"
        );
        let named = SigningAppRequest { named: Some(apps[3].id), ..request };
        assert_eq!(chosen(&apps, named, Some(0)).unwrap(), "client-3");
        let refused = [apps[3].id];
        assert_eq!(
            chosen(&apps, SigningAppRequest { refused: &refused, ..named }, None),
            Err(NoSigningApp::AllRefused)
        );
    }

    #[test]
    fn an_app_that_zoom_refused_is_avoided_for_a_day() {
        let request = SigningAppRequest::default();
        let two = apps(&[(User, None, None), (User, Some(30), Some(1))]);
        assert_eq!(chosen(&two, request, Some(1)).unwrap(), "client-0");
        let named = SigningAppRequest { named: Some(two[1].id), ..request };
        assert_eq!(chosen(&two, named, None).unwrap(), "client-1", "the request names it");
        let two = apps(&[(User, None, None), (User, Some(30), Some(25))]);
        assert_eq!(chosen(&two, request, Some(1)).unwrap(), "client-1");
        // All are refused: the one that was refused longest ago is used once.
        let all = apps(&[(User, None, Some(2)), (User, None, Some(9)), (User, Some(20), Some(5))]);
        assert_eq!(chosen(&all, request, None).unwrap(), "client-1");
        let refused = [all[1].id];
        assert_eq!(
            chosen(&all, SigningAppRequest { refused: &refused, ..request }, None),
            Err(NoSigningApp::AllRefused)
        );
    }

    #[test]
    fn a_server_to_server_app_signs_no_join_and_the_error_names_it() {
        let both = apps(&[(User, None, None), (Server, None, None)]);
        assert_eq!(chosen(&both, SigningAppRequest::default(), Some(1)).unwrap(), "client-0");
        let alone = apps(&[(Server, None, None)]);
        let none = chosen(&alone, SigningAppRequest::default(), Some(0)).unwrap_err();
        assert!(none.to_string().contains("server-to-server apps cannot sign a join"), "{none}");
        assert!(none.to_string().contains("client-0"), "{none}");
        assert_eq!(chosen(&[], SigningAppRequest::default(), None), Err(NoSigningApp::NoneRegistered));
        let gone = SigningAppRequest { named: Some(alone[0].id), ..SigningAppRequest::default() };
        assert_eq!(chosen(&[], gone, None), Err(NoSigningApp::NamedIsGone));
    }
}
