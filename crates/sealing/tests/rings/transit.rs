//! Keys that a key service wraps. The fake service really encrypts, binds associated data and checks the token. Its answers
//! have the format of <https://openbao.org/api-docs/secret/transit>.

use std::{
    fs,
    future::IntoFuture as _,
    sync::{Arc, Mutex},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Secret, WorkspaceId};
use sealing::{CellAddress, KeysError, OpenError, Provider, Token, Transit, TransitConfig, TransitError};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::support::Fixture;

const TOKEN: &str = "planted-token";

/// How the fake service behaves.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Sealed,
    Standby,
    Chatty,
    Nonsense,
}

struct Service {
    key: LessSafeKey,
    mood: Mutex<Mood>,
    nonces: Mutex<u64>,
    asked: Mutex<Vec<String>>,
}

/// A fake key service that runs until it is dropped.
struct Running {
    service: Arc<Service>,
    address: String,
    _task: JoinSet<()>,
}

impl Running {
    async fn start() -> Self {
        let service = Arc::new(Service {
            key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap()),
            mood: Mutex::new(Mood::Well),
            nonces: Mutex::new(0),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/{mount}/{operation}/{key}", post(answer))
            .with_state(Arc::clone(&service));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).into_future().await.unwrap() });
        Self { service, address, _task: task }
    }

    fn feels(&self, mood: Mood) {
        *self.service.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.service.asked.lock().unwrap())
    }

    fn provider(&self, fixture: &Fixture) -> Provider {
        fixture.provider().with_transit(Some(self.client(|_| {})))
    }

    fn client(&self, change: impl FnOnce(&mut TransitConfig)) -> Transit {
        let mut config = TransitConfig {
            address: self.address.parse().unwrap(),
            mount: "transit".into(),
            key: "latchkey".into(),
            namespace: None,
            token: Token::Given(Secret::new(TOKEN)),
            ca_file: None,
        };
        change(&mut config);
        Transit::new(config).unwrap()
    }
}

