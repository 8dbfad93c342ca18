//! Zoom meeting links in all their forms.
//!
//! Nothing is ever fetched from a link: only the number and the passes in it are used. `http` is therefore as good as
//! `https`, and a link pasted without either is read too.

use model::{MeetingNumber, Secret};
use url::Url;

/// What a link says about a meeting.
#[derive(Debug, Clone)]
pub struct MeetingLink {
    /// Which meeting.
    pub meeting_number: MeetingNumber,
    /// `pwd`, handed to the SDK as it is.
    pub passcode: Option<Secret>,
    /// `tk`: proof that somebody registered for the meeting.
    pub registration: Option<Secret>,
}

/// A text is not a link that a bot can join by. The messages are for users of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not an address at all, or not on Zoom.
    #[error("The meeting URL is malformed, or belongs to a platform that is not supported.")]
    NotZoom,
    /// On Zoom, but not a meeting.
    #[error("The address is Zoom's, but it is not a link to a meeting.")]
    NotAMeeting,
    /// The meeting number is not one.
    #[error("The meeting number in the URL does not have 9 to 11 digits.")]
    BadNumber,
    /// `/my/name`: which meeting it means is known only to whoever follows it.
    #[error(
        "Personal links (/my/…) are not supported: use the link that it leads to, with a meeting number."
    )]
    Personal,
    /// Zoom for Government: a separate cloud, with its own apps and accounts.
    #[error("Zoom for Government (zoomgov.com) is not supported.")]
    Government,
}

impl MeetingLink {
    /// Reads a link. A ZAK in it (`/s/…?zak=`) is dropped: it belongs to whoever made the link, and it ages.
    ///
    /// | form | |
    /// |---|---|
    /// | `[sub.]zoom.us/j/ID`, `/w/ID`, `/s/ID` | join, registered join, start |
    /// | `[sub.]zoom.us/wc/join/ID`, `/wc/ID/join`, `/wc/ID/start` | web client |
    /// | `zoommtg://[sub.]zoom.us/join?confno=ID` | desktop client |
    ///
    /// `zoom.com` is read as `zoom.us`. A bare number is not a link.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let url =
            if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
        let url = url.map_err(|_| LinkError::NotZoom)?;
        check_host(&url)?;

        let number = if url.scheme() == "zoommtg" { desktop_number(&url) } else { web_number(&url) }?;
        Ok(Self {
            meeting_number: number.parse().map_err(|_| LinkError::BadNumber)?,
            passcode: parameter(&url, "pwd").map(Secret::new),
            registration: parameter(&url, "tk").map(Secret::new),
        })
    }
}

/// Whether the address is Zoom's and nothing is disguised: no user name before the host, no port of its own.
fn check_host(url: &Url) -> Result<(), LinkError> {
    let scheme = matches!(url.scheme(), "https" | "http" | "zoommtg");
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    // Only the schemes of the web are lower-cased by the parser.
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    if !(scheme && plain) {
        Err(LinkError::NotZoom)
    } else if under(&host, "zoom.us") || under(&host, "zoom.com") {
        Ok(())
    } else if under(&host, "zoomgov.com") {
        Err(LinkError::Government)
    } else {
        Err(LinkError::NotZoom)
    }
}

fn under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
}

fn web_number(url: &Url) -> Result<String, LinkError> {
    let segments: Vec<_> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    match segments[..] {
        ["j" | "s" | "w", number] | ["wc", "join", number] | ["wc", number, "join" | "start"] => {
            // The only escape that a number can need.
            Ok(number.replace("%20", " "))
        }
        ["my", _, ..] => Err(LinkError::Personal),
        _ => Err(LinkError::NotAMeeting),
    }
}

