//! Headers of Standard Webhooks: in both spellings, repeated, incomplete, and as bytes that are not text.

use axum::{
    body::Body,
    http::{HeaderValue, Request},
};
use model::Secret;
use outbound::signature::SigningKey;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    PLAN, app,
    test_app::{Plan, TestApp},
};

const SECRETS: [&str; 2] = [
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=",
    "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDA=",
];
const STRANGERS: &str = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtc3RyYW5nZXItMDAwMDA=";
const FAMILIES: [&str; 2] = ["webhook", "svix"];
const FIELDS: [&str; 3] = ["id", "timestamp", "signature"];
const REQUESTS: u32 = 600;

/// A header of one of the families.
#[derive(Debug, Clone)]
struct Line {
    family: usize,
    field: usize,
    value: Value,
}

/// The content of a header.
#[derive(Debug, Clone)]
enum Value {
    /// The correct content, signed with this secret of the link.
    Genuine(usize),
    /// A correct entry among others, or another spelling of the correct content.
    AmongOthers,
    /// The correct content, signed with another key; or another id or time.
    Strangers,
    Text(String),
    /// Not ASCII.
    Bytes(Vec<u8>),
}

fn any_line() -> impl Strategy<Value = Line> {
    let value = prop_oneof![
        12 => (0..SECRETS.len()).prop_map(Value::Genuine),
        1 => Just(Value::AmongOthers),
        1 => Just(Value::Strangers),
        1 => "[ -~]{0,40}".prop_map(Value::Text),
        1 => prop::collection::vec(0x80..=0xff_u8, 1..8).prop_map(Value::Bytes),
    ];
    (0..FAMILIES.len(), 0..FIELDS.len(), value).prop_map(|(family, field, value)| Line {
        family,
        field,
        value,
    })
}

/// Makes the value of a line, for a request with this id at this time.
struct Signer<'a> {
    id: &'a str,
    now: model::Timestamp,
}

impl Signer<'_> {
    fn value(&self, line: &Line) -> HeaderValue {
        let sign = |secret| SigningKey::parse(&Secret::new(secret)).unwrap().sign(self.id, self.now, b"");
        let seconds = self.now.as_second();
        let text = match (&line.value, FIELDS[line.field]) {
            (Value::Bytes(bytes), _) => return HeaderValue::from_bytes(bytes).unwrap(),
            (Value::Text(text), _) => text.clone(),
            (Value::Genuine(_), "id") => self.id.to_owned(),
            (Value::Genuine(_), "timestamp") => seconds.to_string(),
            (Value::Genuine(secret), _) => sign(SECRETS[*secret]),
            (Value::AmongOthers, "id") => format!("{}.", self.id),
            (Value::AmongOthers, "timestamp") => format!("0{seconds}"),
            (Value::AmongOthers, _) => format!("v1,x v1a,AAAA {} v2,x", sign(SECRETS[0])),
            (Value::Strangers, "id") => "msg_of_a_stranger".to_owned(),
            (Value::Strangers, "timestamp") => (seconds + 1).to_string(),
            (Value::Strangers, _) => sign(STRANGERS),
        };
        HeaderValue::from_str(&text).unwrap()
    }
}

/// The first complete family of text headers decides, `webhook-*` before `svix-*`; of a repeated header, the first one.
fn verdict(lines: &[Line]) -> (u16, Option<&'static str>) {
    let first = |family, field| {
        let mut named = lines.iter().filter(move |line| (line.family, line.field) == (family, field));
        named.next().map(|line| &line.value).filter(|value| !matches!(value, Value::Bytes(_)))
    };
    let whole = |family| [first(family, 0), first(family, 1), first(family, 2)].into_iter().collect();
    match (0..FAMILIES.len()).find_map(|family| -> Option<Vec<_>> { whole(family) }).as_deref() {
        Some([Value::Genuine(_), Value::Genuine(_), Value::Genuine(_) | Value::AmongOthers]) => (200, None),
        Some(_) => (401, Some("signature_invalid")),
        None => (401, Some("signature_missing")),
    }
}

async fn linked(app: &TestApp) -> String {
    let account = app.connect(app.zoom.host()).await;
    let link = json!({ "credential": account, "signing_secret": SECRETS });
    let link = app.post("/api/latchkey/v1/token-links/", link).await.created();
    app.path_of(link["url"].as_str().unwrap())
}

#[tokio::test]
async fn one_complete_family_of_headers_decides() {
    let app = app().await;
    let link = linked(&app).await;
    // Six headers make both families; some are repeated, some missing.
    let lines = prop::collection::vec(any_line(), 2..14);
    let mut runner = TestRunner::new(Config { source_file: None, ..Config::default() });
    let mut given = 0;
    for number in 0..REQUESTS {
        let lines = lines.new_tree(&mut runner).unwrap().current();
        let signer = Signer { id: &format!("msg_{number}"), now: app.env.now() };
        let mut request = Request::builder().uri(&link);
        for line in &lines {
            let name = format!("{}-{}", FAMILIES[line.family], FIELDS[line.field]);
            request = request.header(name, signer.value(line));
        }
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        let (status, code) = verdict(&lines);
        assert_eq!(answer.status, status, "{}: {lines:?}", answer.text);
        match code {
            Some(code) => assert_eq!(answer.text.split(':').next(), Some(code), "{lines:?}"),
            None => given += 1,
        }
    }
    assert!((REQUESTS / 20..REQUESTS).contains(&given), "{given} of {REQUESTS} were given a token");
    assert_eq!(app.zoom.count("zak_mints").await, 1);
}

/// Through a socket, because the limits of the HTTP server matter too.
#[tokio::test]
async fn huge_headers_are_refused_and_the_next_request_is_served() {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    let link = linked(&app).await;
    let address = app.address("");
    let address = address.strip_prefix("http://").unwrap();
    for (number, junk, status) in [
        // All entries are checked, and the correct one is the last.
        (1, "v1,AAAA ".repeat(1_900), 200),
        (2, "v1,".repeat(5_000), 200),
        (3, "v1,AAAA ".repeat(7_000), 400),
        // This is not even accepted.
        (4, "v1,AAAA ".repeat(100_000), 431),
    ] {
        let signer = Signer { id: &format!("msg_{number}"), now: app.env.now() };
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut head = format!("GET {link} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        for (field, name) in FIELDS.iter().enumerate() {
            let value = signer.value(&Line { family: 0, field, value: Value::Genuine(0) });
            let before = if *name == "signature" { format!("{junk} ") } else { String::new() };
            head.extend(["webhook-", name, ": ", &before, value.to_str().unwrap(), "\r\n"]);
        }
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(format!("{head}\r\n").as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"), "{number}");
    }
    assert_eq!(app.zoom.count("zak_mints").await, 1);
}
