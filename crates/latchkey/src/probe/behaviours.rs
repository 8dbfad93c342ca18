//! Behaviours of the simulator in which Zoom may differ, with their marks as in the simulator's README: documented,
//! observed, inferred, ours.

/// A behaviour that can be confirmed or refuted by harmless calls.
pub(super) struct Behaviour {
    /// A stable id, so that reports can be compared.
    pub(super) id: &'static str,
    pub(super) mark: &'static str,
    /// The simulator's behaviour.
    pub(super) expected: &'static str,
}

const fn behaviour(id: &'static str, mark: &'static str, expected: &'static str) -> Behaviour {
    Behaviour { id, mark, expected }
}

/// In the order in which they are tested.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour("date.header", "documented", "every answer has Zoom's time as Date"),
    behaviour("consent.bad_redirect", "inferred", "a page with a 47xx number, and no redirect back"),
    behaviour("consent.unknown_app", "inferred", "a page with a 47xx number, and no redirect back"),
    behaviour("consent.state", "documented", "the redirect back has the state as it was sent"),
    behaviour("token.wrong_secret", "observed", "400 invalid_client, \"Invalid client_id or client_secret\""),
    behaviour("token.wrong_code", "observed", "400 invalid_grant, \"Invalid authorization code\""),
    behaviour("token.wrong_grant", "observed", "400 unsupported_grant_type"),
    behaviour("token.no_code", "inferred", "400 invalid_grant for a missing code"),
    behaviour("token.bad_refresh", "observed", "400 invalid_grant, \"Invalid Token!\""),
    behaviour("token.in_query", "documented", "parameters in the query string are read"),
    behaviour(
        "token.redirect_mismatch",
        "ours",
        "400 invalid_request if the exchange names another redirect URL",
    ),
    behaviour("token.mismatch_spends_code", "ours", "an exchange with a wrong redirect URL uses the code up"),
    behaviour(
        "token.answer",
        "observed",
        "access_token, refresh_token, token_type bearer, expires_in, scope, api_url",
    ),
    behaviour("token.hour", "documented", "an access token is valid for 3600 s, plus or minus one"),
    behaviour("me.answer", "documented", "users/me returns id, account_id, email and type"),
    behaviour("rest.bad_token", "observed", "401 with code 124"),
    behaviour("rest.unknown_user", "observed", "404 with code 1001"),
    behaviour("rest.unknown_meeting", "documented", "404 with code 3001"),
    behaviour("rest.scope_missing", "observed", "400 with code 4711, the scopes in brackets"),
    behaviour("rest.trailing_slash", "observed", "a slash at the end of a path is ignored"),
    behaviour("limits.headers", "documented", "X-RateLimit-Category: Light on users/me"),
    behaviour("zak.form", "observed", "a JWT, HS256, with uid, aid, iat and exp"),
    behaviour("zak.default_ttl", "documented", "7200 s by default"),
    behaviour("zak.ttl", "documented", "ttl=300 gives 300 s"),
    behaviour("zak.ttl_too_long", "documented", "a ttl beyond a year is refused"),
    behaviour("zak.ttl_zero", "inferred", "ttl=0 is refused"),
    behaviour("zak.default_type", "documented", "without a type the answer is not a ZAK"),
    behaviour("zak.short", "documented", "users/me/zak gives 300 s"),
    behaviour("obf.form", "ours", "a JWT with its expiry time (exp)"),
    behaviour("refresh.rotates", "documented", "a refresh returns another refresh token"),
    behaviour(
        "refresh.access_before_lives",
        "inferred",
        "the access token from before a refresh stays valid",
    ),
    behaviour(
        "refresh.old_token_dead",
        "documented",
        "the used refresh token is refused at once: invalid_grant",
    ),
    behaviour("refresh.reuse_harmless", "ours", "using a used refresh token again does not end the grant"),
    behaviour("consent.code_once", "documented", "a code is refused the second time: invalid_grant"),
    behaviour("consent.reuse_harmless", "ours", "using a used code again does not end the grant"),
    behaviour("revoke.answer", "documented", "{\"status\":\"success\"}"),
    behaviour("revoke.by_access_token", "ours", "revoking an access token ends the refresh token as well"),
    behaviour("revoke.access_dead", "ours", "the access token is refused at once: 401 with code 124"),
    behaviour("revoke.again", "ours", "a second revocation is refused: 400 invalid_grant"),
];
