//! Standard Webhooks signatures: bots send them when they fetch a token, and token links require them.
//!
//! HMAC-SHA256 signs `id.timestamp.body`. The key is the Base64 after `whsec_`. URL, query and method are
//! *not* covered (documented by Recall): a captured signature is valid for every address of the workspace. So a token
//! link's own secret is always required as well, and used ids are stored.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Code, Failure, Secret, Timestamp};

/// The maximum difference between a signature's time and ours, in either direction.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The prefix of the ids of requests that this server signs for addresses other than its own token links. A signature does
/// not cover the address, so a receiver could present the request to a token link. Token links refuse these ids.
pub const ELSEWHERE: &str = "msg_elsewhere_";

/// The key inside a `whsec_…` secret.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

/// The three signature headers, with either prefix.
#[derive(Debug, Clone, Copy)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id` or `svix-id`: not empty, and without a dot.
    pub id: &'a str,
    /// `webhook-timestamp` or `svix-timestamp`: Unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature` or `svix-signature`: a list, separated by spaces.
    pub signature: &'a str,
}

impl SigningKey {
    /// Reads `whsec_` and standard Base64 of 16 to 128 bytes. `None` for anything else.
    pub fn parse(secret: &Secret) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
        (16..=128).contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature header's value.
    pub fn sign(&self, id: &str, timestamp: Timestamp, body: &[u8]) -> String {
        let seconds = timestamp.as_second().to_string();
        format!("v1,{}", BASE64_STANDARD.encode(self.tag(id, &seconds, body)))
    }

    fn tag(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        context.sign()
    }
}

/// The signature header's value with an entry of each key, in their order: newest first, while a secret is rotated.
pub fn sign_with_each(keys: &[SigningKey], id: &str, timestamp: Timestamp, body: &[u8]) -> String {
    let entries: Vec<String> = keys.iter().map(|key| key.sign(id, timestamp, body)).collect();
    entries.join(" ")
}