async fn answer(
    State(service): State<Arc<Service>>,
    Path((mount, operation, key)): Path<(String, String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    service.asked.lock().unwrap().push(operation.clone());
    let errors = |status: StatusCode, said: &str| (status, Json(json!({ "errors": [said] }))).into_response();
    match *service.mood.lock().unwrap() {
        Mood::Well => {}
        Mood::Sealed => return errors(StatusCode::SERVICE_UNAVAILABLE, "Vault is sealed"),
        Mood::Standby => return Redirect::temporary("http://127.0.0.1:1/").into_response(),
        Mood::Chatty => return "x".repeat(1 << 20).into_response(),
        Mood::Nonsense => return "<html>".into_response(),
    }
    if headers.get("x-vault-token").is_none_or(|token| token != TOKEN) {
        return errors(StatusCode::FORBIDDEN, "permission denied");
    }
    if mount != "transit" {
        return errors(StatusCode::NOT_FOUND, "no handler for route");
    }
    if key != "latchkey" {
        return errors(StatusCode::BAD_REQUEST, "encryption key not found");
    }
    let field = |name: &str| body[name].as_str().map(|text| BASE64_STANDARD.decode(text).unwrap());
    let bound = Aad::from(field("associated_data").unwrap_or_default());
    let data = match operation.as_str() {
        "encrypt" => {
            let mut nonce = [0; 12];
            let mut nonces = service.nonces.lock().unwrap();
            *nonces += 1;
            nonce[..8].copy_from_slice(&nonces.to_be_bytes());
            let mut bytes = field("plaintext").unwrap();
            let unique = Nonce::assume_unique_for_key(nonce);
            service.key.seal_in_place_append_tag(unique, bound, &mut bytes).unwrap();
            let ciphertext = BASE64_STANDARD.encode([nonce.as_slice(), &bytes].concat());
            json!({ "ciphertext": format!("vault:v1:{ciphertext}"), "key_version": 1 })
        }
        "decrypt" => {
            let ciphertext = body["ciphertext"].as_str().unwrap();
            let Some(ciphertext) = ciphertext.strip_prefix("vault:v1:") else {
                return errors(StatusCode::BAD_REQUEST, "invalid ciphertext: no prefix");
            };
            let mut bytes = BASE64_STANDARD.decode(ciphertext).unwrap();
            let nonce = Nonce::try_assume_unique_for_key(&bytes[..12]).unwrap();
            match service.key.open_in_place(nonce, bound, &mut bytes[12..]) {
                Ok(plain) => json!({ "plaintext": BASE64_STANDARD.encode(plain) }),
                Err(_) => return errors(StatusCode::BAD_REQUEST, "cipher: message authentication failed"),
            }
        }
        _ => return errors(StatusCode::NOT_FOUND, "unsupported path"),
    };
    Json(json!({ "request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data,
                 "wrap_info": null, "warnings": null, "auth": null }))
    .into_response()
}

#[tokio::test]
async fn a_wrapped_ring_is_never_stored_in_the_clear_and_works_without_its_service() {
    let (fixture, service) = (Fixture::new(1), Running::start().await);
    let made = service.provider(&fixture).create(&fixture.env).await.unwrap();
    let file = fs::read_to_string(fixture.path("keys.json")).unwrap();
    assert!(file.contains("\"wrapped\"") && file.contains("vault:v1:"), "{file}");
    assert!(!file.contains("\"keys\""), "{file}");

    let server = service.provider(&fixture).open(&fixture.env).await.unwrap();
    assert_eq!(server.active_key_id(), made.active_key_id());
    service.asked();
    service.feels(Mood::Sealed);
    let workspace = WorkspaceId::generate(&fixture.env);
    let place = CellAddress { workspace, table: "t", row: "r", column: "c" };
    for _ in 0..3 {
        fixture.pass(60);
        let sealed = server.seal(&place, &Secret::new("planted"));
        assert_eq!(server.open(&place, &sealed).unwrap().expose(), "planted");
        server.catch_up().await;
    }
    assert!(service.asked().is_empty(), "sealing and opening call no service");
}

#[tokio::test]
async fn a_rotated_key_is_fetched_in_the_background_and_retried() {
    let (fixture, service) = (Fixture::new(1), Running::start().await);
    let provider = service.provider(&fixture);
    // The first key is stored in the clear. The service wraps the key of the rotation.
    let old = fixture.provider().create(&fixture.env).await.unwrap().active_key_id();
    let (one, other) = (
        provider.clone().open(&fixture.env).await.unwrap(),
        provider.clone().open(&fixture.env).await.unwrap(),
    );
    let from = fixture.env.now() + std::time::Duration::from_secs(60);
    let rotated = provider.rotate(from, None, &fixture.env).await.unwrap();
    let place =
        CellAddress { workspace: WorkspaceId::generate(&fixture.env), table: "t", row: "r", column: "c" };

    one.catch_up().await;
    service.feels(Mood::Sealed);
    other.catch_up().await;
    fixture.pass(60);
    let sealed = one.seal(&place, &Secret::new("planted"));
    assert_eq!(one.active_key_id(), rotated.key);
    assert_eq!(other.active_key_id(), old, "it still uses the key that it has");
    assert_eq!(other.open(&place, &sealed).unwrap_err(), OpenError::KeyMissing(rotated.key.clone()));
    service.feels(Mood::Well);
    other.catch_up().await;
    assert_eq!(other.open(&place, &sealed).unwrap().expose(), "planted");
    assert_eq!(other.active_key_id(), rotated.key);
}

#[tokio::test]
async fn a_wrapped_key_unwraps_under_its_own_id_only() {
    let (fixture, service) = (Fixture::new(1), Running::start().await);
    service.provider(&fixture).create(&fixture.env).await.unwrap();
    let mut ring: Value =
        serde_json::from_str(&fs::read_to_string(fixture.path("keys.json")).unwrap()).unwrap();
    let wrapped = ring["wrapped"].as_object().unwrap().values().next().unwrap().clone();
    ring["wrapped"] = json!({ "k-other": wrapped });
    ring["active"] = json!("k-other");
    fs::write(fixture.path("keys.json"), ring.to_string()).unwrap();
    let refused = service.provider(&fixture).open(&fixture.env).await.unwrap_err();
    assert!(matches!(&refused, KeysError::Service { cause: TransitError::Rejected { .. }, .. }), "{refused}");
}

#[tokio::test]
async fn every_error_of_the_service_says_what_to_do() {
    let (fixture, service) = (Fixture::new(1), Running::start().await);
    service.provider(&fixture).create(&fixture.env).await.unwrap();
    let complaint = async |transit: Option<Transit>| {
        let refused =
            fixture.provider().with_transit(transit).open(&fixture.env).await.unwrap_err().to_string();
        assert!(!refused.contains("planted") && !refused.contains('\n'), "{refused}");
        refused
    };
    for (mood, wanted) in [
        (Mood::Sealed, "start or unseal it"),
        (Mood::Standby, "307"),
        (Mood::Chatty, "correct keys.transit.address"),
        (Mood::Nonsense, "correct keys.transit.address"),
    ] {
        service.feels(mood);
        let line = complaint(Some(service.client(|_| {}))).await;
        assert!(line.contains(wanted), "{line}");
    }
    service.feels(Mood::Well);
    let line = complaint(None).await;
    assert!(line.contains("set keys.transit"), "{line}");
    for (client, wanted) in [
        (service.client(|config| config.token = Token::Given(Secret::new("planted-other"))), "renew it"),
        (service.client(|config| config.token = Token::File(fixture.path("nowhere"))), "token_file"),
        (service.client(|config| config.mount = "elsewhere".into()), "keys.transit.mount"),
        (service.client(|config| config.key = "another".into()), "encryption key not found"),
        (
            service.client(|config| config.address = "http://127.0.0.1:1".parse().unwrap()),
            "start or unseal it",
        ),
    ] {
        let line = complaint(Some(client)).await;
        assert!(line.contains(wanted), "{line}");
    }
    fs::write(fixture.path("token"), format!("{TOKEN}\n")).unwrap();
    let client = service.client(|config| config.token = Token::File(fixture.path("token")));
    fixture.provider().with_transit(Some(client)).open(&fixture.env).await.unwrap();
}
