//! A request as it came, and what it asks for.

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
/// The bot, by the names that platforms have for it; the first that is there counts.
const BOT: [&str; 3] = ["bot_id", "bot_uuid", "bot"];
/// The parameters that a query may have of its own, in any dialect. A link's secret can't have one of these names.
pub const QUERY_PARAMETERS: [&str; 7] = [KIND, MEETING, FRESH, EXTRA, BOT[0], BOT[1], BOT[2]];

/// Longer names are none of ours with a slip in it.
const LONGEST_MISSPELT: usize = 16;

/// A request to a token link, as it came.
#[derive(Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The part of the path that names the link, with its secret where the dialect has it there.
    pub address: &'a str,
    /// The query, as it was sent.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Whether its headers are more, or larger, than is read.
    pub oversized: bool,
    /// Whether it is a POST, and not a GET.
    pub posted: bool,
    /// The body; empty for a GET.
    pub body: &'a [u8],
    /// The address at the other end of the connection.
    pub from: Option<IpAddr>,
}

impl<'a> LinkRequest<'a> {
    /// A GET of this address with these headers.
    pub const fn get(address: &'a str, headers: &'a HeaderMap) -> Self {
        Self { address, query: "", headers, oversized: false, posted: false, body: b"", from: None }
    }

    /// The public half of the address, and what stands behind its first dot.
    pub(crate) fn id_and_secret(&self) -> (&'a str, Option<&'a str>) {
        self.address.split_once('.').map_or((self.address, None), |(id, secret)| (id, Some(secret)))
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The headers of Standard Webhooks, if all three are there in one spelling.
    pub(crate) fn signature_headers(&self) -> Option<SignatureHeaders<'a>> {
        let spelt = |names: &'static [HeaderName; 3]| {
            let [id, timestamp, signature] = names.each_ref().map(|name| self.header(name));
            Some(SignatureHeaders { id: id?, timestamp: timestamp?, signature: signature? })
        };
        spelt(&WEBHOOK).or_else(|| spelt(&SVIX))
    }
}

/// Without address, query and headers, which are as good as a key.
impl std::fmt::Debug for LinkRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkRequest")
            .field("body", &self.body.len())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// What a request asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// The kind of token, if the request names one.
    pub kind: Option<TokenKind>,
    /// The meeting, by the link's rule.
    pub meeting: Option<MeetingNumber>,
    /// The bot's id at the platform. It is not verified.
    pub bot: Option<PlatformBot>,
    /// Nothing from memory.
    pub fresh: bool,
}

/// Name and value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A query as pairs. Some platforms append theirs with a second `?`, even after an existing query.
pub(crate) fn pairs(query: &str) -> Vec<Pair<'_>> {
    query.split('?').flat_map(|part| url::form_urlencoded::parse(part.as_bytes())).collect()
}

/// The parameters of a query that a request may have of its own.
pub(crate) struct Query<'a> {
    pairs: Vec<Pair<'a>>,
    /// The parameter that holds the link's secret, which is never read as anything else: links from before such names were
    /// refused may have one of ours.
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

    /// Refuses a parameter that is almost called as one of ours: if it were not read, the answer would be another token than was
    /// meant. Others are left alone, because a platform may append its own.
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

    /// What the request asks for; `meeting` is where this dialect names the meeting.
    pub(crate) fn read(&self, terms: &LinkTerms, meeting: Option<&str>) -> Result<Requested, Failure> {
        self.check_spelling()?;
        let kind = self.get(KIND).map(|kind| {
            kind.parse().map_err(|_| malformed("the kind is none of zak, obf, join_token and access_token"))
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

/// The parameter that is meant by a name with one slip: a letter too many, too few, another one, or two that are swapped. Case,
/// hyphens and underscores don't count. `None` where the name is right, or far from all of them.
fn meant_by(name: &str) -> Option<&'static str> {
    if name.len() > LONGEST_MISSPELT || QUERY_PARAMETERS.contains(&name) {
        return None;
    }
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
    let given = plain(name);
    let slips = |known: &str| strsim::damerau_levenshtein(&given, &plain(known));
    let nearest = QUERY_PARAMETERS.into_iter().map(|known| (slips(known), known)).min()?;
    (nearest.0 <= 1).then_some(nearest.1)
}

/// The meeting that tokens are for: the link's, or the request's if the link lets it say.
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
    fn one_slip_is_recognised_and_names_of_platforms_are_left_alone() {
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
