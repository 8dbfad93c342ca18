//! Zoom meeting links in all their forms, and as people paste them.
//!
//! Nothing is ever fetched from a link: only its number, passcode and registration are used. So `http` is as good as
//! `https`, and a link pasted without a scheme is read too.
//!
//! `pasted` finds addresses in a text; `wrapped` finds the address inside that of a mail filter. An ambiguous link is
//! refused, because a bot with a wrong passcode would fail minutes later, when nobody is watching.

mod pasted;
mod wrapped;

use model::{MeetingNumber, Secret};
use percent_encoding::percent_decode_str;
use url::Url;

/// The longest text. An invitation has half of that, and texts are scanned several times.
const MAX_BYTES: usize = 8 * 1024;
/// The most mail filters around one link: a company's, its partner's, and some more.
const MAX_WRAPPERS: usize = 4;

/// The parameters of a link that contain the passcode; Zoom's own is the first.
const PASSCODE: &[&str] = &["pwd", "password", "passcode"];
const REGISTRATION: &str = "tk";

/// The content of a meeting link.
#[derive(Debug, Clone)]
pub struct MeetingLink {
    /// The meeting.
    pub meeting_number: MeetingNumber,
    /// `pwd`, passed to the SDK unchanged.
    pub passcode: Option<Secret>,
    /// `tk`: proof of a registration for the meeting.
    pub registration: Option<Secret>,
}

/// A link with only the meeting's number.
pub fn join_link(meeting: MeetingNumber) -> Secret {
    Secret::new(format!("https://zoom.us/j/{meeting}"))
}

/// A text is not a link with which a bot can join. The messages are for users of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is not an address, or not one of Zoom.
    #[error("The meeting URL is malformed, or belongs to a platform that is not supported.")]
    NotZoom,
    /// On Zoom, but not a meeting.
    #[error("This is an address of Zoom, but not a link to a meeting.")]
    NotAMeeting,
    /// A page on which people register for a meeting.
    #[error(
        "This is a registration page, not a meeting link: register, and use the link that Zoom sends afterwards (it has tk= in it)."
    )]
    Registration,
    /// The page of a recording.
    #[error("This is the page of a recording, not a meeting link.")]
    Recording,
    /// The meeting number is not one.
    #[error("The meeting number in the URL does not have 9 to 11 digits.")]
    BadNumber,
    /// `/my/name`: only the accounts of its owner know which meeting it means ([`personal_name`]).
    #[error(
        "This personal link (/my/…) does not say which meeting it is: use the link that it leads to, with a meeting number."
    )]
    Personal,
    /// Zoom for Government: a separate cloud, with its own apps and accounts.
    #[error("Zoom for Government (zoomgov.com) is not supported.")]
    Government,
    /// Longer than any invitation.
    #[error("The text around the meeting link is longer than 8 KiB: pass only the link.")]
    TooLong,
    /// The address of a mail filter or a link shortener, which does not contain its target.
    #[error(
        "This address hides the meeting link (a mail filter or a link shortener): open it, and use the address that it leads to."
    )]
    Hidden,
    /// Links that contradict each other.
    #[error("There are several different meeting links or passcodes in the text: pass one link.")]
    Several,
    /// A link with an ambiguous end or passcode.
    #[error(
        "The link is cut or joined to other text, and can be read in two ways: pass only the link, in one line."
    )]
    Unclear,
    /// The passcode is in the text next to the link.
    #[error(
        "The link has no passcode, but the text next to it does: put the passcode into the link, as ?pwd=."
    )]
    PasscodeBeside,
}

impl LinkError {
    /// Whether it is final even if the text has other addresses.
    const fn is_final(self) -> bool {
        matches!(self, Self::Several | Self::Unclear)
    }
}

/// A link that is being examined. It is plain text, so that two links can be compared.
struct Parts {
    number: MeetingNumber,
    passcode: Option<String>,
    registration: Option<String>,
}

impl Parts {
    /// Merges two links that agree.
    fn and(self, other: Self) -> Result<Self, LinkError> {
        if self.number != other.number {
            return Err(LinkError::Several);
        }
        Ok(Self {
            number: self.number,
            passcode: either(self.passcode, other.passcode)?,
            registration: either(self.registration, other.registration)?,
        })
    }
}

/// Merges two values, unless they contradict each other.
fn either(one: Option<String>, other: Option<String>) -> Result<Option<String>, LinkError> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(LinkError::Several),
        (one, other) => Ok(one.or(other)),
    }
}

