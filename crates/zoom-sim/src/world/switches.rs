//! Behaviour Zoom does not document, or has changed: choose it per run.

use serde::{Deserialize, Serialize};

use crate::gate::rules::Rule;
use crate::rest::quotas::Limits;

/// What happens when a user who is already in a meeting joins it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DuplicateIdentity {
    /// The newcomer gets 4008 (ours).
    #[default]
    Refuse,
    /// The first session leaves with "duplicated session" (O).
    Replace,
    /// Both stay (O: six joins at once with one ZAK).
    Allow,
}

/// `GET` and `PATCH /_sim/switches`; the defaults are ours where Zoom is unknown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    /// How many seconds an access token lives (default 3600, D).
    pub(crate) access_token_seconds: i64,
    /// For how many seconds a rotated refresh token still works (default 0: D "dies at once").
    pub(crate) refresh_grace_seconds: i64,
    /// A new access token kills the one before (I; default off).
    pub(crate) one_live_access_token: bool,
    /// Token parameters in the query string are accepted (D, though O says they have failed since 2025).
    pub(crate) query_parameters: bool,
    /// A ZAK may be had with an expired access token (O; default off).
    pub(crate) zak_on_expired_access_token: bool,
    /// An on-behalf-of token lets in once (default on; D in Zoom's blog, though it lives for hours).
    pub(crate) obf_single_use: bool,
    /// The token endpoint answers 429 to an app's requests beyond this number within any second of
    /// real time, whatever the clock was told; null, the default, is no limit. Zoom publishes none
    /// (O); 10 is our guess.
    pub(crate) token_limit_per_second: Option<u32>,
    /// Limits of REST, as in `rest/limits.rs`: `{}` is what Zoom publishes, null, the default, is none.
    pub(crate) rest_limits: Option<Limits>,
    /// How late the token endpoint answers, in milliseconds of real time (default 0).
    pub(crate) token_delay_ms: u64,
    /// How late REST answers, in milliseconds of real time (default 0).
    pub(crate) rest_delay_ms: u64,
    /// How long a webhook's receiver may take, in milliseconds of real time (default 3000, D).
    pub(crate) webhook_patience_ms: u64,
    /// Captions go to participants that have not asked for them, too (default off, I).
    pub(crate) unasked_captions: bool,
    /// See [`DuplicateIdentity`].
    pub(crate) duplicate_identity: DuplicateIdentity,
    /// The checks of the meeting gate, in order (ours; Zoom's order is unknown). A rule that is
    /// left out is not checked.
    pub(crate) rule_order: Vec<Rule>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            access_token_seconds: 3600,
            refresh_grace_seconds: 0,
            one_live_access_token: false,
            query_parameters: true,
            zak_on_expired_access_token: false,
            obf_single_use: true,
            token_limit_per_second: None,
            rest_limits: None,
            token_delay_ms: 0,
            rest_delay_ms: 0,
            webhook_patience_ms: 3000,
            unasked_captions: false,
            duplicate_identity: DuplicateIdentity::default(),
            rule_order: Rule::ALL.to_vec(),
        }
    }
}
