//! A request as received, and what it requests.

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, HeaderName};
use model::{Code, Failure, MeetingNumber, PlatformBot, TokenKind};
use outbound::signature::SignatureHeaders;
use store::{LinkTerms, LinkVerification};

/// The two spellings of Standard Webhooks' headers.
static WEBHOOK: [HeaderName; 3] = [
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("webhook-signature"),
];
static SVIX: [HeaderName; 3] = [
    HeaderName::from_static("svix-id"),
    HeaderName::from_static("svix-timestamp"),
    HeaderName::from_static("svix-signature"),
];

const KIND: &str = "kind";
const MEETING: &str = "meeting";
const FRESH: &str = "fresh";
const EXTRA: &str = "extra";
/// The parameters by which platforms name the bot; the first one in the query counts.
const BOT: [&str; 3] = ["bot_id", "bot_uuid", "bot"];
/// The parameters that a query may have in any dialect. A link's secret can't have one of these names.
pub const QUERY_PARAMETERS: [&str; 7] = [KIND, MEETING, FRESH, EXTRA, BOT[0], BOT[1], BOT[2]];

/// Longer names are not checked for typing errors.
const MAX_MISSPELT_LEN: usize = 16;

/// A request to a token link, as received.
#[derive(Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The part of the path that names the link, with its secret if the dialect has the secret there.
    pub address: &'a str,
    /// The query, as it was sent.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Whether its headers are too many or too large.
    pub oversized: bool,
    /// Whether it is a POST instead of a GET.
    pub posted: bool,
    /// The body; empty for a GET.
    pub body: &'a [u8],
    /// The peer's address.
    pub from: Option<IpAddr>,
}

impl<'a> LinkRequest<'a> {
    /// A GET of this address with these headers.
    pub const fn get(address: &'a str, headers: &'a HeaderMap) -> Self {
        Self { address, query: "", headers, oversized: false, posted: false, body: b"", from: None }
    }

    /// The public half of the address, and the part after its first dot.
    pub(crate) fn id_and_secret(&self) -> (&'a str, Option<&'a str>) {
        self.address.split_once('.').map_or((self.address, None), |(id, secret)| (id, Some(secret)))
    }

    /// The value of a header, if it is text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The headers of Standard Webhooks, if the request has all three in one spelling.
    pub(crate) fn signature_headers(&self) -> Option<SignatureHeaders<'a>> {
        let spelt = |names: &'static [HeaderName; 3]| {
            let [id, timestamp, signature] = names.each_ref().map(|name| self.header(name));
            Some(SignatureHeaders { id: id?, timestamp: timestamp?, signature: signature? })
        };
        spelt(&WEBHOOK).or_else(|| spelt(&SVIX))
    }
}

/// Omits address, query and headers, because they are credentials.
impl std::fmt::Debug for LinkRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkRequest")
            .field("body", &self.body.len())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// What a request requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// The kind of token, if the request names one.
    pub kind: Option<TokenKind>,
    /// The meeting, by the link's rule.
    pub meeting: Option<MeetingNumber>,
    /// The bot's id at the platform. It is not verified.
    pub bot: Option<PlatformBot>,
    /// Whether the token must not come from a cache.
    pub fresh: bool,
}

/// Name and value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A query as pairs. Some platforms append theirs with a second `?`, even after an existing query.
pub(crate) fn pairs(query: &str) -> Vec<Pair<'_>> {
    query.split('?').flat_map(|part| url::form_urlencoded::parse(part.as_bytes())).collect()
}

/// The parameters of a query.
pub(crate) struct Query<'a> {
    pairs: Vec<Pair<'a>>,
    /// The parameter with the link's secret. It is never read as another parameter: the secret of an old link may have the
    /// name of one.
    secret: Option<&'a str>,
}

