//! Meeting links as people paste them: every form of a link, in every wrapping, in all kinds of surroundings. Each is read
//! as the original link or refused, but never read as another link.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zoom::{LinkError, MeetingLink};

/// Number, passcode, registration.
type Said = (String, Option<String>, Option<String>);

fn read(text: &str) -> Result<Said, LinkError> {
    let link = MeetingLink::parse(text)?;
    let open = |secret: Option<model::Secret>| secret.map(|secret| secret.expose().to_owned());
    Ok((link.meeting_number.to_string(), open(link.passcode), open(link.registration)))
}

fn said(number: &str, passcode: Option<&str>, registration: Option<&str>) -> Said {
    (number.to_owned(), passcode.map(str::to_owned), registration.map(str::to_owned))
}

const NUMBER: &str = "81234567890";
/// A passcode as Zoom writes it into invitations.
const LONG: &str = "aB3dEfGhIjKlMnOpQrStUvWxYz012345.1";

/// Links as Zoom creates them, and their content.
fn forms() -> Vec<(String, Said)> {
    let tk = "Qr5tY-_z.DQEAAAAX1k9";
    vec![
        (format!("https://us02web.zoom.us/j/{NUMBER}"), said(NUMBER, None, None)),
        (format!("https://us02web.zoom.us/j/{NUMBER}?pwd={LONG}"), said(NUMBER, Some(LONG), None)),
        (format!("https://zoom.us/j/{NUMBER}?pwd=123456"), said(NUMBER, Some("123456"), None)),
        (format!("https://zoom.us/j/{NUMBER}?password=a%40b"), said(NUMBER, Some("a@b"), None)),
        (format!("https://zoom.us/j/{NUMBER}#pwd={LONG}"), said(NUMBER, Some(LONG), None)),
        (format!("https://zoom.us/j/{NUMBER}?pwd={LONG}#success"), said(NUMBER, Some(LONG), None)),
        (
            format!("https://us06web.zoom.us/w/{NUMBER}?tk={tk}&pwd={LONG}&uuid=WN_x"),
            said(NUMBER, Some(LONG), Some(tk)),
        ),
        (format!("https://acme.zoom.com/s/{NUMBER}?zak=planted&pwd={LONG}"), said(NUMBER, Some(LONG), None)),
        (
            format!("https://app.zoom.us/wc/{NUMBER}/join?fromPWA=1&pwd={LONG}"),
            said(NUMBER, Some(LONG), None),
        ),
        (format!("zoommtg://zoom.us/join?confno={NUMBER}&pwd={LONG}"), said(NUMBER, Some(LONG), None)),
    ]
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Proofpoint's second version: `-` for `%`, `_` for a slash.
fn proofpoint_2(link: &str) -> String {
    let escaped = link.bytes().map(|byte| match byte {
        b'/' => "_".to_owned(),
        byte if byte.is_ascii_alphanumeric() || byte == b'.' => char::from(byte).to_string(),
        byte => format!("-{byte:02X}"),
    });
    format!(
        "https://urldefense.proofpoint.com/v2/url?u={}&d=DwMFAg&c=abc&r=x&m=y&s=z&e=",
        escaped.collect::<String>()
    )
}

/// Proofpoint's third version: some characters are after the address, in Base64.
fn proofpoint_3(link: &str) -> String {
    let outside: String = link.chars().filter(|char| matches!(char, '?' | '=' | '%')).collect();
    let inside = link.replace(['?', '=', '%'], "*");
    let outside = BASE64_URL_SAFE_NO_PAD.encode(outside);
    format!("https://urldefense.com/v3/__{inside}__;{outside}!!Nr0aB!xY-z_0$")
}

fn proofpoint_3_plain(link: &str) -> String {
    format!("https://urldefense.us/v3/__{link}__;!!Nr0aB!xY-z_0$")
}

fn safelink(link: &str) -> String {
    let (link, data) = (escaped(link), "05%7C02%7Cann%40example.com%7C0%7C638");
    format!("https://nam02.safelinks.protection.outlook.com/?url={link}&data={data}&sdata=x%3D&reserved=0")
}

/// A link as mail filters, calendars and programs transform it.
fn wrappings(link: &str) -> Vec<(&'static str, String)> {
    let bare = link.strip_prefix("https://");
    let html = link.replace('&', "&amp;");
    let half = link.find("pwd=").map_or(link.len() - 3, |at| at + 4);
    let (begin, end) = link.split_at(half);
    let mut wrapped = vec![
        ("as it is", link.to_owned()),
        ("upper-case scheme", link.replacen("https", "HTTPS", 1)),
        ("HTML", html.clone()),
        ("HTML, twice", html.replace('&', "&amp;")),
        ("HTML, by number", link.replace('&', "&#38;").replace('=', "&#x3D;")),
        ("JSON", link.replace('/', "\\/").replace('&', "\\u0026")),
        ("zero width", link.replace("/j/", "/j/\u{200b}").replace('?', "\u{2060}?\u{feff}")),
        ("soft hyphens", link.replace("zoom", "zo\u{ad}om")),
        ("angle brackets", format!("<{link}>")),
        ("angle brackets, broken", format!("<{begin}\r\n{end}>")),
        ("angle brackets, quoted", format!("<{begin}\n> {end}>")),
        ("quotes", format!("\"{link}\"")),
        ("curly quotes", format!("“{link}”")),
        ("parentheses", format!("({link})")),
        ("Slack", format!("<{html}|Join the meeting>")),
        ("Markdown", format!("[Join](<{link}>)")),
        ("Markdown, plain", format!("[Join]({link})")),
        ("bold", format!("**{link}**")),
        ("anchor", format!("<a href=\"{html}\" target='_blank'>{html}</a>")),
        ("SafeLinks", safelink(link)),
        ("SafeLinks, HTML", safelink(link).replace('&', "&amp;")),
        ("SafeLinks of HTML", safelink(&html)),
        ("SafeLinks, broken", safelink(link).replacen("data=", "\ndata=", 1)),
        (
            "Teams",
            format!(
                "https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url={}&locale=en",
                escaped(link)
            ),
        ),
        ("Proofpoint 2", proofpoint_2(link)),
        ("Proofpoint 3", proofpoint_3(link)),
        ("Proofpoint 3, plain", proofpoint_3_plain(link)),
        ("Proofpoint of SafeLinks", proofpoint_3_plain(&safelink(link))),
        ("SafeLinks of Proofpoint", safelink(&proofpoint_2(link))),
        ("Barracuda", format!("https://linkprotect.cudasvc.com/url?a={}&c=E,1,x&typo=1", escaped(link))),
        ("Google", format!("https://www.google.com/url?q={}&sa=D&source=calendar&ust=1", escaped(link))),
        ("FireEye", format!("https://protect2.fireeye.com/v1/url?k=1-2&q=1&e=3&u={}", escaped(link))),
        ("Cisco", format!("https://secure-web.cisco.com/1abc-_x/{}", escaped(link))),
        (
            "Sophos",
            format!(
                "https://us-west-2.protection.sophos.com/?d=zoom.us&u={}&p=m&i=x",
                BASE64_STANDARD.encode(link).replace('=', "%3D").replace('+', "%2B")
            ),
        ),
        ("a parameter's value", escaped(link)),
    ];
    if let Some(bare) = bare {
        wrapped.push(("without a scheme", bare.to_owned()));
        wrapped.push(("http", format!("http://{bare}")));
    }
    if end.len() > 12 {
        // Line breaks of mail programs, and of the mail format itself.
        wrapped.push(("cut in the passcode", format!("{}\n{}", &link[..half + 9], &link[half + 9..])));
        let mail = format!("{begin}=\r\n{end}").replace('=', "=3D").replace("=3D\r\n", "=\r\n");
        wrapped.push(("quoted-printable", mail));
    }
    wrapped
}

/// Texts around a link.
fn surroundings(link: &str) -> Vec<(&'static str, String)> {
    vec![
        ("alone", link.to_owned()),
        ("white space", format!("\u{a0}\t{link} \r\n")),
        ("text before", format!("Join Zoom Meeting: {link}")),
        ("text after", format!("{link} see you there")),
        ("a time after", format!("{link} 2 pm")),
        ("a full stop", format!("We meet at {link}.")),
        ("a comma", format!("At {link}, as always")),
        ("in parentheses", format!("the call ({link})!")),
        (
            "an invitation",
            format!(
                "Ada is inviting you to a scheduled Zoom meeting.\r\n\r\nTopic: Sync\r\nTime: Nov 29, 2026 02:00 PM\r\n\r\nJoin Zoom Meeting\r\n{link}\r\n\r\n\
                 Meeting ID: 812 3456 7890\r\n\r\n---\r\n\r\nOne tap mobile\r\n+16699006833,,81234567890# US\r\n\r\n\
                 Find your local number: https://us02web.zoom.us/u/kdXyZ1a\r\n"
            ),
        ),
        ("another address", format!("https://example.com/agenda\n{link}\nhttps://example.com/notes")),
        ("twice", format!("{link}\n\n{link}")),
        ("Chinese", format!("会议链接：{link}，请准时")),
    ]
}

#[test]
fn a_pasted_link_is_read_as_the_original() {
    let (mut cases, mut failures) = (0, Vec::new());
    for (link, expected) in forms() {
        for (wrapping, wrapped) in wrappings(&link) {
            for (surrounding, text) in surroundings(&wrapped) {
                cases += 1;
                let found = read(&text);
                if found != Ok(expected.clone()) {
                    failures.push(format!("{wrapping}, {surrounding}: {found:?}\n    {text:?}"));
                }
            }
        }
    }
    assert!(cases > 3000, "{cases}");
    assert!(failures.is_empty(), "{} of {cases}:\n{}", failures.len(), failures.join("\n"));
}

/// Whether a link ends within a value other than Zoom's own long passcodes.
fn short(link: &str) -> bool {
    let last = link.rsplit(['?', '&', '#']).next().unwrap_or_default();
    last.split_once('=').is_some_and(|(_, value)| !value.is_empty() && !LONG.starts_with(value))
}

/// A link that is cut after any character, by a line end or a space, is read as the same link or refused with a reason.
#[test]
fn a_link_that_is_cut_anywhere_is_never_read_as_another() {
    let mut read_or_refused = [0, 0];
    let mut others = Vec::new();
    for (link, expected) in forms() {
        for at in 1..link.len() {
            let (begin, end) = link.split_at(at);
            let mail = |part: &str| part.replace('=', "=3D");
            for text in [
                format!("{begin}\n{end}"),
                format!("{begin}\r\n{end}"),
                format!("{begin}\n> {end}"),
                // In a value that is not from an invitation, a space ends the link, because text usually follows.
                if begin.contains(['?', '#']) && short(begin) {
                    begin.to_owned() + end
                } else {
                    format!("{begin} {end}")
                },
                format!("{}=\r\n{}", mail(begin), mail(end)),
            ] {
                for text in
                    [text.clone(), format!("{text}\n\nRegards,\nAda"), format!("{text}\nMeeting ID: 1")]
                {
                    match read(&text) {
                        Ok(found) if found == expected => read_or_refused[0] += 1,
                        Ok(found) => others.push(format!("{found:?}: {text:?}")),
                        Err(_) => read_or_refused[1] += 1,
                    }
                }
            }
        }
    }
    assert!(others.is_empty(), "{read_or_refused:?}, and {}:\n{}", others.len(), others.join("\n"));
    assert!(read_or_refused[0] > read_or_refused[1], "most can be read: {read_or_refused:?}");
}

#[test]
fn ambiguous_texts_are_refused() {
    let link = format!("https://zoom.us/j/{NUMBER}");
    for (text, error) in [
        // It may be the rest of the passcode, or the signature of the mail.
        (format!("{link}?pwd=abc\nAda"), LinkError::Unclear),
        ("https://zoom.us/j/812345678\n90".to_owned(), LinkError::Unclear),
        (format!("{link}?pwd=\nPasscode: 12"), LinkError::Unclear),
        (format!("{link}?pwd=<passcode>"), LinkError::Unclear),
        (format!("{link}?pwd={{{{passcode}}}}"), LinkError::Unclear),
        (format!("{link}?pwd=密码"), LinkError::Unclear),
        (format!("{link}?pwd=abc;tk=def"), LinkError::Unclear),
        (format!("{link}?pwd=a&pwd=b"), LinkError::Several),
        (format!("{link}?pwd=a&password=b"), LinkError::Several),
        (format!("{link}?pwd=a#pwd=b"), LinkError::Several),
        (format!("{link}?pwd=a {link}?pwd=b"), LinkError::Several),
        (format!("{link} https://zoom.us/j/81234567891"), LinkError::Several),
        (format!("{link}\nPasscode: 123456"), LinkError::PasscodeBeside),
        (format!("https://www.google.com/url?q={link}?uname=x&pwd=abc"), LinkError::Unclear),
        (
            format!("{} or {}", safelink(&format!("{link}?pwd=a")), safelink(&format!("{link}?pwd=b"))),
            LinkError::Several,
        ),
    ] {
        assert_eq!(read(&text), Err(error), "{text:?}");
    }
    // These agree, or one contains more.
    for text in [
        format!("{link}?pwd=a&passcode=a"),
        format!("{link}?pwd=a or without a passcode {link}"),
        format!("{link}?pwd=a\nPasscode: 123456"),
        format!("{link}?uname=x?pwd=a"),
        format!("{link}?PWD=a"),
    ] {
        assert_eq!(read(&text), Ok(said(NUMBER, Some("a"), None)), "{text:?}");
    }
}

#[test]
fn other_pages_have_specific_errors() {
    for (text, error) in [
        ("Register here: https://zoom.us/meeting/register/tJ0-x?_x_zm_rtaid=1.", LinkError::Registration),
        (&safelink("https://us02web.zoom.us/webinar/register/WN_x"), LinkError::Registration),
        ("<https://zoom.us/rec/play/x>", LinkError::Recording),
        ("https://protect-us.mimecast.com/s/xYz?domain=us02web.zoom.us", LinkError::Hidden),
        ("https://url.us.m.mimecastprotect.com/s/xYz", LinkError::Hidden),
        ("https://shared.outlook.inky.com/link?domain=zoom.us&t=h.eJx", LinkError::Hidden),
        ("https://bit.ly/3abcdef", LinkError::Hidden),
        (&safelink("https://meet.google.com/abc-defg-hij"), LinkError::NotZoom),
        (&safelink("https://zoom.us@evil.example/j/81234567890"), LinkError::NotZoom),
        ("https://urldefense.com/v3/__nonsense", LinkError::NotZoom),
        ("https://urldefense.com/v3/__https://zoom.us/j/*__;!!", LinkError::NotZoom),
        ("meet.google.com/abc-defg-hij", LinkError::NotZoom),
        ("Meeting ID: 812 3456 7890", LinkError::NotZoom),
        ("", LinkError::NotZoom),
    ] {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
    let long = format!("https://zoom.us/j/{NUMBER} {}", "a ".repeat(5000));
    assert_eq!(read(&long), Err(LinkError::TooLong));
    let deep = (0..9).fold("https://zoom.us/j/81234567890".to_owned(), |link, _| safelink(&link));
    assert_eq!(read(&deep), Err(LinkError::NotZoom), "wrapped too often");
}