impl MeetingLink {
    /// Reads the link in a text. A ZAK in it (`/s/…?zak=`) is dropped: it belongs to the creator of the link, and it
    /// expires.
    ///
    /// | form | |
    /// |---|---|
    /// | `[sub.]zoom.us/j/ID`, `/w/ID`, `/s/ID` | join, registered join, start |
    /// | `[sub.]zoom.us/wc/join/ID`, `/wc/ID/join`, `/wc/ID/start` | web client |
    /// | `zoommtg://[sub.]zoom.us/join?confno=ID`, `zoomus://…` | desktop and mobile client |
    ///
    /// `zoom.com` is read as `zoom.us`; `password` and `passcode` as `pwd`, even after a `#`. A bare number is not a link.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        if text.trim().len() > MAX_BYTES {
            return Err(LinkError::TooLong);
        }
        let text = pasted::cleaned(text);
        let parts = read(&text, 0)?;
        if parts.passcode.is_none() && pasted::names_a_passcode(&text) {
            return Err(LinkError::PasscodeBeside);
        }
        Ok(Self {
            meeting_number: parts.number,
            passcode: parts.passcode.map(Secret::new),
            registration: parts.registration.map(Secret::new),
        })
    }
}

/// The name in a personal link (`/my/NAME`), in lower case. The accounts of its owner know the meeting.
pub fn personal_name(text: &str) -> Option<String> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let addresses = pasted::addresses(&pasted::cleaned(text)).ok()?;
    let mut urls = addresses.iter().filter_map(|address| Url::parse(address).ok());
    urls.find_map(|url| {
        check_host(&url).ok()?;
        let mut segments = url.path().split('/').filter(|segment| !segment.is_empty());
        let name = (segments.next() == Some("my")).then(|| segments.next()).flatten()?;
        segments.next().is_none().then(|| percent_decode_str(name).decode_utf8_lossy().to_lowercase())
    })
}

/// The link that all addresses of a cleaned text agree on. Other addresses next to a meeting link are ignored.
fn read(text: &str, wrappers: usize) -> Result<Parts, LinkError> {
    let (mut found, mut wrong): (Option<Parts>, LinkError) = (None, LinkError::NotZoom);
    for address in pasted::addresses(text)? {
        match of_address(&address, wrappers) {
            Ok(link) => {
                found = Some(match found {
                    Some(before) => before.and(link)?,
                    None => link,
                });
            }
            Err(error) if error.is_final() => return Err(error),
            // The first error that says more than that the address is of another service.
            Err(error) if wrong == LinkError::NotZoom => wrong = error,
            Err(_) => {}
        }
    }
    found.ok_or(wrong)
}

fn of_address(address: &str, wrappers: usize) -> Result<Parts, LinkError> {
    if pasted::is_encoded(address) {
        return inside(&[percent_decode_str(address).decode_utf8_lossy().into_owned()], wrappers);
    }
    let url = Url::parse(address).map_err(|_| LinkError::NotZoom)?;
    match check_host(&url) {
        Err(LinkError::NotZoom) if matches!(url.scheme(), "http" | "https") => {
            inside(&wrapped::targets(address, &url)?, wrappers)
        }
        checked => checked.and_then(|()| of_zoom(address, &url)),
    }
}

/// The link in the targets of an address.
fn inside(targets: &[String], wrappers: usize) -> Result<Parts, LinkError> {
    if wrappers == MAX_WRAPPERS {
        return Err(LinkError::NotZoom);
    }
    let text: Vec<_> = targets.iter().map(|target| pasted::cleaned(target)).collect();
    // A blank line separates two of them.
    read(&text.join("\n\n"), wrappers + 1)
}

fn of_zoom(address: &str, url: &Url) -> Result<Parts, LinkError> {
    let parameters = Parameters::of(address);
    let number = if matches!(url.scheme(), "zoommtg" | "zoomus") {
        desktop_number(url, &parameters)
    } else {
        web_number(url)
    }?;
    Ok(Parts {
        number: number.parse().map_err(|_| LinkError::BadNumber)?,
        passcode: parameters.one_of(PASSCODE)?,
        registration: parameters.one_of(&[REGISTRATION])?,
    })
}