/// Checks the headers against every key (several are valid while a secret is rotated), and the time against ours.
pub fn verify(
    keys: &[SigningKey],
    headers: SignatureHeaders<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Failure> {
    let invalid = || Failure::new(Code::SignatureInvalid, "no signature in the header matches");
    // Only digits are accepted: with a sign or a space, two texts could mean the same time.
    let seconds = (headers.timestamp.len() <= 12 && headers.timestamp.bytes().all(|b| b.is_ascii_digit()))
        .then(|| headers.timestamp.parse().ok())
        .flatten()
        .ok_or_else(invalid)?;
    // If an id could contain a dot, the signed text could be read as another id, time and body.
    if headers.id.is_empty() || headers.id.contains('.') {
        return Err(invalid());
    }
    let expected: Vec<_> = keys.iter().map(|key| key.tag(headers.id, headers.timestamp, body)).collect();
    let genuine = headers
        .signature
        .split(' ')
        .filter_map(|entry| BASE64_STANDARD.decode(entry.strip_prefix("v1,")?).ok())
        .any(|given| {
            expected
                .iter()
                .any(|tag| aws_lc_rs::constant_time::verify_slices_are_equal(tag.as_ref(), &given).is_ok())
        });
    if !genuine {
        return Err(invalid());
    }
    let signed_at = Timestamp::from_second(seconds);
    if now.since(signed_at) > TOLERANCE || signed_at.since(now) > TOLERANCE {
        return Err(Failure::new(
            Code::SignatureStale,
            "the signature's time is more than 5 minutes from ours",
        ));
    }
    Ok(())
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use standardwebhooks::Webhook;

    use super::*;

    const NEW: &str = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=";
    const OLD: &str = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDA=";
    const SIGNED_AT: Timestamp = Timestamp::from_second(1_750_000_000);
    /// A fetch, which has no body.
    const FETCH: SignatureHeaders<'_> = SignatureHeaders {
        id: "msg_testvector0001",
        timestamp: "1750000000",
        signature: "v1,2DHnrt2ma8jCFwhkJAv3Fktwk2PP1NIgfyvUYbOMJLU=",
    };
    /// The same while the secret is rotated: one entry for each key.
    const ROTATION: &str =
        "v1,lGHe0mDFnhyeCP2qA0vLwpk2LshpfIzDQcMAJTzNtoY= v1,2DHnrt2ma8jCFwhkJAv3Fktwk2PP1NIgfyvUYbOMJLU=";

    fn key(secret: &str) -> SigningKey {
        SigningKey::parse(&Secret::new(secret)).unwrap()
    }

    fn verdict(secret: &str, headers: SignatureHeaders<'_>, body: &[u8]) -> Result<(), Code> {
        verify(&[key(secret)], headers, body, SIGNED_AT).map_err(|failure| failure.code)
    }

    /// A different key for each number.
    fn numbered(number: u8) -> SigningKey {
        key(&format!("whsec_{}", BASE64_STANDARD.encode([number; 32])))
    }

    /// Entries that no key has signed. A space splits an entry into two.
    const JUNK: &str = "(v1,[A-Za-z0-9+/]{43}=|v[0-9]a?,[!-~]{0,50}|[ -~]{0,50}|\\PC{0,10})";

    fn signed(signature: &str) -> SignatureHeaders<'_> {
        SignatureHeaders { signature, ..FETCH }
    }

    #[test]
    fn the_contracts_test_vectors_match() {
        assert_eq!(key(NEW).sign(FETCH.id, SIGNED_AT, b""), FETCH.signature);
        assert_eq!(verdict(NEW, FETCH, b""), Ok(()));
        assert_eq!(sign_with_each(&[key(OLD), key(NEW)], FETCH.id, SIGNED_AT, b""), ROTATION);
        assert_eq!(verdict(NEW, signed(ROTATION), b""), Ok(()));
        assert_eq!(verdict(OLD, signed(ROTATION), b""), Ok(()));
        assert_eq!(
            verify(&[key(OLD), key(NEW)], FETCH, b"", SIGNED_AT).map_err(|failure| failure.code),
            Ok(())
        );

        let body = concat!(
            r#"{"event":"bot.fatal","data":{"data":{"code":"fatal","sub_code":"meeting_requires_sign_in","#,
            r#""updated_at":"2026-01-01T00:00:00.000000Z"},"bot":{"id":"11111111-2222-3333-4444-555555555555","#,
            r#""metadata":{}}}}"#
        );
        let signature = "v1,QgpKZowHrTfprv2rKefdJVu5zXzr8Y9Lag8Q08xi90Q=";
        let event = SignatureHeaders { id: "msg_testvector0002", signature, ..FETCH };
        assert_eq!(verdict(NEW, event, body.as_bytes()), Ok(()));
    }

    #[test]
    fn another_key_id_time_or_body_is_refused() {
        let refused = Err(Code::SignatureInvalid);
        assert_eq!(verdict(OLD, FETCH, b""), refused);
        assert_eq!(verify(&[], FETCH, b"", SIGNED_AT).map_err(|failure| failure.code), refused);
        assert_eq!(verdict(NEW, SignatureHeaders { id: "msg_testvector0002", ..FETCH }, b""), refused);
        assert_eq!(verdict(NEW, SignatureHeaders { timestamp: "1750000001", ..FETCH }, b""), refused);
        assert_eq!(verdict(NEW, FETCH, b" "), refused);
    }

    #[test]
    fn every_flipped_bit_is_detected() {
        let tag = BASE64_STANDARD.decode(&FETCH.signature[3..]).unwrap();
        for bit in 0..tag.len() * 8 {
            let mut flipped = tag.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let entry = format!("v1,{}", BASE64_STANDARD.encode(flipped));
            assert_eq!(verdict(NEW, signed(&entry), b""), Err(Code::SignatureInvalid), "bit {bit}");
        }
    }

    #[test]
    fn an_entry_has_one_spelling() {
        let tag = &FETCH.signature[3..];
        for entry in [
            tag.to_owned(),
            format!("v1={tag}"),
            format!("V1,{tag}"),
            format!("v1a,{tag}"),
            format!("v2,{tag}"),
            format!("v1, {tag}"),
            format!("v1,{}", tag.trim_end_matches('=')),
            format!("v1,{}", tag.replace('=', "==")),
            // The last character contains two unused bits, which must be zero.
            format!("v1,{}", tag.replace("LU=", "LV=")),
            format!("v1,{}", &tag[..tag.len() - 4]),
            "v1,".into(),
            String::new(),
        ] {
            assert_eq!(verdict(NEW, signed(&entry), b""), Err(Code::SignatureInvalid), "{entry}");
            let among_others = format!("v9,x {entry}  {} v1,", FETCH.signature);
            assert_eq!(verdict(NEW, signed(&among_others), b""), Ok(()), "{among_others}");
        }
    }

    #[test]
    fn a_time_consists_of_digits_only() {
        for text in ["", "+5", " 5", "5 ", "-5", "5.0", "0x5", "five", "٥", "99999999999999999999", "1e9"] {
            // The signature covers this text, so the signature itself is valid.
            let genuine = format!("v1,{}", BASE64_STANDARD.encode(key(NEW).tag(FETCH.id, text, b"")));
            let headers = SignatureHeaders { timestamp: text, signature: &genuine, ..FETCH };
            assert_eq!(verdict(NEW, headers, b""), Err(Code::SignatureInvalid), "{text}");
        }
    }

    /// If an id could contain a dot, one signature would be valid for two requests.
    #[test]
    fn a_signature_is_valid_for_one_request_only() {
        let signature = key(NEW).sign("a", SIGNED_AT, b"1750000000.");
        assert_eq!(signature, key(NEW).sign("a.1750000000", SIGNED_AT, b""));
        let headers = |id| SignatureHeaders { id, signature: &signature, ..FETCH };
        assert_eq!(verdict(NEW, headers("a"), b"1750000000."), Ok(()));
        assert_eq!(verdict(NEW, headers("a.1750000000"), b""), Err(Code::SignatureInvalid));
        let without_id = key(NEW).sign("", SIGNED_AT, b"");
        let headers = SignatureHeaders { id: "", signature: &without_id, ..FETCH };
        assert_eq!(verdict(NEW, headers, b""), Err(Code::SignatureInvalid));
    }

    #[test]
    fn the_tolerance_is_exactly_five_minutes() {
        let at = |now| verify(&[key(NEW)], FETCH, b"", now).map_err(|failure| failure.code);
        let tick = Duration::from_micros(1);
        assert_eq!(at(SIGNED_AT + TOLERANCE), Ok(()));
        assert_eq!(at(SIGNED_AT - TOLERANCE), Ok(()));
        assert_eq!(at(SIGNED_AT + TOLERANCE + tick), Err(Code::SignatureStale));
        assert_eq!(at(SIGNED_AT - TOLERANCE - tick), Err(Code::SignatureStale));
        assert_eq!(
            verify(&[key(OLD)], FETCH, b"", SIGNED_AT + TOLERANCE * 2).unwrap_err().code,
            Code::SignatureInvalid
        );
    }

    #[test]
    fn invalid_secrets_are_refused() {
        for text in
            ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!", &NEW[6..], &NEW[..NEW.len() - 1], &NEW.to_uppercase()]
        {
            assert!(SigningKey::parse(&Secret::new(text)).is_none(), "{text}");
        }
        assert_eq!(format!("{:?}", key(NEW)), "SigningKey(…)");
    }

    proptest! {
        #[test]
        fn the_public_library_and_we_accept_each_other(
            bytes in prop::collection::vec(any::<u8>(), 16..=64),
            id in "[!-\\-/-~]{1,64}",
            // The public library accepts only text.
            body in ".{0,100}",
        ) {
            let secret = format!("whsec_{}", BASE64_STANDARD.encode(bytes));
            let (ours, theirs) = (key(&secret), Webhook::new(&secret).unwrap());
            // The public library's verifier uses the wall clock.
            let now = model::Environment::system().now();
            let (signature, timestamp) = (ours.sign(&id, now, body.as_bytes()), now.as_second().to_string());

            let mut headers = http::HeaderMap::new();
            headers.insert("webhook-id", id.parse().unwrap());
            headers.insert("webhook-timestamp", timestamp.parse().unwrap());
            headers.insert("webhook-signature", signature.parse().unwrap());
            prop_assert!(theirs.verify(body.as_bytes(), &headers).is_ok());

            let signature = theirs.sign(&id, now.as_second(), body.as_bytes()).unwrap();
            let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
            prop_assert!(verify(&[ours], headers, body.as_bytes(), now).is_ok());
        }

        /// One entry of a valid key is accepted among any others, in any order. Nothing else is accepted.
        #[test]
        fn one_entry_of_a_valid_key_is_enough(
            live in prop::collection::vec(0..6_u8, 0..4),
            entries in prop::collection::vec(prop_oneof![(0..6_u8).prop_map(Ok), JUNK.prop_map(Err)], 0..8),
            id in "[!-\\-/-~]{1,64}",
            body in prop::collection::vec(any::<u8>(), 0..64),
            seconds_ago in -400..400_i64,
        ) {
            let signed_at = Timestamp::from_second(SIGNED_AT.as_second() - seconds_ago);
            let header: Vec<String> = entries
                .iter()
                .map(|entry| match entry {
                    Ok(number) => numbered(*number).sign(&id, signed_at, &body),
                    Err(junk) => junk.clone(),
                })
                .collect();
            let expected = match entries.iter().any(|entry| entry.as_ref().is_ok_and(|n| live.contains(n))) {
                false => Err(Code::SignatureInvalid),
                true if seconds_ago.unsigned_abs() > TOLERANCE.as_secs() => Err(Code::SignatureStale),
                true => Ok(()),
            };
            let keys: Vec<_> = live.into_iter().map(numbered).collect();
            let (timestamp, signature) = (signed_at.as_second().to_string(), header.join(" "));
            let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
            let verdict = verify(&keys, headers, &body, SIGNED_AT).map_err(|failure| failure.code);
            prop_assert_eq!(verdict, expected);
        }

        #[test]
        fn no_other_text_is_accepted_or_causes_a_panic(
            id in ".*",
            timestamp in prop_oneof![Just(FETCH.timestamp.to_owned()), "[0-9]{0,24}", ".*"],
            signature in prop_oneof!["(v1,[A-Za-z0-9+/]{43}= ?){0,4}", "(v1,.{0,50} ?){0,4}", ".*"],
            body in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
            prop_assert_eq!(verdict(NEW, headers, &body), Err(Code::SignatureInvalid));
        }
    }
}
