//! How a bot signs in: the object `zoom` of a request.
//!
//! Nothing in it is ignored, so that a bot with sign-in fields never joins as a guest because of a
//! mistake.

use bots::ZoomOptions;
use model::{AccountUser, CredentialId, PoolId, ZoomOauthAppId, nearest};
use utoipa::openapi::{RefOr, Schema, SchemaFormat};

use crate::{
    fields::Fields,
    request::{Anything, CallbackUrl, Field, Request as _, Schemas, refer, reference, request, string},
};

const MAX_ADDRESS_LEN: usize = 320;

request! {
    /// How a bot signs in, in at most one way. Unknown fields are refused: a bot with sign-in fields must not join as a
    /// guest because of a misspelt name.
    closed struct CreateBotZoom {
        /// A URL that answers a `GET` with a ZAK.
        zak_url: Option<CallbackUrl<2000>>,
        /// The older name of `zak_url`.
        zak_token_url: Option<CallbackUrl<2000>>,
        /// A connected account that gives the ZAK.
        credential: Option<CredentialId>,
        /// The user whose token to use, if the account is a server-to-server app's.
        user: Option<AccountUser>,
        /// A pool; the ZAK comes from a member that is not in the meeting yet.
        pool: Option<PoolId>,
        /// A URL that answers a `GET` with an OBF token of a participant who vouches for the bot.
        obf_token_url: Option<CallbackUrl<2000>>,
        /// A connected account whose user vouches for the bot.
        obf_credential: Option<CredentialId>,
        /// The app that signs the join. Default: the account's own.
        oauth_app: Option<ZoomOauthAppId>,
        /// Whether to start the meeting as its host, with the host's ZAK.
        start_meeting: Option<bool>,
        /// A URL that answers a `GET` with a token to record without asking for permission.
        join_token_url: Option<CallbackUrl<2000>>,
        /// For meetings that ask for an e-mail address.
        user_email: Option<EmailAddress>,
        /// From older versions of the contract; without effect here.
        #[expect(dead_code, reason = "without effect")]
        request_recording_permission_on_host_join: Option<Anything>,
        /// From older versions of the contract; without effect here.
        #[expect(dead_code, reason = "without effect")]
        require_recording_permission: Option<Anything>,
    }
}

/// An e-mail address; only its form is checked.
struct EmailAddress(String);

impl Field for EmailAddress {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let text = fields.text(name, MAX_ADDRESS_LEN)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "@<>,;\"".contains(c);
        let is_address = text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty()
                && !user.contains(is_odd)
                && !host.contains(is_odd)
                && host.split('.').all(|label| !label.is_empty())
        });
        if !is_address {
            fields.complain(name, "It must be an e-mail address.");
            return None;
        }
        Some(Self(text.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        string(MAX_ADDRESS_LEN).format(Some(SchemaFormat::Custom("email".to_owned()))).into()
    }
}

/// The checked object `zoom`.
pub(super) struct SignIn(pub(super) ZoomOptions);

impl Field for SignIn {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.object(name, read).flatten().map(Self)
    }

    fn schema() -> RefOr<Schema> {
        reference::<CreateBotZoom>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<CreateBotZoom>(schemas);
    }
}

fn read(fields: &mut Fields<'_>) -> Option<ZoomOptions> {
    let asked = CreateBotZoom::read(fields);
    // The older name is still in use; errors name the one that was given.
    let zak_field = if fields.anything("zak_url").is_some() { "zak_url" } else { "zak_token_url" };
    if zak_field == "zak_url" && fields.anything("zak_token_url").is_some() {
        fields.complain("zak_token_url", "It is the older name of zak_url: give one of them.");
    }
    one_identity(fields, zak_field);
    let given =
        |fields: &Fields<'_>, names: &[&str]| names.iter().any(|name| fields.anything(name).is_some());
    if given(fields, &["user"]) && !given(fields, &["credential", "obf_credential"]) {
        fields.complain("user", "It names a user of a server-to-server account: give `credential` too.");
    }
    let asked = asked?;
    let start_meeting = asked.start_meeting.unwrap_or(false);
    if start_meeting && !given(fields, &[zak_field, "credential", "pool"]) {
        fields.complain(
            "start_meeting",
            "Starting a meeting needs its host's ZAK: give credential, pool or zak_url.",
        );
    }
    Some(ZoomOptions {
        zak_url: asked.zak_url.or(asked.zak_token_url).map(|url| url.0),
        user_email: asked.user_email.map(|email| email.0),
        credential: asked.credential,
        oauth_app: asked.oauth_app,
        user: asked.user,
        user_address: None,
        pool: asked.pool,
        obf_token_url: asked.obf_token_url.map(|url| url.0),
        obf_credential: asked.obf_credential,
        start_meeting,
        join_token_url: asked.join_token_url.map(|url| url.0),
    })
}

/// Allows only one way to sign in. Fields count as given even if they are invalid: if one were ignored, the bot could
/// join anonymously or as another user.
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

/// Reports unknown fields next to `zoom` that probably belong inside it. Other unknown fields are ignored.
pub(super) fn misplaced(fields: &mut Fields<'_>, known: &[&str]) {
    for name in fields.names().into_iter().filter(|name| !known.contains(name)) {
        let inner = name.strip_prefix("zoom").map_or(name, |rest| rest.trim_matches(['.', '_', '[', ']']));
        if let Some(meant) = nearest(inner, CreateBotZoom::FIELDS).filter(|_| !inner.is_empty()) {
            fields.complain(name, format!("There is no such field: did you mean {meant} inside zoom?"));
        } else if name.len() <= "zoom".len() + 2 && nearest(name, &["zoom"]).is_some() {
            fields.complain(name, "There is no such field: did you mean zoom?");
        }
    }
}
