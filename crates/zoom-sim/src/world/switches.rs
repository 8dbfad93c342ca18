//! Switches for behaviour that Zoom does not document or has changed.

use serde::{Deserialize, Serialize};

use crate::gate::rules::Rule;
use crate::rest::quotas::Limits;

/// What happens when a user who is already in a meeting joins it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DuplicateIdentity {
    /// The second join gets 4008 (ours).
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
    /// Lifetime of an access token in seconds (default 3600, D).
    pub(crate) access_token_seconds: i64,
    /// Seconds for which a rotated refresh token still works (default 0: D "dies at once").
    pub(crate) refresh_grace_seconds: i64,
    /// A new access token invalidates the previous one (I; default off).
    pub(crate) one_live_access_token: bool,
    /// Token parameters in the query string are accepted (D, though O says they have failed since 2025).
    pub(crate) query_parameters: bool,
    /// A ZAK can be minted with an expired access token (O; default off).
    pub(crate) zak_on_expired_access_token: bool,
    /// An on-behalf-of token admits once (default on; D in Zoom's blog, although it lives for hours).
    pub(crate) obf_single_use: bool,
    /// The token endpoint answers 429 to an app's requests beyond this number within any second of real time, independent of
    /// Zoom's clock. `null`, the default, is no limit. Zoom publishes none (O); 10 is our guess.
    pub(crate) token_limit_per_second: Option<u32>,
    /// REST limits, see `rest/quotas.rs`: `{}` are the limits that Zoom publishes; `null`, the default, is no limit.
    pub(crate) rest_limits: Option<Limits>,
    /// Delay of the token endpoint's answers, in milliseconds of real time (default 0).
    pub(crate) token_delay_ms: u64,
    /// Delay of REST answers, in milliseconds of real time (default 0).
    pub(crate) rest_delay_ms: u64,
    /// Timeout of a webhook's receiver, in milliseconds of real time (default 3000, D).
    pub(crate) webhook_patience_ms: u64,
    /// Captions are also sent to participants who have not asked for them (default off, I).
    pub(crate) unasked_captions: bool,
    /// See [`DuplicateIdentity`].
    pub(crate) duplicate_identity: DuplicateIdentity,
    /// The rules of the meeting gate, in order (ours; Zoom's order is unknown). A rule that is left out is not applied.
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
