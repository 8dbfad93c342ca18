//! The parser of meeting links. An input is what a person pastes.

use model::Secret;
use zoom::MeetingLink;

type Parts = (String, Option<String>, Option<String>);

/// Checks one input.
///
/// # Panics
///
/// If a link that was read says something else when it is written plainly, or its number is none.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = parts(text);
    assert_eq!(parts(&format!(" {text}\n")), read, "white space around it says nothing");
    let Some((number, passcode, registration)) = &read else { return };
    assert!((9..=11).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
    let mut plain = format!("https://zoom.us/j/{number}?");
    for (name, value) in [("pwd", passcode), ("tk", registration)] {
        if let Some(value) = value {
            let escaped: Vec<String> = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            plain.extend([name, "=", &escaped.concat(), "&"]);
        }
    }
    assert_eq!(parts(&plain), read, "{plain}");
}

/// Number, passcode and registration.
fn parts(text: &str) -> Option<Parts> {
    let link = MeetingLink::parse(text).ok()?;
    let open = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
    Some((link.meeting_number.to_string(), open(link.passcode), open(link.registration)))
}
