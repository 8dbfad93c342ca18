use proptest::prelude::*;

use super::*;

const SECRET: &str = "planted-webhook-secret";
const BODY: &str = r#"{"event":"app_deauthorized","event_ts":1800000000123,"payload":{"account_id":"acc-1","user_id":"user-1","signature":"827edc3452044f0bc86bdd5684afb7d1e6becfa1a767f24df1b287853cf73000","deauthorization_time":"2027-01-15T08:00:00.123Z","client_id":"client-1"}}"#;
// Made with Python's hmac.
const HEADERS: WebhookHeaders<'_> = WebhookHeaders {
    signature: "v0=4ea817b392cadc3b3c70f026018f5f4a2669b6ab25df5438828ae3ba02c3a1c8",
    timestamp: "1800000000",
};
const IN_MILLISECONDS: WebhookHeaders<'_> = WebhookHeaders {
    signature: "v0=f08cafcfa8177452077b80696bdf7c38bf1fd903d50b5ce53f8615c903b6811d",
    timestamp: "1800000000000",
};
const SENT_AT: Timestamp = Timestamp::from_second(1_800_000_000);

fn verdict(
    secrets: &[&str],
    headers: WebhookHeaders<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<usize, Code> {
    let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::new).collect();
    let verified = verify_webhook(&secrets, headers, body, now);
    let (sent_at, signer) = verified.map_err(|failure| failure.code)?;
    assert_eq!(sent_at, SENT_AT);
    Ok(secrets.iter().position(|secret| std::ptr::eq(secret, signer)).unwrap())
}

#[test]
fn an_authentic_webhook_is_verified_by_the_secret_that_signed_it() {
    let verdict = |secrets: &[&str], headers| verdict(secrets, headers, BODY.as_bytes(), SENT_AT);
    assert_eq!(verdict(&[SECRET], HEADERS), Ok(0));
    assert_eq!(verdict(&[SECRET], IN_MILLISECONDS), Ok(0));
    assert_eq!(verdict(&["newer", SECRET], HEADERS), Ok(1));
    assert_eq!(verdict(&["newer"], HEADERS), Err(Code::SignatureInvalid));
    assert_eq!(verdict(&[], HEADERS), Err(Code::SignatureInvalid));
}

#[test]
fn every_byte_and_the_time_are_signed() {
    let verdict = |headers, body: &str| verdict(&[SECRET], headers, body.as_bytes(), SENT_AT);
    let spaced = BODY.replace(':', ": ");
    assert_eq!(verdict(HEADERS, &spaced), Err(Code::SignatureInvalid), "the same JSON in other bytes");
    let later = WebhookHeaders { timestamp: "1800000001", ..HEADERS };
    assert_eq!(verdict(later, BODY), Err(Code::SignatureInvalid));
    for timestamp in ["", " 1800000000", "+1800000000", "1800000000.0", "18000000000000000000", "now"] {
        let odd = WebhookHeaders { timestamp, ..HEADERS };
        assert_eq!(verdict(odd, BODY), Err(Code::SignatureInvalid), "{timestamp:?}");
    }
    let upper = HEADERS.signature.to_uppercase();
    for signature in ["", "v0=", &HEADERS.signature[3..], &upper, &HEADERS.signature[..66]] {
        let odd = WebhookHeaders { signature, ..HEADERS };
        assert_eq!(verdict(odd, BODY), Err(Code::SignatureInvalid), "{signature:?}");
    }
}

#[test]
fn the_window_is_five_minutes_either_way() {
    let at = |now| verdict(&[SECRET], HEADERS, BODY.as_bytes(), now);
    let tick = Duration::from_micros(1);
    assert_eq!(at(SENT_AT + WEBHOOK_TOLERANCE), Ok(0));
    assert_eq!(at(SENT_AT - WEBHOOK_TOLERANCE), Ok(0));
    assert_eq!(at(SENT_AT + WEBHOOK_TOLERANCE + tick), Err(Code::SignatureStale));
    assert_eq!(at(SENT_AT - WEBHOOK_TOLERANCE - tick), Err(Code::SignatureStale));
    let unsigned = verdict(&["other"], HEADERS, BODY.as_bytes(), SENT_AT + WEBHOOK_TOLERANCE * 2);
    assert_eq!(unsigned, Err(Code::SignatureInvalid), "the answer reveals nothing about our clock");
}

#[test]
fn a_validation_is_answered_with_the_hmac_of_its_token() {
    assert_eq!(
        encrypt_plain_token(&Secret::new(SECRET), "qgg8vlvZRS6UYooatFL8Aw"),
        "87cbd62889e4a30ea8cca01b4fe10dd6e7eb2540007d1430e2e38a5395f349d3"
    );
}

