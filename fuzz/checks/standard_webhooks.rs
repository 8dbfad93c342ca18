//! The verifier of Standard Webhooks, beside a model of it.
//!
//! An input is text: a line with the id, one with the timestamp, one with the signature header, and the body. Nobody can
//! guess a signature, so in the header `@0` and `@1` stand for the genuine entries of the link's two secrets, and `@2` for that
//! of a stranger's.

use model::{Code, Secret, Timestamp};
use outbound::signature::{SignatureHeaders, SigningKey, TOLERANCE, verify};

const SECRETS: [&str; 3] = [
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=",
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDA=",
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtc3RyYW5nZXItMDAwMDA=",
];
const NOW: i64 = 1_750_000_000;

/// Checks one input.
///
/// # Panics
///
/// If the verifier says something else than the model.
pub(crate) fn check(input: &[u8]) {
    let mut parts = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(parts.next()?).ok();
    let (Some(id), Some(timestamp), Some(template)) = (line(), line(), line()) else { return };
    let body = parts.next().unwrap_or_default();
    let [one, other, stranger] =
        SECRETS.map(|secret| SigningKey::parse(&Secret::new(secret)).expect("a secret"));

    // A time that is none has no signature to stand for: any will do.
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<i64> = timestamp.parse().ok().filter(|_| digits && timestamp.len() <= 12);
    // A time with leading zeros, or after the year 9998, is signed as it is written, which is not how we sign.
    let as_written = seconds.filter(|seconds| {
        seconds.to_string() == timestamp
            && Timestamp::from_second(*seconds).as_microsecond() / 1_000_000 == *seconds
    });
    let genuine = [&one, &other, &stranger]
        .map(|key| key.sign(id, Timestamp::from_second(as_written.unwrap_or(NOW)), body));
    let header = (0..)
        .zip(&genuine)
        .fold(template.to_owned(), |header, (number, entry)| header.replace(&format!("@{number}"), entry));

    let sound = !id.is_empty() && !id.contains('.');
    let signed =
        sound && as_written.is_some() && template.split(' ').any(|entry| ["@0", "@1"].contains(&entry));
    let expected = match seconds {
        Some(seconds) if signed && seconds.abs_diff(NOW) <= TOLERANCE.as_secs() => Ok(()),
        Some(_) if signed => Err(Code::SignatureStale),
        _ => Err(Code::SignatureInvalid),
    };
    let headers = SignatureHeaders { id, timestamp, signature: &header };
    let verdict = verify(&[one, other], headers, body, Timestamp::from_second(NOW));
    assert_eq!(verdict.map_err(|failure| failure.code), expected);
}
