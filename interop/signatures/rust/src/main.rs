//! Standard Webhooks: the crates `svix` and `standardwebhooks`, and Latchkey, accept each other's signatures.

mod latchkey;
mod library;
mod report;

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use latchkey::Fetched;
use library::Library;
use report::Report;

/// A fetch has no body; a report has one that names an event.
const BODIES: [&str; 3] = [
    "",
    "{\"event\": \"bot.joining_call\", \"bot\": \"Zürich 🗝\", \"n\": 1.5}",
    "{\n \"event\" : \"white space\" \t}\n",
];
/// A secret that is used nowhere else.
const FOREIGN: &str = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtZm9yZWlnbi1zZWNyZXQ=";
/// The two of one link.
const SECRETS: [&str; 2] = [
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=",
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDA=",
];

fn main() -> std::process::ExitCode {
    let mut report = Report::default();
    check::<svix::webhooks::Webhook>(&mut report);
    check::<standardwebhooks::Webhook>(&mut report);
    report.exit_code()
}

fn check<L: Library>(report: &mut Report) {
    let who = format!("Rust {}", L::NAME);
    let account = library_accepts::<L>(report, &who);
    link_accepts::<L>(report, &who, &account);
    library_accepts_events::<L>(report, &who);
}

fn link_accepts<L: Library>(report: &mut Report, who: &str, account: &str) {
    let [one, other, foreign] = [SECRETS[0], SECRETS[1], FOREIGN].map(L::with_secret);
    let link = latchkey::token_link(account, &SECRETS);
    let refused = |code: &str| Fetched::Refused(401, code.to_owned());

    report.check(
        who,
        "signs and a token link gives a ZAK, and takes a report: both header families, both secrets of a link",
        || {
            for family in ["webhook", "svix"] {
                for library in [&one, &other] {
                    for body in BODIES {
                        let headers = signed(library, family, body, 0);
                        let expected = if body.is_empty() { Fetched::Token } else { Fetched::Taken };
                        same(latchkey::fetch(&link, &headers, body), expected)?;
                    }
                }
            }
            Ok(())
        },
    );
    report.check(who, "signs for a rotation: one right entry among several is enough", || {
        let mut headers = signed(&one, "webhook", "", 0);
        headers[2].1.insert_str(0, "v1a,AAAA v1,AAAA ");
        same(latchkey::fetch(&link, &headers, ""), Fetched::Token)
    });
    report.check(who, "signs, and another secret, body, id, and an old or early time are refused", || {
        for family in ["webhook", "svix"] {
            let headers = signed(&foreign, family, "", 0);
            same(latchkey::fetch(&link, &headers, ""), refused("signature_invalid"))?;
            let headers = signed(&one, family, "one", 0);
            same(latchkey::fetch(&link, &headers, "other"), refused("signature_invalid"))?;
            let mut headers = signed(&one, family, "", 0);
            headers[0].1 = "msg_other".to_owned();
            same(latchkey::fetch(&link, &headers, ""), refused("signature_invalid"))?;
            for seconds_ago in [320, -320] {
                let headers = signed(&one, family, "", seconds_ago);
                same(latchkey::fetch(&link, &headers, ""), refused("signature_stale"))?;
            }
        }
        same(latchkey::fetch(&link, &[], ""), refused("signature_missing"))
    });
}

/// Answers an account, whose tokens Latchkey fetched in a call that the library has verified.
fn library_accepts<L: Library>(report: &mut Report, who: &str) -> String {
    let token = latchkey::zoom_access_token();
    let connects = |secret: &str| latchkey::connect::<L>(&token, L::with_secret(secret));

    let former = latchkey::rotate_callback_secret(0);
    let connected = connects(&former);
    report.check(who, "verifies what Latchkey sends", || connected.clone().map(drop));
    let new = latchkey::rotate_callback_secret(3600);
    report.check(who, "verifies it with the new and the former secret, while they are rotated", || {
        connects(&former)?;
        connects(&new).map(drop)
    });
    report.check(who, "refuses it with any other secret", || {
        same(connects(FOREIGN), Err("access_token_callback_failed".to_owned()))
    });
    connected.unwrap_or_default()
}

/// Events of an endpoint, as the library reads them.
fn library_accepts_events<L: Library>(report: &mut Report, who: &str) {
    let endpoint = latchkey::Endpoint::make();
    let accepts = |secret: &str, (body, headers): &(Vec<u8>, HeaderMap)| L::with_secret(secret).accepts(body, headers);
    let refuses = |secret: &str, event: &(Vec<u8>, HeaderMap)| match accepts(secret, event) {
        Ok(()) => Err("it was accepted".to_owned()),
        Err(_) => Ok(()),
    };
    report.check(who, "verifies events, by each header family that it knows, and no changed one", || {
        let event = endpoint.event();
        for family in L::FAMILIES {
            let mut theirs = event.clone();
            let others: Vec<_> =
                theirs.1.keys().filter(|name| !name.as_str().starts_with(family)).cloned().collect();
            for name in others {
                theirs.1.remove(name);
            }
            accepts(&endpoint.secret, &theirs)?;
        }
        refuses(&endpoint.secret, &([&event.0[..], b" "].concat(), event.1.clone()))?;
        refuses(FOREIGN, &event)
    });
    let mut new = String::new();
    report.check(who, "verifies events with the new and the former secret, while they are rotated", || {
        new = endpoint.rotate_secret(3600);
        let event = endpoint.event();
        accepts(&endpoint.secret, &event)?;
        accepts(&new, &event)
    });
    report.check(who, "refuses events by a secret that has ended", || {
        let last = endpoint.rotate_secret(0);
        let event = endpoint.event();
        accepts(&last, &event)?;
        refuses(&endpoint.secret, &event)?;
        refuses(&new, &event)
    });
}

/// The three headers, id first and signature last, as the library signs them.
#[expect(clippy::disallowed_methods, reason = "the libraries verify by the clock on the wall")]
fn signed(library: &impl Library, family: &str, body: &str, seconds_ago: i64) -> [(String, String); 3] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let id = format!("msg_{}", now.as_nanos());
    let at = i64::try_from(now.as_secs()).expect("a clock before the end of time") - seconds_ago;
    let signature = library.signature(&id, at, body.as_bytes());
    [("id", id), ("timestamp", at.to_string()), ("signature", signature)]
        .map(|(name, value)| (format!("{family}-{name}"), value))
}

fn same<T: PartialEq + std::fmt::Debug>(actual: T, expected: T) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{actual:?} instead of {expected:?}")) }
}
