//! How a bot signs in: the object `zoom` of a request.
//!
//! A bot that was told to sign in never comes as a guest because something that was said here went unheard.

use bots::ZoomOptions;
use model::{CredentialId, PoolId, ZoomOauthAppId, nearest};

use crate::{State, fields::Fields};

const FIELDS: [&str; 11] = [
    "zak_url",
    "zak_token_url",
    "credential",
    "user",
    "pool",
    "obf_token_url",
    "obf_credential",
    "oauth_app",
    "start_meeting",
    "join_token_url",
    "user_email",
];
/// Of the contract's older versions, and about recording: without effect here.
const OLDER_FIELDS: [&str; 2] = ["request_recording_permission_on_host_join", "require_recording_permission"];

/// `zoom`.
pub(super) fn read(state: &State, fields: &mut Fields<'_>) -> ZoomOptions {
    let known: Vec<_> = FIELDS.into_iter().chain(OLDER_FIELDS).collect();
    fields.only(&known);
    // The older name is still in use.
    let zak_field = if fields.anything("zak_url").is_some() { "zak_url" } else { "zak_token_url" };
    let zak_url = callback_url(state, fields, zak_field);
    let obf_token_url = callback_url(state, fields, "obf_token_url");
    let credential: Option<CredentialId> = fields.parsed("credential", "It must be the id of an account.");
    let pool: Option<PoolId> = fields.parsed("pool", "It must be the id of a pool.");
    let obf_credential: Option<CredentialId> =
        fields.parsed("obf_credential", "It must be the id of an account.");
    let oauth_app: Option<ZoomOauthAppId> =
        fields.parsed("oauth_app", "It must be the id of a registered app.");
    one_identity(fields, zak_field);
    let user = fields.parsed("user", "It must be an e-mail address or Zoom's id of a user.");
    if user.is_some() && ["credential", "obf_credential"].iter().all(|field| fields.anything(field).is_none())
    {
        fields.complain("user", "It says whose token a server-to-server app mints: give its account too.");
    }
    let start_meeting = fields.boolean("start_meeting").unwrap_or(false);
    if start_meeting && [zak_field, "credential", "pool"].iter().all(|field| fields.anything(field).is_none())
    {
        fields.complain(
            "start_meeting",
            "Starting a meeting needs its host's ZAK: give credential, pool or zak_url.",
        );
    }
    ZoomOptions {
        zak_url,
        user_email: fields.text("user_email", 320).map(str::to_owned),
        credential,
        oauth_app,
        user,
        user_address: None,
        pool,
        obf_token_url,
        obf_credential,
        start_meeting,
        join_token_url: callback_url(state, fields, "join_token_url"),
    }
}

/// A bot signs in in one way. Which ones were given is asked, not which could be read: it must not come anonymously, or as
/// somebody else, because of a field that was passed over.
fn one_identity(fields: &mut Fields<'_>, zak_field: &str) {
    let given = [zak_field, "credential", "pool", "obf_token_url", "obf_credential"];
    let mut given = given.into_iter().filter(|field| fields.anything(field).is_some());
    let Some(first) = given.next() else { return };
    for other in given.collect::<Vec<_>>() {
        if other.starts_with("obf_") && !first.starts_with("obf_") {
            fields.complain(other, "Zoom's SDK takes a ZAK or an OBF token, not both.");
        } else {
            fields.complain(other, format!("Give this or {first}, not both."));
        }
    }
}

fn callback_url(state: &State, fields: &mut Fields<'_>, field: &str) -> Option<String> {
    let url = fields.text(field, 2000)?;
    match state.callbacks.accepts(url) {
        Ok(()) => Some(url.to_owned()),
        Err(error) => {
            fields.complain(field, error.to_string());
            None
        }
    }
}

/// Complains about fields beside `zoom` that were meant for it. Others that the contract does not know are passed over.
pub(super) fn misplaced(fields: &mut Fields<'_>, is_known: impl Fn(&str) -> bool) {
    for name in fields.names().into_iter().filter(|name| *name != "zoom" && !is_known(name)) {
        let inner = name.strip_prefix("zoom").map_or(name, |rest| rest.trim_matches(['.', '_', '[', ']']));
        if let Some(meant) = nearest(inner, &FIELDS).filter(|_| !inner.is_empty()) {
            fields.complain(name, format!("There is no such field: did you mean {meant} inside zoom?"));
        } else if name.len() <= "zoom".len() + 2 && nearest(name, &["zoom"]).is_some() {
            fields.complain(name, "There is no such field: did you mean zoom?");
        }
    }
}