fn desktop_number(url: &Url) -> Result<String, LinkError> {
    match url.path() {
        "/join" | "/start" => parameter(url, "confno").ok_or(LinkError::NotAMeeting),
        _ => Err(LinkError::NotAMeeting),
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
    Some(value.into_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Number, passcode and registration of a link.
    fn read(text: &str) -> Result<(String, Option<String>, Option<String>), LinkError> {
        let link = MeetingLink::parse(text)?;
        let open = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
        Ok((link.meeting_number.to_string(), open(link.passcode), open(link.registration)))
    }

    #[test]
    fn every_form_of_a_link() {
        for (text, number, passcode, registration) in [
            ("https://zoom.us/j/123456789", "123456789", None, None),
            ("https://us02web.zoom.us/j/12345678901?pwd=aB3.1", "12345678901", Some("aB3.1"), None),
            ("https://acme.zoom.com/j/1234567890/?pwd=x#success", "1234567890", Some("x"), None),
            ("https://zoom.us/s/1234567890?zak=planted&pwd=x", "1234567890", Some("x"), None),
            ("https://zoom.us/w/1234567890?tk=reg.1&pwd=x", "1234567890", Some("x"), Some("reg.1")),
            ("https://zoom.us/wc/join/1234567890", "1234567890", None, None),
            ("https://app.zoom.us/wc/1234567890/join?pwd=x", "1234567890", Some("x"), None),
            ("https://app.zoom.us/wc/1234567890/start", "1234567890", None, None),
            ("zoommtg://zoom.us/join?confno=1234567890&pwd=x&uname=Ann", "1234567890", Some("x"), None),
            ("zoommtg://Zoom.US/join?action=join&confno=123-456-7890", "1234567890", None, None),
            ("http://ZOOM.us/j/1234567890", "1234567890", None, None),
            ("  zoom.us/j/1234567890?pwd=  ", "1234567890", None, None),
            ("https://zoom.us/j/123 4567 8901", "12345678901", None, None),
            ("https://zoom.us/j/123-4567-8901", "12345678901", None, None),
            ("https://zoom.us:443/j/1234567890?pwd=a%40b", "1234567890", Some("a@b"), None),
        ] {
            let expected = (number.to_owned(), passcode.map(str::to_owned), registration.map(str::to_owned));
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_says_what_is_wrong() {
        for (text, error) in [
            ("", LinkError::NotZoom),
            ("1234567890", LinkError::NotZoom),
            ("123 456 7890", LinkError::NotZoom),
            ("join my meeting", LinkError::NotZoom),
            ("https://meet.google.com/abc-defg-hij", LinkError::NotZoom),
            ("https://zoom.us.evil.com/j/1234567890", LinkError::NotZoom),
            ("https://evilzoom.us/j/1234567890", LinkError::NotZoom),
            ("https://zoom.us@evil.com/j/1234567890", LinkError::NotZoom),
            ("https://user@zoom.us/j/1234567890", LinkError::NotZoom),
            ("https://zoom.us:8443/j/1234567890", LinkError::NotZoom),
            ("https://zoom.us./j/1234567890", LinkError::NotZoom),
            ("ftp://zoom.us/j/1234567890", LinkError::NotZoom),
            ("javascript://zoom.us/j/1234567890", LinkError::NotZoom),
            ("zoommtg://evil.com/join?confno=1234567890", LinkError::NotZoom),
            ("https://zoomgov.com/j/1234567890", LinkError::Government),
            ("https://agency.zoomgov.com/j/1234567890", LinkError::Government),
            ("https://zoom.us/my/ann", LinkError::Personal),
            ("https://zoom.us/my/ann/extra?pwd=x", LinkError::Personal),
            ("https://zoom.us", LinkError::NotAMeeting),
            ("https://zoom.us/my", LinkError::NotAMeeting),
            ("https://zoom.us/rec/share/1234567890", LinkError::NotAMeeting),
            ("https://zoom.us/j/1234567890/extra", LinkError::NotAMeeting),
            ("zoommtg://zoom.us/join", LinkError::NotAMeeting),
            ("https://zoom.us/j/12345678", LinkError::BadNumber),
            ("https://zoom.us/j/123456789012", LinkError::BadNumber),
            ("https://zoom.us/j/12345678x9", LinkError::BadNumber),
            ("https://zoom.us/j/1234567890@evil.com", LinkError::BadNumber),
            ("https://zoom.us/j/١٢٣٤٥٦٧٨٩", LinkError::BadNumber),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn nothing_in_a_link_prints_its_secrets() {
        let link =
            MeetingLink::parse("https://zoom.us/s/1234567890?pwd=planted&tk=planted&zak=planted").unwrap();
        assert!(!format!("{link:?}").contains("planted"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,200}") {
            let _ = MeetingLink::parse(&text);
        }

        #[test]
        fn parsing_never_panics_near_a_link(path in ".{0,60}", scheme in "(https|zoommtg)") {
            let _ = MeetingLink::parse(&format!("{scheme}://zoom.us/{path}"));
        }

        #[test]
        fn what_is_written_is_read(
            form in 0..7_usize, host in "([a-z0-9]{1,8}\\.)?zoom\\.(us|com)", number in "[1-9][0-9]{8,10}", passcode in ".{1,20}",
        ) {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("pwd", &passcode).finish();
            let text = match form {
                0 => format!("https://{host}/j/{number}?{query}"),
                1 => format!("https://{host}/s/{number}?zak=z&{query}"),
                2 => format!("https://{host}/w/{number}?{query}"),
                3 => format!("https://{host}/wc/join/{number}?{query}"),
                4 => format!("https://{host}/wc/{number}/join?{query}"),
                5 => format!("https://{host}/wc/{number}/start?{query}"),
                _ => format!("zoommtg://{host}/join?confno={number}&{query}"),
            };
            prop_assert_eq!(read(&text), Ok((number, Some(passcode), None)));
        }
    }
}