#[test]
fn events_are_distinguished() {
    let read = |text: &str| Webhook::read(text.as_bytes()).unwrap();
    let (account_id, user_id) = (Some("acc-1".to_owned()), "user-1".to_owned());
    let removed = read(BODY);
    assert_eq!(removed.happened_at, Some(Timestamp::from_microsecond(1_800_000_000_123_000)));
    let client_id = Some("client-1".to_owned());
    let expected =
        WebhookEvent::AppDeauthorized { account_id: account_id.clone(), user_id: user_id.clone(), client_id };
    assert_eq!(removed.event, expected);

    let of_user = |event: &str| {
        read(&format!(
            r#"{{"event":"{event}","payload":{{"account_id":"acc-1","object":{{"id":"user-1"}}}}}}"#
        ))
        .event
    };
    assert_eq!(
        of_user("user.deactivated"),
        WebhookEvent::UserDeactivated { account_id: account_id.clone(), user_id: user_id.clone() }
    );
    assert_eq!(of_user("user.deleted"), WebhookEvent::UserDeleted { account_id, user_id });
    assert_eq!(of_user("user.updated"), WebhookEvent::Other { name: "user.updated".into() });

    let asked = read(r#"{"event":"endpoint.url_validation","payload":{"plainToken":"p"},"event_ts":1}"#);
    assert_eq!(asked.event, WebhookEvent::UrlValidation { plain_token: "p".into() });
    let odd = r#"{"event":"moon.full","payload":{"account_id":7,"object":{"id":["x"]},"user_id":null}}"#;
    assert_eq!(read(odd).event, WebhookEvent::Other { name: "moon.full".into() });
}

#[test]
fn events_of_meetings_and_their_hosts_are_read() {
    let read = |event: &str, payload: &str| {
        let text = format!(r#"{{"event":"{event}","payload":{{"account_id":"acc-1",{payload}}}}}"#);
        Webhook::read(text.as_bytes()).unwrap().event
    };
    let meeting = |action, host: Option<&str>| WebhookEvent::Meeting {
        action,
        account_id: "acc-1".into(),
        number: MeetingNumber::try_from(81_234_567_890).unwrap(),
        host_id: host.map(str::to_owned),
    };
    let object = r#""object":{"id":81234567890,"host_id":"user-1"}"#;
    let text = r#""operation":"all","object":{"id":"81234567890","host_id":"user-1"}"#;
    let changed = r#""scope":"all","object":{"id":81234567890,"topic":"x"},"old_object":{"topic":"y"}"#;
    for (event, payload, expected) in [
        (MEETING_CREATED, object, meeting(MeetingAction::Created, Some("user-1"))),
        (MEETING_UPDATED, changed, meeting(MeetingAction::Updated, None)),
        (MEETING_UPDATED, object, meeting(MeetingAction::Updated, Some("user-1"))),
        (MEETING_DELETED, object, meeting(MeetingAction::Deleted, Some("user-1"))),
        (MEETING_DELETED, text, meeting(MeetingAction::Deleted, Some("user-1"))),
    ] {
        let event_read = read(event, payload);
        assert_eq!(event_read, expected, "{event} {payload}");
        assert_eq!(event_read.name(), event);
    }
    let (account_id, user_id) = ("acc-1".to_owned(), "user-1".to_owned());
    let number = MeetingNumber::try_from(5_551_234_567).unwrap();
    let room = WebhookEvent::PersonalRoom { account_id, user_id, number };
    assert_eq!(read(USER_UPDATED, r#""object":{"id":"user-1","pmi":5551234567}"#), room);
    assert_eq!(read(USER_UPDATED, r#""object":{"id":"user-1","pmi":"5551234567"}"#), room);
    let (account_id, user_id) = ("acc-1".to_owned(), "user-1".to_owned());
    let appeared = WebhookEvent::UserAppeared { name: USER_CREATED, account_id, user_id };
    assert_eq!(read(USER_CREATED, r#""object":{"id":"user-1"}"#), appeared);

    for (event, payload) in [
        // One occurrence of a series: the others stay.
        (MEETING_DELETED, r#""operation":"single","object":{"id":81234567890,"host_id":"user-1"}"#),
        (MEETING_CREATED, r#""object":{"id":7,"host_id":"user-1"}"#),
        (MEETING_CREATED, r#""object":{"id":["x"]}"#),
        (MEETING_CREATED, r#""x":0"#),
        (USER_UPDATED, r#""object":{"id":"user-1","pmi":"none"}"#),
        (USER_CREATED, r#""object":{"id":7}"#),
    ] {
        assert_eq!(read(event, payload), WebhookEvent::Other { name: event.into() }, "{event} {payload}");
    }
}

#[test]
fn events_without_their_ids_are_malformed() {
    let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(513));
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"event":7}"#,
        r#"{"event":""}"#,
        &long,
        r#"{"event":"app_deauthorized","payload":{"account_id":"a","client_id":"c"}}"#,
        r#"{"event":"user.deleted","payload":{"account_id":"a","object":{"id":7}}}"#,
        r#"{"event":"user.deleted","payload":{"account_id":"a"}}"#,
        r#"{"event":"endpoint.url_validation","payload":{"plainToken":""}}"#,
        r#"{"event":"endpoint.url_validation"}"#,
    ] {
        let code = Webhook::read(body.as_bytes()).unwrap_err().code;
        assert_eq!(code, Code::RequestMalformed, "{body}");
    }
}

/// Values that may occur instead of the expected one; `None` means that the field is missing.
const ODDITIES: [Option<&str>; 8] = [
    None,
    Some("null"),
    Some(r#""odd""#),
    Some("-7"),
    Some("1e400"),
    Some("[[]]"),
    Some(r#"{"id":["x"]}"#),
    Some("true"),
];

/// `{` and each field with its value; the field named `replaced` has the value `by`.
fn object(fields: &[(&str, &str)], replaced: &str, by: Option<&str>) -> String {
    let written = fields.iter().filter_map(|(name, value)| {
        let value = if *name == replaced { by } else { Some(*value) };
        value.map(|value| format!("\"{name}\":{value}"))
    });
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

#[test]
fn only_fields_that_end_an_account_can_make_an_event_malformed() {
    let removed = [
        ("account_id", r#""acc-1""#),
        ("user_id", r#""user-1""#),
        ("client_id", r#""client-1""#),
        ("signature", r#""s""#),
        ("deauthorization_time", r#""2027-01-15T08:00:00.123Z""#),
        ("user_data_retention", r#""false""#),
        ("object", r#"{"id":"user-1"}"#),
    ];
    let of_user = [
        ("account_id", r#""acc-1""#),
        ("operator", r#""boss@example.com""#),
        ("object", r#"{"id":"user-1","email":"ann@example.com","type":1}"#),
    ];
    let user_id = "user-1".to_owned();
    for (name, payload, needed) in [
        (APP_DEAUTHORIZED, &removed[..], "user_id"),
        (USER_DEACTIVATED, &of_user[..], "object"),
        (USER_DELETED, &of_user[..], "object"),
    ] {
        for by in ODDITIES {
            for replaced in payload.iter().map(|(name, _)| *name).chain(["event_ts", "x"]) {
                if replaced == needed {
                    continue;
                }
                let (event, payload) = (format!("\"{name}\""), object(payload, replaced, by));
                let outer = [("event", event.as_str()), ("event_ts", "1800000000123"), ("payload", &payload)];
                let body = object(&[&outer[..], &[("x", "1")]].concat(), replaced, by);
                let read = Webhook::read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
                match read.event {
                    WebhookEvent::AppDeauthorized { user_id: user, .. }
                    | WebhookEvent::UserDeactivated { user_id: user, .. }
                    | WebhookEvent::UserDeleted { user_id: user, .. } => {
                        assert_eq!(user, user_id, "{body}");
                    }
                    other => panic!("{body}: {other:?}"),
                }
                assert!(read.happened_at.is_none_or(|at| at > Timestamp::from_second(0)), "{body}");
            }
        }
    }
}

#[test]
fn other_events_are_accepted_whatever_they_contain() {
    for by in ODDITIES {
        for replaced in ["event_ts", "payload", "object", "account_id", "download_token"] {
            let payload = object(&[("account_id", r#""a""#), ("object", r#"{"id":1}"#)], replaced, by);
            let fields = [
                ("event", r#""recording.completed""#),
                ("event_ts", "1800000000123"),
                ("payload", &payload),
                ("download_token", r#""t""#),
            ];
            let body = object(&fields, replaced, by);
            let event =
                Webhook::read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}")).event;
            assert_eq!(event, WebhookEvent::Other { name: "recording.completed".into() });
        }
    }
}

#[test]
fn a_time_is_read_in_every_format_and_from_both_places() {
    let at = |event_ts: &str| {
        let body = BODY.replace("1800000000123", event_ts);
        Webhook::read(body.as_bytes()).unwrap().happened_at.unwrap().to_string()
    };
    let written = "2027-01-15T08:00:00.123000Z";
    for event_ts in ["1800000000123", r#""1800000000123""#, "1800000000123.7", "null", "[]", "1e400", "-1"] {
        assert_eq!(at(event_ts), written, "{event_ts}");
    }
    assert_eq!(at("9223372036854775807"), Timestamp::MAX.to_string());
}

proptest! {
    #[test]
    fn no_headers_are_accepted_or_cause_a_panic(
        signature in prop_oneof!["v0=[0-9a-f]{64}", "v0=.{0,70}", ".*"],
        timestamp in prop_oneof![Just("1800000000".to_owned()), "[0-9]{0,24}", ".*"],
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let headers = WebhookHeaders { signature: &signature, timestamp: &timestamp };
        prop_assert_eq!(verdict(&[SECRET], headers, &body, SENT_AT), Err(Code::SignatureInvalid));
    }

    #[test]
    fn no_body_causes_a_panic(
        body in prop_oneof![
            any::<Vec<u8>>(),
            ".*".prop_map(String::into_bytes),
            r#"\{"event":"(app_deauthorized|user\.deleted|x)","event_ts":[-0-9]{1,20},"payload":[\{\["a-z:,\]\}]{0,40}\}"#
                .prop_map(String::into_bytes),
            "[\\[{]{0,5000}".prop_map(String::into_bytes),
        ],
    ) {
        let _ = Webhook::read(&body);
    }
}