impl<'a> Query<'a> {
    pub(crate) fn of(terms: &'a LinkTerms, query: &'a str) -> Self {
        let secret = match &terms.proof {
            LinkVerification::QuerySecret { name, .. } => Some(name.as_str()),
            LinkVerification::Signature | LinkVerification::Nothing => None,
        };
        Self { pairs: pairs(query), secret }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(given, value)| given == name && Some(name) != self.secret && !value.is_empty())
            .map(|(_, value)| &**value)
    }

    /// Refuses a parameter whose name is almost one of ours: if it were ignored, the answer would not be the intended token.
    /// Other parameters are ignored, because a platform may append its own.
    fn check_spelling(&self) -> Result<(), Failure> {
        let others = self.pairs.iter().filter(|(name, _)| self.secret != Some(name));
        match others.filter(|(_, value)| !value.is_empty()).find_map(|(name, _)| meant_by(name)) {
            None => Ok(()),
            Some(meant) => Err(malformed(format!(
                "the query has a parameter whose name is almost {meant}: did you mean {meant}?"
            ))),
        }
    }

    pub(crate) fn meeting(&self) -> Option<&str> {
        self.get(MEETING)
    }

    pub(crate) fn extra(&self) -> Option<&str> {
        self.get(EXTRA)
    }

    /// What the request requests; `meeting` is the meeting as this dialect names it.
    pub(crate) fn read(&self, terms: &LinkTerms, meeting: Option<&str>) -> Result<Requested, Failure> {
        self.check_spelling()?;
        let kind = self.get(KIND).map(|kind| {
            kind.parse().map_err(|_| malformed("the kind must be zak, obf, join_token or access_token"))
        });
        let number = meeting
            .map(|text| text.parse().map_err(|error: model::NotAMeetingNumber| malformed(error.to_string())));
        let bot = BOT.into_iter().find_map(|name| self.get(name));
        Ok(Requested {
            kind: kind.transpose()?,
            meeting: allowed_meeting(terms, number.transpose()?)?,
            bot: bot.map(platform_bot).transpose()?,
            fresh: self.get(FRESH) == Some("1"),
        })
    }
}

/// The parameter that is meant by a name with one typing error: a letter too many, too few, a wrong one, or two swapped
/// ones. Case, hyphens and underscores don't count. `None` if the name is right, or unlike all of them.
fn meant_by(name: &str) -> Option<&'static str> {
    if name.len() > MAX_MISSPELT_LEN || QUERY_PARAMETERS.contains(&name) {
        return None;
    }
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
    let given = plain(name);
    let slips = |known: &str| strsim::damerau_levenshtein(&given, &plain(known));
    let nearest = QUERY_PARAMETERS.into_iter().map(|known| (slips(known), known)).min()?;
    (nearest.0 <= 1).then_some(nearest.1)
}

/// The meeting that tokens are for: the link's, or the request's if the link allows it.
pub(crate) fn allowed_meeting(
    terms: &LinkTerms,
    named: Option<MeetingNumber>,
) -> Result<Option<MeetingNumber>, Failure> {
    match (terms.meeting, named) {
        (Some(only), Some(named)) if only != named => {
            Err(Failure::new(Code::MeetingNotAllowed, "the link is for another meeting"))
        }
        (Some(only), _) => Ok(Some(only)),
        (None, Some(_)) if !terms.meeting_in_request => {
            Err(Failure::new(Code::MeetingNotAllowed, "the link does not let a request name the meeting"))
        }
        (None, named) => Ok(named),
    }
}

pub(crate) fn platform_bot(text: &str) -> Result<PlatformBot, Failure> {
    text.parse().map_err(|_| malformed("the bot's id is not 1 to 128 visible characters"))
}

pub(crate) fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new(Code::RequestMalformed, detail)
}

#[cfg(test)]
mod tests {
    use super::meant_by;

    #[test]
    fn one_typing_error_is_recognised_and_parameters_of_platforms_are_ignored() {
        for (name, meant) in [
            ("knd", "kind"),
            ("knid", "kind"),
            ("kinds", "kind"),
            ("Kind", "kind"),
            ("meting", "meeting"),
            ("meetings", "meeting"),
            ("frsh", "fresh"),
            ("extras", "extra"),
            ("botId", "bot_id"),
            ("bot-id", "bot_id"),
            ("botuuid", "bot_uuid"),
            ("bots", "bot"),
        ] {
            assert_eq!(meant_by(name), Some(meant), "{name}");
        }
        let right = super::QUERY_PARAMETERS;
        let of_platforms = [
            "",
            "t",
            "id",
            "token",
            "job_id",
            "host_id",
            "user_id",
            "org_id",
            "meeting_id",
            "meeting_url",
            "webhook-id",
            "svix-signature",
            "signature",
            "timestamp",
            "region",
            "v",
            "find_it",
            "platform",
        ];
        for name in right.into_iter().chain(of_platforms) {
            assert_eq!(meant_by(name), None, "{name}");
        }
    }
}
