//! Lists of hosts and meetings, page by page. Every page is a call with its own turn.
//!
//! Only the number and host of a meeting are read: topics, passcodes and links are not needed.

use model::MeetingNumber;
use serde::Deserialize;

use crate::{ApiAccess, Label, ZoomClient, ZoomError, fields::Readable, http::address, link::personal_name};

/// The largest page size of Zoom (documented).
const PAGE_SIZE: &str = "300";

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// The token of the next page; `None` on the last.
    pub next: Option<String>,
}

/// A meeting of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMeeting {
    /// Its number.
    pub number: MeetingNumber,
    /// Zoom's id of the host; `None` if Zoom leaves it out. Then the host is the user of the list.
    pub host_id: Option<String>,
}

/// A user of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// Zoom's id of the user.
    pub id: String,
    /// The number of the user's personal room.
    pub personal_room: Option<MeetingNumber>,
    /// The name in the user's personal link (`/my/NAME`), in lower case. Zoom documents it for a single user only.
    pub personal_name: Option<String>,
}

impl ZoomClient {
    /// Meetings of `user` (`me`, or with a server-to-server grant an id or e-mail address) that are scheduled or running.
    /// `after` is the `next` of the previous page. A recurring meeting may be listed several times. Medium.
    pub async fn meetings(
        &self,
        api: ApiAccess<'_>,
        user: &str,
        after: Option<&str>,
    ) -> Result<Listed<ListedMeeting>, ZoomError> {
        let mut url = address(api.base, &["v2", "users", user, "meetings"]);
        url.query_pairs_mut().append_pair("type", "scheduled").append_pair("page_size", PAGE_SIZE);
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("next_page_token", after);
        }
        let body: MeetingsBody = self.fetch("meetings", Label::Medium, api, url).await?;
        let row = |meeting: MeetingBody| {
            let host_id = meeting.host_id.0.filter(|host| !host.is_empty());
            meeting.id.0.and_then(Number::read).map(|number| ListedMeeting { number, host_id })
        };
        Ok(Listed {
            rows: body.meetings.into_iter().filter_map(|row| row.0).filter_map(row).collect(),
            next: next(body.next_page_token),
        })
    }

    /// Active users of the Zoom account. `after` is the `next` of the previous page. Medium.
    pub async fn users(
        &self,
        api: ApiAccess<'_>,
        after: Option<&str>,
    ) -> Result<Listed<ListedUser>, ZoomError> {
        let mut url = address(api.base, &["v2", "users"]);
        url.query_pairs_mut().append_pair("status", "active").append_pair("page_size", PAGE_SIZE);
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("next_page_token", after);
        }
        let body: UsersBody = self.fetch("users", Label::Medium, api, url).await?;
        let row = |user: UserBody| ListedUser {
            id: user.id,
            personal_room: user.pmi.0.and_then(Number::read),
            personal_name: user.vanity_url.0.as_deref().and_then(personal_name),
        };
        Ok(Listed {
            rows: body.users.into_iter().filter_map(|row| row.0).map(row).collect(),
            next: next(body.next_page_token),
        })
    }
}

/// Zoom writes an empty text on the last page (documented).
fn next(token: Option<String>) -> Option<String> {
    token.filter(|token| !token.is_empty())
}

#[derive(Deserialize)]
struct MeetingsBody {
    meetings: Vec<Readable<MeetingBody>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct MeetingBody {
    #[serde(default)]
    id: Readable<Number>,
    #[serde(default)]
    host_id: Readable<String>,
}

#[derive(Deserialize)]
struct UsersBody {
    users: Vec<Readable<UserBody>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct UserBody {
    id: String,
    #[serde(default)]
    pmi: Readable<Number>,
    #[serde(default)]
    vanity_url: Readable<String>,
}

/// The number of a meeting, which Zoom writes as a number in some places and as text in others (observed).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Integer(i64),
    Text(String),
    Else(serde::de::IgnoredAny),
}

impl Number {
    /// The number; `None` if it is not a meeting's number.
    pub(crate) fn read(self) -> Option<MeetingNumber> {
        match self {
            Self::Integer(number) => number.try_into().ok(),
            Self::Text(text) => text.parse().ok(),
            Self::Else(_) => None,
        }
    }
}