/// Checks that the address is Zoom's and not disguised: no user name before the host, no other port.
fn check_host(url: &Url) -> Result<(), LinkError> {
    let scheme = matches!(url.scheme(), "https" | "http" | "zoommtg" | "zoomus");
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    // The parser only lower-cases hosts of web schemes.
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    if !(scheme && plain) {
        Err(LinkError::NotZoom)
    } else if is_zooms(&host) {
        Ok(())
    } else if under(&host, "zoomgov.com") {
        Err(LinkError::Government)
    } else {
        Err(LinkError::NotZoom)
    }
}

fn is_zooms(host: &str) -> bool {
    under(host, "zoom.us") || under(host, "zoom.com")
}

fn under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
}

fn web_number(url: &Url) -> Result<String, LinkError> {
    let segments: Vec<_> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    match segments[..] {
        ["j" | "s" | "w", number] | ["wc", "join", number] | ["wc", number, "join" | "start"] => {
            // This is the only escape that a number can need.
            Ok(number.replace("%20", " "))
        }
        ["my", _, ..] => Err(LinkError::Personal),
        ["meeting" | "meetings" | "webinar", "register", ..] => Err(LinkError::Registration),
        ["rec" | "recording", ..] => Err(LinkError::Recording),
        _ => Err(LinkError::NotAMeeting),
    }
}

fn desktop_number(url: &Url, parameters: &Parameters) -> Result<String, LinkError> {
    match url.path() {
        "/join" | "/start" => parameters.one_of(&["confno"])?.ok_or(LinkError::NotAMeeting),
        _ => Err(LinkError::NotAMeeting),
    }
}

/// Names and values of an address, as they are written. A second `?` counts as an `&`.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(address: &str) -> Self {
        let (_, after) = address.split_once(['?', '#']).unwrap_or_default();
        let pairs = after.split(['?', '&', '#']).filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect())
    }

    /// The value with one of these names.
    fn one_of(&self, names: &[&str]) -> Result<Option<String>, LinkError> {
        let mut found = None;
        for (_, written) in self.0.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            if !written.bytes().all(may_stand_in_a_value) {
                return Err(LinkError::Unclear);
            }
            let value = decoded(written);
            found = either(found, Some(value).filter(|value| !value.is_empty()))?;
        }
        Ok(found)
    }
}

/// Whether Zoom writes this character into a value, or escapes. Any other shows that a link was cut or joined to other text.
const fn may_stand_in_a_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'*' | b'@' | b'%' | b'+' | b'=' | b'/' | b'!' | b'$')
}

fn decoded(written: &str) -> String {
    percent_decode_str(&written.replace('+', " ")).decode_utf8_lossy().into_owned()
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
    fn a_personal_link_has_a_name() {
        for (text, name) in [
            ("https://zoom.us/my/Ann.Lee", Some("ann.lee")),
            ("https://acme.zoom.us/my/ann/?pwd=x", Some("ann")),
            ("Join me: https://us02web.zoom.us/my/ann", Some("ann")),
            ("zoom.us/my/%C3%84nn", Some("änn")),
            ("https://zoom.us/my/", None),
            ("https://zoom.us/my/ann/extra", None),
            ("https://zoom.us/j/1234567890", None),
            ("https://example.com/my/ann", None),
            ("ann", None),
        ] {
            assert_eq!(personal_name(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn every_other_text_has_a_specific_error() {
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
            ("https://zoom.us/rec/share/1234567890", LinkError::Recording),
            ("https://zoom.us/meeting/register/tJ0abc-123", LinkError::Registration),
            ("https://us02web.zoom.us/webinar/register/WN_abc", LinkError::Registration),
            ("https://events.zoom.us/ev/abc", LinkError::NotAMeeting),
            ("https://zoom.us/j/1234567890/extra", LinkError::NotAMeeting),
            ("zoommtg://zoom.us/join", LinkError::NotAMeeting),
            ("https://zoom.us/j/12345678", LinkError::BadNumber),
            ("https://zoom.us/j/123456789012", LinkError::BadNumber),
            ("https://zoom.us/j/12345678x9", LinkError::BadNumber),
            ("https://zoom.us/j/1234567890@evil.com", LinkError::BadNumber),
            ("https://zoom.us/j/١٢٣٤٥٦٧٨٩", LinkError::NotAMeeting),
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
        fn written_links_are_read(
            form in 0..7_usize, host in "([a-z0-9]{1,8}\\.)?zoom\\.(us|com)", number in "[1-9][0-9]{8,10}", passcode in ".{1,20}",
        ) {
            let query = format!("pwd={}", percent_encoding::utf8_percent_encode(&passcode, percent_encoding::NON_ALPHANUMERIC));
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
